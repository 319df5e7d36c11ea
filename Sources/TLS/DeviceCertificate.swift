import CMbedTLS
import Octets

/// A key of ECDSA with P-256 that the device makes for itself, and certificates and requests for it.
@safe
public struct DeviceCertificate: ~Copyable {
    private let key = UnsafeMutablePointer<mbedtls_pk_context>.allocate(capacity: 1)

    /// Octets that any of its files needs at most.
    public static var byteCountMax: Int { 4096 }

    private init() { unsafe mbedtls_pk_init(key) }

    deinit {
        unsafe mbedtls_pk_free(key)
        unsafe key.deallocate()
    }

    /// Makes a key.
    public static func make() throws(TLSError) -> DeviceCertificate {
        let made = DeviceCertificate()
        var code = unsafe mbedtls_pk_setup(made.key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY))
        guard code == 0 else { throw .failed(code) }
        code = unsafe mbedtls_ecp_gen_key(
            MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(made.key.pointee), Suites.random, nil)
        guard code == 0 else { throw .failed(code) }
        return made
    }

    /// The key of a file in PEM, with a zero octet behind it.
    public init(key text: Span<UInt8>) throws(TLSError) {
        self.init()
        let code = unsafe text.withUnsafeBufferPointer {
            unsafe mbedtls_pk_parse_key(key, $0.baseAddress, $0.count, nil, 0)
        }
        guard code == 0 else { throw .key(code) }
    }

    /// Adds the key in PEM.
    public func writeKey(into octets: inout FixedBytes) throws(TLSError) {
        let code = unsafe DeviceCertificate.write(into: &octets) { unsafe mbedtls_pk_write_key_pem(key, $0, $1) }
        guard code == 0 else { throw .failed(code) }
    }

    /// Adds a certificate that signs itself, in PEM, for these names, of which the first is whose it is.
    public func writeCertificate(for names: HostNames, into octets: inout FixedBytes) throws(TLSError) {
        var serial = InlineArray<16, UInt8>(repeating: 0)
        var span = serial.mutableSpan
        let code = unsafe span.withUnsafeMutableBufferPointer { unsafe Suites.random(nil, $0.baseAddress, $0.count) }
        guard code == 0 else { throw .failed(code) }
        // A number that is positive, and not short.
        serial[0] = serial[0] & 0x7F | 0x40
        try unsafe write(names, into: &octets) { subject, names, count, text, size in
            unsafe serial.span.withUnsafeBufferPointer {
                unsafe tls_shim_write_certificate(
                    key, subject, names, count, $0.baseAddress, text, size, Suites.random)
            }
        }
    }

    /// Adds a request in PEM that somebody signs the key for these names.
    public func writeRequest(for names: HostNames, into octets: inout FixedBytes) throws(TLSError) {
        try unsafe write(names, into: &octets) { subject, names, count, text, size in
            unsafe tls_shim_write_request(key, subject, names, count, text, size, Suites.random)
        }
    }

    private func write(
        _ names: HostNames, into octets: inout FixedBytes,
        _ body: (UnsafePointer<CChar>?, UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt8>?, Int) -> Int32
    ) throws(TLSError) {
        let alternatives = names.alternatives
        var subject = InlineBytes<80>()
        _ = subject.append("CN=")
        _ = subject.append(names[0].span)
        let code = unsafe DeviceCertificate.write(into: &octets) { text, size in
            unsafe alternatives.span.withUnsafeBufferPointer { names in
                unsafe Trust.withName(subject.span) { unsafe body($0, names.baseAddress, names.count, text, size) }
            }
        }
        guard code == 0 else { throw .failed(code) }
    }

    /// Lets the library write a text with a zero at its end behind what is there.
    private static func write(
        into octets: inout FixedBytes, _ body: (UnsafeMutablePointer<UInt8>?, Int) -> Int32
    ) -> Int32 {
        let free = unsafe octets.freeStorage()
        let code = unsafe body(free.baseAddress, free.count)
        guard code == 0 else { return code }
        var count = 0
        while count < free.count, unsafe free[count] != 0 { count += 1 }
        octets.advance(by: count)
        return 0
    }
}
