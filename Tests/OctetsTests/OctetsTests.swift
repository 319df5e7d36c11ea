import Foundation
import Testing

@testable import Octets

/// A buffer over memory of its own, for as long as the test process lives.
private func buffer(_ byteCount: Int) -> FixedBytes {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, byteCount))
    memory.initialize(repeating: 0, count: byteCount)
    return FixedBytes(Slab(lent: memory, count: byteCount))
}

/// A check whose operands may be lent; the macro would keep them.
private func check(_ isSo: Bool, _ words: String = "", _ location: SourceLocation = #_sourceLocation) {
    #expect(isSo, "\(words)", sourceLocation: location)
}

private func text(_ span: Span<UInt8>) -> String {
    String(decoding: span.indices.map { span[$0] }, as: Swift.UTF8.self)
}

@Suite struct OctetsTests {
    @Test func fixedBytesTakeAllOrNothingAndRememberWhatDidNotFit() {
        var bytes = buffer(8)
        bytes.append("12345")
        bytes.append("6789")
        check(text(bytes.span) == "12345")
        check(bytes.isOverflowed)
        bytes.truncate(to: 4)
        check(!bytes.isOverflowed)
        bytes.append("abcd")
        check(text(bytes.span) == "1234abcd")
        bytes.removeFirst(4)
        check(text(bytes.span) == "abcd")
        bytes.appendCopy(of: 1..<3)
        check(text(bytes.span) == "abcdbc")
        bytes.removeAll(limit: 2)
        bytes.append("abc")
        check(bytes.count == 0)
        check(bytes.isOverflowed)
    }

    @Test func decimalsAreReadAndWritten() {
        for value in [0, 7, 10, 4_294_967_296, UInt64.max] {
            let digits = Octets.Decimal.digits(of: value)
            check(text(digits.span) == "\(value)")
            check(Octets.Decimal.parse(digits.span) == value)
        }
        for wrong in ["", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "99999999999999999999999"] {
            check(Octets.Decimal.parse(Array(wrong.utf8).span) == nil, "\(wrong)")
        }
    }

    @Test func base64IsWhatOthersWrite() {
        for count in 0..<40 {
            let octets = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
            var encoded = buffer(100)
            Base64.encode(octets.span, into: &encoded)
            check(text(encoded.span) == Data(octets).base64EncodedString())
            let decoded: InlineBytes<40>? = Base64.decode(encoded.span)
            #expect(decoded.map { text($0.span) } == text(octets.span))
        }
        let loose: InlineBytes<8>? = Base64.decode(Array(" aGVs\r\nbG8".utf8).span)
        #expect(loose.map { text($0.span) } == "hello")
        for wrong in ["a", "aGVs*", "aG=s", "aGVsbG9"] {
            let decoded: InlineBytes<4>? = Base64.decode(Array(wrong.utf8).span)
            #expect(decoded == nil || wrong == "aGVsbG9" && decoded == nil, "\(wrong)")
        }
    }

    @Test func utf8IsWhatTheLibraryTakes() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let octets = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                Bool.random(using: &random)
                    ? UInt8.random(in: 0x80...0xFF, using: &random) : UInt8.random(in: 0...0x7F, using: &random)
            }
            let expected = String(validating: octets, as: Swift.UTF8.self)?.unicodeScalars.count
            check(Octets.UTF8.scalarCount(octets.span) == expected, "\(octets)")
        }
    }

    @Test func civilTimeIsThatOfTheCalendar() {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: "UTC")!
        var random = SystemRandomNumberGenerator()
        for seconds in [0, 951_782_399, 951_782_400, 1_709_164_800, 4_102_444_799]
            + (0..<2000).map({ _ in
                UInt64.random(in: 0...7_000_000_000, using: &random)
            })
        {
            let time = CivilTime(secondsSince1970: seconds)
            let parts = calendar.dateComponents(
                [.year, .month, .day, .hour, .minute, .second], from: Date(timeIntervalSince1970: Double(seconds)))
            let ours: [Int] = [time.year, time.month, time.day, time.hour, time.minute, time.second]
            let theirs: [Int] = [
                parts.year!, parts.month!, parts.day!, parts.hour!, parts.minute!, parts.second!,
            ]
            #expect(ours == theirs, "\(seconds)")
            var text = buffer(20)
            text.append(basicTime: seconds)
            #expect(CivilTime.seconds(ofBasic: text.span) == seconds)
        }
        var bytes = buffer(40)
        bytes.append(basicTime: 1_795_228_269)
        check(text(bytes.span) == "20261121T023109Z")
    }

    @Test func wordsAreComparedWithoutCaseInASCIIAlone() {
        check(Array("AbC".utf8).span.equalsIgnoringCase("aBc"))
        check(!Array("é".utf8).span.equalsIgnoringCase("É"))
        check(!Array("[".utf8).span.equalsIgnoringCase("{"))
        check(text(Array(" \t x y\r\n".utf8).span.trimmed()) == "x y")
    }

    /// Every octet beside every other, at every place of a word.
    @Test func plainTextEndsWhereItShould() {
        func count(_ octets: [UInt8], from start: Int) -> Int {
            octets[start...].prefix { (0x20..<0x80).contains($0) && ![0x26, 0x3C, 0x5D].contains($0) }.count
        }
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let place = Int(first &+ second) % 15
                var octets = [UInt8](repeating: 0x61, count: 17)
                octets[place] = first
                octets[place + 1] = second
                let start = Int(second) % 3
                if octets.span.plainTextCount(from: start) != count(octets, from: start) {
                    Issue.record("\(octets) from \(start)")
                }
            }
        }
        for length in 0...24 {
            for start in 0...length {
                #expect([UInt8](repeating: 0x20, count: length).span.plainTextCount(from: start) == length - start)
            }
        }
    }
}
