import CMbedTLS
import Octets

/// The names and addresses that a certificate is for.
public struct HostNames: BitwiseCopyable, Sendable {
    /// How many there may be.
    public static var countMax: Int { 8 }

    private var names = InlineArray<8, InlineBytes<64>>(repeating: InlineBytes())
    /// How many there are.
    public private(set) var count = 0

    /// None.
    public init() {}

    /// Adds one; false when it is no name of a host and no address, or one too many. What is there is not added again.
    public mutating func add(_ name: Span<UInt8>) -> Bool {
        guard name.count > 0, let copy = InlineBytes<64>(name) else { return false }
        for index in name.indices {
            let octet = name[index]
            let isMark = octet == 0x2D || octet == 0x2E || octet == 0x3A || octet == 0x5F
            guard octet.isASCIILetter || octet.isASCIIDigit || isMark || index == 0 && octet == 0x2A else {
                return false
            }
        }
        for index in 0..<count where names[index].span.equalsIgnoringCase(name) { return true }
        guard count < HostNames.countMax else { return false }
        names[count] = copy
        count += 1
        return true
    }

    /// One of them.
    public subscript(index: Int) -> InlineBytes<64> { names[index] }

    /// The extension SubjectAltName in DER.
    var alternatives: InlineBytes<640> {
        var content = InlineBytes<600>()
        for index in 0..<count {
            var address = InlineArray<16, UInt8>(repeating: 0)
            var span = address.mutableSpan
            let octetCount = unsafe Trust.withName(names[index].span) { name in
                unsafe span.withUnsafeMutableBufferPointer { unsafe tls_shim_address(name, $0.baseAddress) }
            }
            // An address goes by its octets, a name by its letters.
            _ = content.append(octetCount > 0 ? 0x87 : 0x82)
            _ = content.append(octetCount > 0 ? UInt8(octetCount) : UInt8(names[index].count))
            if octetCount > 0 {
                _ = content.append(address.span.extracting(0..<Int(octetCount)))
            } else {
                _ = content.append(names[index].span)
            }
        }
        var result = InlineBytes<640>()
        _ = result.append(0x30)
        _ = result.append(0x82)
        _ = result.append(UInt8(content.count >> 8))
        _ = result.append(UInt8(content.count & 0xFF))
        _ = result.append(content.span)
        return result
    }
}
