import Octets

/// The SHA-256 of a certificate: what people compare, and what is pinned.
public struct Fingerprint: BitwiseCopyable, Sendable {
    var octets: InlineArray<32, UInt8>

    init(_ octets: InlineArray<32, UInt8>) { self.octets = octets }

    /// Reads 64 hexadecimal digits, perhaps in pairs with colons between them; nil for anything else.
    public init?(_ text: Span<UInt8>) {
        octets = InlineArray(repeating: 0)
        var count = 0
        for index in text.indices where text[index] != 0x3A {
            guard count < 64, let digit = Hexadecimal.value(text[index]) else { return nil }
            octets[count / 2] = octets[count / 2] << 4 | UInt8(digit)
            count += 1
        }
        guard count == 64 else { return nil }
    }

    /// As 64 hexadecimal digits.
    public var text: InlineBytes<64> {
        var text = InlineBytes<64>()
        for index in octets.indices {
            _ = text.append(Hexadecimal.digit(octets[index] >> 4))
            _ = text.append(Hexadecimal.digit(octets[index] & 15))
        }
        return text
    }

    /// Whether both are of one certificate.
    public static func == (first: Fingerprint, second: Fingerprint) -> Bool {
        first.octets.span.equals(second.octets.span)
    }
}

extension Fingerprint: Equatable {}
