import CSP
import Octets
import Wire

/// The addresses of XMPP. What one side has in them and the other has not is escaped: `\26` for `&` there (XEP-0106), `%c3`
/// for an octet of a letter that is not ASCII here. Each side has one spelling for each of the other.
enum JID {
    /// The characters that a name there has not.
    private static var escaped: StaticString { " \"&'/:<>@\\" }

    /// The address of whom a JID names, whatever his resource; nil for who has no name, or a longer one than fits.
    @inline(never)
    static func address(_ jid: Span<UInt8>, homeDomain: Span<UInt8>) -> Address? {
        let bare = jid.extracting(0..<(jid.firstIndex(of: 0x2F) ?? jid.count))
        guard let at = bare.firstIndex(of: 0x40), at > 0 else { return nil }
        let isPhone = bare[0] == 0x2B && at > 1 && Decimal.parse(bare.extracting(1..<at)) != nil
        var text = InlineBytes<128>()
        // Else a name that begins so would be another one's.
        _ = text.append("wv:")
        var index = 0
        while index < at {
            var octet = bare[index]
            index += 1
            let next = index + 2 <= at ? byte(bare.extracting(index..<index + 2)) : nil
            var isForeign = octet >= 0x80 || octet == 0x2B && !isPhone || octet == 0x25 && next != nil
            if octet == 0x5C, let next, isEscaped(next) {
                octet = next
                isForeign = isForeignToAddresses(next)
                index += 2
            }
            if isForeign {
                guard text.append(0x25), text.append(Hexadecimal.digit(octet >> 4)),
                    text.append(Hexadecimal.digit(octet & 15))
                else { return nil }
            } else if !text.append(octet) {
                return nil
            }
        }
        guard text.append(bare.extracting(at..<bare.count)) else { return nil }
        return Address(text.span, homeDomain: homeDomain)
    }

    private static func isEscaped(_ octet: UInt8) -> Bool { JID.escaped.octets.firstIndex(of: octet) != nil }

    /// Those are none of an address either.
    private static func isForeignToAddresses(_ octet: UInt8) -> Bool {
        octet == 0x20 || octet == 0x2F || octet == 0x40
    }

    private static func byte(_ digits: Span<UInt8>) -> UInt8? {
        guard let high = Hexadecimal.value(digits[0]), let low = Hexadecimal.value(digits[1]) else { return nil }
        return high << 4 | low
    }

    /// The resource of a JID as a number; nil when it has none.
    static func resource(_ jid: Span<UInt8>) -> UInt32? {
        guard let slash = jid.firstIndex(of: 0x2F) else { return nil }
        return UInt32(truncatingIfNeeded: Hash64(jid.extracting(slash..<jid.count)).value)
    }

    /// Writes the JID of an address, `wv:name@domain`.
    @inline(never)
    static func write(_ address: Span<UInt8>, into output: inout FixedBytes) {
        let start = output.count
        let at = address.firstIndex(of: 0x40) ?? address.count
        writeName(address, until: at, decodes: true, into: &output)
        // What would be no text goes as it is.
        if !output.isOverflowed, !isText(output.span(start..<output.count)) {
            output.truncate(to: start)
            writeName(address, until: at, decodes: false, into: &output)
        }
        output.append(address.extracting(at..<address.count))
    }

    private static func isText(_ octets: Span<UInt8>) -> Bool {
        var index = 0
        while index < octets.count {
            guard let scalar = UTF8.scalar(in: octets, at: index), UTF8.isXMLCharacter(scalar.value) else {
                return false
            }
            index += scalar.byteCount
        }
        return true
    }

    private static func writeName(
        _ address: Span<UInt8>, until at: Int, decodes: Bool, into output: inout FixedBytes
    ) {
        var index = address.starts(with: "wv:") ? 3 : 0
        while index < at {
            var octet = address[index]
            index += 1
            let next = index + 2 <= at ? byte(address.extracting(index..<index + 2)) : nil
            var escapes = octet == 0x5C ? next.map { isEscaped($0) } ?? false : isEscaped(octet)
            if decodes, octet == 0x25, let next {
                escapes = isForeignToAddresses(next)
                if escapes || next >= 0x80 || next == 0x25 || next == 0x2B {
                    octet = next
                    index += 2
                }
            }
            if escapes {
                output.append(0x5C)
                output.append(Hexadecimal.digit(octet >> 4))
                output.append(Hexadecimal.digit(octet & 15))
            } else {
                output.append(octet.asciiLowercased)
            }
        }
    }
}
