import CMbedTLS
import Files
import Octets

/// The certificates of a file in PEM that may have signed a chain. Of the file, which may have those of the whole world,
/// never more than one is in memory, and those that fit.
@safe
struct Authorities: ~Copyable {
    let certificates = UnsafeMutablePointer<mbedtls_x509_crt>.allocate(capacity: 1)
    private(set) var count = 0

    /// More of the same name there are not.
    private static var countMax: Int { 6 }

    init() { unsafe mbedtls_x509_crt_init(certificates) }

    deinit {
        unsafe mbedtls_x509_crt_free(certificates)
        unsafe certificates.deallocate()
    }

    /// Reads those that a certificate of a chain names as its issuer.
    ///
    /// - Throws: `Distrust.noAuthorities` when there is no such file.
    init(of chain: UnsafePointer<mbedtls_x509_crt>, in path: Span<UInt8>) throws(Distrust) {
        self.init()
        let descriptor: Int32
        do throws(File.Failure) { descriptor = try File.open(path) } catch { throw .noAuthorities }
        defer { File.close(descriptor) }
        var part = InlineArray<1024, UInt8>(repeating: 0)
        var text = PEMText()
        while true {
            var space = part.mutableSpan
            let got = File.read(descriptor, into: &space)
            if got == 0 {
                // The last line may have no end.
                if text.take(0x0A) { unsafe add(&text, chain) }
                return
            }
            for index in 0..<got where text.take(part[index]) { unsafe add(&text, chain) }
        }
    }

    private mutating func add(_ text: inout PEMText, _ chain: UnsafePointer<mbedtls_x509_crt>) {
        var octets = InlineArray<6144, UInt8>(repeating: 0)
        var span = octets.mutableSpan
        let length = text.decode(into: &span)
        guard length > 0, count < Authorities.countMax else { return }
        let certificate = octets.span.extracting(0..<length)
        guard unsafe Authorities.mayHaveSigned(certificate, chain) else { return }
        let code = unsafe certificate.withUnsafeBufferPointer {
            unsafe mbedtls_x509_crt_parse_der(certificates, $0.baseAddress, $0.count)
        }
        if code == 0 { count += 1 }
    }

    /// Whether the name of an issuer in the chain is in a certificate at all: far cheaper than to take it apart.
    private static func mayHaveSigned(_ octets: Span<UInt8>, _ chain: UnsafePointer<mbedtls_x509_crt>) -> Bool {
        var next: UnsafePointer<mbedtls_x509_crt>? = unsafe chain
        while let certificate = unsafe next {
            let issuer = unsafe certificate.pointee.issuer_raw
            let name = unsafe Span(_unsafeElements: UnsafeBufferPointer(start: issuer.p, count: issuer.len))
            if contains(octets, name) { return true }
            unsafe next = UnsafePointer(certificate.pointee.next)
        }
        return false
    }

    private static func contains(_ octets: Span<UInt8>, _ part: Span<UInt8>) -> Bool {
        guard part.count > 0, octets.count >= part.count else { return false }
        for start in 0...octets.count - part.count where octets[start] == part[0] {
            if octets.extracting(start..<start + part.count).equals(part) { return true }
        }
        return false
    }
}

/// The text between the lines that begin and end a certificate.
struct PEMText {
    private var line = InlineBytes<80>()
    private var text = InlineArray<8256, UInt8>(repeating: 0)
    private var count = 0
    private var isIn = false
    /// The line begins or ends something.
    private var isMark = false

    /// Takes the next octet of a file; true at the end of a certificate, whose text is there then.
    mutating func take(_ octet: UInt8) -> Bool {
        guard octet == 0x0A else {
            if line.isEmpty { isMark = octet == 0x2D }
            // Of a long line the beginning is enough to know what it is.
            _ = line.append(octet)
            if isIn, !isMark, octet > 0x20, count < text.count {
                text[count] = octet
                count += 1
            }
            return false
        }
        let words = line
        line = InlineBytes()
        guard isMark else { return false }
        isMark = false
        let wasIn = isIn
        isIn = words.span.trimmed().equals("-----BEGIN CERTIFICATE-----")
        if isIn { count = 0 }
        // One that fills all the room is longer than that.
        return wasIn && !isIn && count < text.count
    }

    /// The octets that the text stands for; 0 when it stands for none, or too many.
    func decode(into target: inout MutableSpan<UInt8>) -> Int {
        var length = 0
        let code = unsafe text.span.withUnsafeBufferPointer { text in
            unsafe target.withUnsafeMutableBufferPointer {
                unsafe mbedtls_base64_decode($0.baseAddress, $0.count, &length, text.baseAddress, count)
            }
        }
        return code == 0 ? length : 0
    }
}
