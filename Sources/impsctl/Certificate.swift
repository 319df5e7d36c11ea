import CLibC
import Configuration
import Files
import IMPSEngine
import Octets
import Setup
import TLS
import Transport

/// `cert make`, `cert request` and `cert show`: the certificate of the encrypted door, on its files alone.
func performCertificate(_ options: borrowing Options, _ configuration: Configuration) -> ExitCode {
    var configuration = configuration
    configuration.placeCertificate()
    if options.word(1, is: "show") { return showCertificate(options, configuration) }
    var names = HostNames()
    for index in 2..<max(2, options.wordCount) {
        guard names.add(options.words[index].span) else {
            return complain("this is no name of a host and no address: ", options.words[index].span, "", .usage)
        }
    }
    if names.count == 0 { names = ownNames(configuration) }
    do throws(CertificateError) {
        if options.word(1, is: "request") { return try writeRequest(configuration, names) }
        try makeCertificate(configuration, names)
        return showCertificate(options, configuration)
    } catch {
        return explain(error, configuration)
    }
}

private func explain(_ error: CertificateError, _ configuration: Configuration) -> ExitCode {
    var path = InlineBytes<200>()
    switch error {
    case .exists(let isCertificate), .file(let isCertificate):
        path = isCertificate ? configuration.certificatePath : configuration.keyPath
    case .noPaths, .tls: break
    }
    let isThere = if case .exists = error { true } else { false }
    return complain(
        "", path.span, error.explanation,
        isThere ? .failure : .inputOutput, isThere ? "; take it away first, if it is to be another one" : "")
}

private func complain(
    _ words: StaticString, _ name: Span<UInt8>, _ why: StaticString, _ code: ExitCode, _ advice: StaticString = ""
) -> ExitCode {
    Terminal.printError("impsctl: ")
    Terminal.printError(words)
    Terminal.printError(name)
    if name.count > 0, why.utf8CodeUnitCount > 0 { Terminal.printError(": ") }
    Terminal.printError(why)
    Terminal.printError(advice)
    Terminal.printError("\n")
    return code
}

/// Prints a request that somebody signs the key, which is made when there is none.
private func writeRequest(_ configuration: Configuration, _ names: HostNames) throws(CertificateError) -> ExitCode {
    var text = Memory.buffer(DeviceCertificate.byteCountMax)
    defer { text.wipe() }
    let key = try deviceKey(configuration)
    do throws(TLSError) { try key.writeRequest(for: names, into: &text) } catch { throw .tls(error) }
    Terminal.print(text.span)
    return .success
}

/// Shows what the certificate says, which the engine takes with its start or with SIGHUP.
private func showCertificate(_ options: borrowing Options, _ configuration: Configuration) -> ExitCode {
    var certificate = Memory.buffer(32_768)
    var key = Memory.buffer(DeviceCertificate.byteCountMax)
    defer { key.wipe() }
    do throws(File.Failure) {
        try File.read(configuration.certificatePath.span, into: &certificate)
    } catch {
        return explain(configuration.certificatePath.isEmpty ? .noPaths : .file(isCertificate: true), configuration)
    }
    do throws(File.Failure) {
        try File.read(configuration.keyPath.span, into: &key)
    } catch {
        return explain(.file(isCertificate: false), configuration)
    }
    certificate.append(0)
    key.append(0)
    let facts: CertificateFacts
    do throws(TLSError) {
        facts = try CertificateFacts(certificate: certificate.span, key: key.span)
    } catch {
        var path = configuration.keyPath
        switch error {
        case .certificate, .tooLong: path = configuration.certificatePath
        case .key, .mismatch, .failed: break
        }
        return complain("", path.span, error.explanation, .badData)
    }
    var record = Memory.buffer(2048)
    record.field("file", configuration.certificatePath.span)
    record.field("sha256", facts.fingerprint.text.span)
    record.field("subject", facts.subject.span)
    record.field("issuer", facts.issuer.span)
    record.field("names", facts.names.span)
    record.append(" from=")
    record.append(extendedTime: facts.validFrom)
    record.append(" until=")
    record.append(extendedTime: facts.validTo)
    record.field("key", facts.keyName.octets)
    record.field("bits", UInt64(facts.keyBitCount))
    record.endRecord()
    record.append("ok\n")
    var printer = Printer(options, to: 1)
    printer.take(record.span)
    return printer.finish()
}
