import CMbedTLS
import Octets

/// Keeps what the store may not show: secrets sealed with the device key, and passwords hashed with PBKDF2.
///
/// mbedTLS takes heap when a vault is opened, at start, and none when it is used.
@safe
public struct Vault: ~Copyable {
    /// Octets of a device key.
    public static var keyByteCount: Int { 32 }
    /// Octets that sealing adds: the nonce in front and the tag behind.
    public static var overhead: Int { 28 }
    /// Octets of a PBKDF2 result.
    public static var hashByteCount: Int { 32 }

    private var cipher: mbedtls_gcm_context
    private var hmac: mbedtls_md_context_t
    /// For tables of names; made from the device key.
    public let hashKey: HashKey

    private init(cipher: mbedtls_gcm_context, hmac: mbedtls_md_context_t, hashKey: HashKey) {
        unsafe self.cipher = unsafe cipher
        unsafe self.hmac = unsafe hmac
        self.hashKey = hashKey
    }

    /// Opens a vault with a device key of `keyByteCount` octets; nil when mbedTLS refuses, which means no memory.
    public static func open(key: Span<UInt8>) -> Vault? {
        guard key.count == keyByteCount else { return nil }
        var cipher = unsafe mbedtls_gcm_context()
        var hmac = unsafe mbedtls_md_context_t()
        unsafe mbedtls_gcm_init(&cipher)
        unsafe mbedtls_md_init(&hmac)
        let keyCode = unsafe key.withUnsafeBufferPointer { buffer in
            unsafe mbedtls_gcm_setkey(&cipher, MBEDTLS_CIPHER_ID_AES, buffer.baseAddress, 256)
        }
        let hashCode = unsafe mbedtls_md_setup(&hmac, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1)
        guard keyCode == 0, hashCode == 0 else { return nil }
        let secret = unsafe derive(key, salt: .constant("impsd names"), iterations: 1, &hmac)
        guard secret.count == hashByteCount else { return nil }
        // Both contexts may move now: they point to their own heap blocks only, never into themselves.
        return unsafe Vault(cipher: cipher, hmac: hmac, hashKey: HashKey(secret))
    }

    /// Seals `secret` for `owner`: AES-256-GCM with the device key, `nonce` of 12 random octets in front.
    ///
    /// - Returns: nil when the result has no room or mbedTLS refuses.
    public mutating func seal<let capacity: Int>(
        _ secret: Span<UInt8>, owner: Span<UInt8>, nonce: InlineArray<12, UInt8>
    ) -> InlineBytes<capacity>? {
        var output = InlineArray<capacity, UInt8>(repeating: 0)
        guard secret.count + Vault.overhead <= capacity else { return nil }
        for index in nonce.indices { output[index] = nonce[index] }
        var span = output.mutableSpan
        let code = unsafe secret.withUnsafeBufferPointer { plain in
            unsafe owner.withUnsafeBufferPointer { associated in
                unsafe span.withUnsafeMutableBufferPointer { result in
                    unsafe mbedtls_gcm_crypt_and_tag(
                        &cipher, MBEDTLS_GCM_ENCRYPT, plain.count, result.baseAddress, 12, associated.baseAddress,
                        associated.count, plain.baseAddress, result.baseAddress?.advanced(by: 12), 16,
                        result.baseAddress?.advanced(by: 12 + plain.count))
                }
            }
        }
        guard code == 0 else { return nil }
        return InlineBytes(output.span.extracting(0..<secret.count + Vault.overhead))
    }

    /// Opens what `seal` made for the same owner; nil when it was changed or sealed with another device key.
    public mutating func open<let capacity: Int>(_ sealed: Span<UInt8>, owner: Span<UInt8>) -> InlineBytes<capacity>? {
        let count = sealed.count - Vault.overhead
        guard count >= 0, count <= capacity else { return nil }
        var output = InlineArray<capacity, UInt8>(repeating: 0)
        var span = output.mutableSpan
        let code = unsafe sealed.withUnsafeBufferPointer { input in
            unsafe owner.withUnsafeBufferPointer { associated in
                unsafe span.withUnsafeMutableBufferPointer { result in
                    unsafe mbedtls_gcm_auth_decrypt(
                        &cipher, count, input.baseAddress, 12, associated.baseAddress, associated.count,
                        input.baseAddress?.advanced(by: 12 + count), 16, input.baseAddress?.advanced(by: 12),
                        result.baseAddress)
                }
            }
        }
        guard code == 0 else { return nil }
        return InlineBytes(output.span.extracting(0..<count))
    }

    /// PBKDF2 with HMAC-SHA-256 and 32 octets of result; empty when mbedTLS refuses.
    public mutating func hash(password: Span<UInt8>, salt: Span<UInt8>, iterations: UInt32) -> InlineBytes<32> {
        unsafe Vault.derive(password, salt: salt, iterations: iterations, &hmac)
    }

    private static func derive(
        _ password: Span<UInt8>, salt: Span<UInt8>, iterations: UInt32, _ hmac: inout mbedtls_md_context_t
    ) -> InlineBytes<32> {
        var output = InlineArray<32, UInt8>(repeating: 0)
        var span = output.mutableSpan
        let code = unsafe password.withUnsafeBufferPointer { password in
            unsafe salt.withUnsafeBufferPointer { salt in
                unsafe span.withUnsafeMutableBufferPointer { result in
                    unsafe mbedtls_pkcs5_pbkdf2_hmac(
                        &hmac, password.baseAddress, password.count, salt.baseAddress, salt.count, iterations, 32,
                        result.baseAddress)
                }
            }
        }
        guard code == 0 else { return InlineBytes() }
        return InlineBytes(output.span) ?? InlineBytes()
    }
}
