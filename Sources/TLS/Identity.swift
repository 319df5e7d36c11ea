import CMbedTLS
import Octets

/// A certificate with what its issuer signed, and its key.
@safe
struct Identity: ~Copyable {
    /// They stay where they are: the library refers to them.
    let certificate = UnsafeMutablePointer<mbedtls_x509_crt>.allocate(capacity: 1)
    let key = UnsafeMutablePointer<mbedtls_pk_context>.allocate(capacity: 1)

    init() {
        unsafe mbedtls_x509_crt_init(certificate)
        unsafe mbedtls_pk_init(key)
    }

    deinit {
        unsafe mbedtls_x509_crt_free(certificate)
        unsafe mbedtls_pk_free(key)
        unsafe certificate.deallocate()
        unsafe key.deallocate()
    }

    /// Reads both from files in PEM, which end with a zero octet.
    init(certificate: Span<UInt8>, key: Span<UInt8>) throws(TLSError) {
        self.init()
        var code = unsafe certificate.withUnsafeBufferPointer {
            unsafe mbedtls_x509_crt_parse(self.certificate, $0.baseAddress, $0.count)
        }
        // More than 0 are certificates that it could not read; the first is ours, and the others prove it.
        guard code == 0 else { throw .certificate(code) }
        code = unsafe key.withUnsafeBufferPointer {
            unsafe mbedtls_pk_parse_key(self.key, $0.baseAddress, $0.count, nil, 0)
        }
        guard code == 0 else { throw .key(code) }
        guard unsafe mbedtls_pk_check_pair(&self.certificate.pointee.pk, self.key) == 0 else { throw .mismatch }
    }

    /// Takes what another one has; that gets what was here.
    func exchange(with other: borrowing Identity) {
        unsafe swap(&certificate.pointee, &other.certificate.pointee)
        unsafe swap(&key.pointee, &other.key.pointee)
    }

    /// Until when the certificate is good, in seconds since 1970.
    var validTo: UInt64 { unsafe Identity.seconds(certificate.pointee.valid_to) }

    /// Since when the certificate is good, in seconds since 1970.
    var validFrom: UInt64 { unsafe Identity.seconds(certificate.pointee.valid_from) }

    private static func seconds(_ time: mbedtls_x509_time) -> UInt64 {
        guard time.year >= 1970 else { return 0 }
        return CivilTime.seconds(year: UInt64(time.year), month: UInt64(time.mon), day: UInt64(time.day))
            + UInt64(time.hour * 3600 + time.min * 60 + time.sec)
    }

    /// What people compare.
    var fingerprint: Fingerprint { unsafe Trust.fingerprint(of: certificate) }
}
