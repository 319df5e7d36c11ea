import CLibC
import Configuration
import Files
import IMPSEngine
import Octets
import TLS
import Transport

/// Why a certificate could not be made.
public enum CertificateError: Error {
    /// The configuration names no files for it.
    case noPaths
    /// There is a file already, the certificate or its key.
    case exists(isCertificate: Bool)
    /// A file cannot be read or written, the certificate or its key.
    case file(isCertificate: Bool)
    /// The library refuses.
    case tls(TLSError)

    /// What is wrong and what would be right.
    public var explanation: StaticString {
        switch self {
        case .noPaths: return "tls_cert and tls_key are not set"
        case .exists: return "there is one already"
        case .file: return "it cannot be read or written"
        case .tls(let error): return error.explanation
        }
    }
}

/// Makes a certificate that signs itself where the configuration says, and its key when there is none; readable for their
/// owner only, who is that of the folder they lie in.
public func makeCertificate(_ configuration: Configuration, _ names: HostNames) throws(CertificateError) {
    let path = configuration.certificatePath
    guard !path.isEmpty, !configuration.keyPath.isEmpty else { throw .noPaths }
    guard File.size(of: path.span) == nil else { throw .exists(isCertificate: true) }
    let key = try deviceKey(configuration)
    var text = Memory.buffer(DeviceCertificate.byteCountMax)
    do throws(TLSError) { try key.writeCertificate(for: names, into: &text) } catch { throw .tls(error) }
    do throws(File.Failure) { try File.put(path.span, text.span) } catch { throw .file(isCertificate: true) }
}

/// The key where the configuration says; it is made when there is none.
public func deviceKey(_ configuration: Configuration) throws(CertificateError) -> DeviceCertificate {
    let path = configuration.keyPath
    guard !path.isEmpty else { throw .noPaths }
    var text = Memory.buffer(DeviceCertificate.byteCountMax)
    defer { text.wipe() }
    if File.size(of: path.span) != nil { return try readKey(path.span, &text) }
    let key = try newKey(into: &text)
    do throws(File.Failure) { try File.put(path.span, text.span) } catch { throw .file(isCertificate: false) }
    return key
}

private func readKey(_ path: Span<UInt8>, _ text: inout FixedBytes) throws(CertificateError) -> DeviceCertificate {
    do throws(File.Failure) { try File.read(path, into: &text) } catch { throw .file(isCertificate: false) }
    text.append(0)
    do throws(TLSError) { return try DeviceCertificate(key: text.span) } catch { throw .tls(error) }
}

private func newKey(into text: inout FixedBytes) throws(CertificateError) -> DeviceCertificate {
    do throws(TLSError) {
        let key = try DeviceCertificate.make()
        try key.writeKey(into: &text)
        return key
    } catch {
        throw .tls(error)
    }
}

/// The names and addresses that clients may reach this device by: what it is called, what it is told to say, and what it
/// listens on.
public func ownNames(_ configuration: Configuration) -> HostNames {
    var names = HostNames()
    var text = InlineArray<64, CChar>(repeating: 0)
    var span = text.mutableSpan
    if unsafe span.withUnsafeMutableBufferPointer({ unsafe libc_host_name($0.baseAddress, $0.count) }) == 0 {
        add(text, to: &names)
    }
    _ = names.add(configuration.engine.cirAddress.span)
    for index in 0..<configuration.listenCount {
        let address = configuration.listen[index]
        if address.span.equals("0.0.0.0") || address.span.equals("::") {
            addOwnAddresses(to: &names)
        } else {
            _ = names.add(address.span)
        }
    }
    if names.count == 0 { _ = names.add(("localhost" as StaticString).octets) }
    return names
}

private func addOwnAddresses(to names: inout HostNames) {
    var number: Int32 = 0
    while number < 16 {
        var text = InlineArray<64, CChar>(repeating: 0)
        var span = text.mutableSpan
        guard
            unsafe span.withUnsafeMutableBufferPointer({ unsafe libc_own_address(number, $0.baseAddress, $0.count) })
                != 0
        else { return }
        add(text, to: &names)
        number += 1
    }
}

private func add(_ text: InlineArray<64, CChar>, to names: inout HostNames) {
    var name = InlineBytes<64>()
    for index in text.indices {
        if text[index] == 0 { break }
        _ = name.append(UInt8(bitPattern: text[index]))
    }
    _ = names.add(name.span)
}
