import CMbedTLS
import Octets

/// What a certificate says, for people.
public struct CertificateFacts: Sendable {
    /// Whose it is.
    public var subject = InlineBytes<128>()
    /// Who signed it.
    public var issuer = InlineBytes<128>()
    /// The names and addresses that it is for, with spaces between them.
    public var names = InlineBytes<600>()
    /// Since when it is good, in seconds since 1970.
    public var validFrom: UInt64 = 0
    /// Until when it is good, in seconds since 1970.
    public var validTo: UInt64 = 0
    /// Its SHA-256.
    public var fingerprint: Fingerprint
    /// The kind of its key.
    public var keyName: StaticString
    /// Bits of its key.
    public var keyBitCount = 0

    /// Reads a certificate and its key, in PEM with a zero octet behind each, as the engine does.
    public init(certificate: Span<UInt8>, key: Span<UInt8>) throws(TLSError) {
        let identity = try Identity(certificate: certificate, key: key)
        let read = unsafe identity.certificate
        fingerprint = identity.fingerprint
        validFrom = identity.validFrom
        validTo = identity.validTo
        unsafe CertificateFacts.take(&subject) { unsafe mbedtls_x509_dn_gets($0, $1, &read.pointee.subject) }
        unsafe CertificateFacts.take(&issuer) { unsafe mbedtls_x509_dn_gets($0, $1, &read.pointee.issuer) }
        unsafe CertificateFacts.take(&names) { unsafe tls_shim_names(read, $0, $1) }
        let isRSA = unsafe mbedtls_pk_get_type(&read.pointee.pk) == MBEDTLS_PK_RSA
        keyName = isRSA ? "RSA" : "ECDSA"
        keyBitCount = unsafe Int(mbedtls_pk_get_bitlen(&read.pointee.pk))
    }

    private static func take<let capacity: Int>(
        _ text: inout InlineBytes<capacity>, _ write: (UnsafeMutablePointer<CChar>?, Int) -> Int32
    ) {
        var storage = InlineArray<1024, CChar>(repeating: 0)
        var span = storage.mutableSpan
        let count = unsafe span.withUnsafeMutableBufferPointer { unsafe write($0.baseAddress, $0.count) }
        for index in 0..<max(0, min(1024, Int(count))) { _ = text.append(UInt8(bitPattern: storage[index])) }
    }
}
