extension StaticString {
    /// The octets of the constant, which live as long as the process.
    public var octets: Span<UInt8> {
        @_lifetime(immortal)
        get {
            // A pointer representation is what every string literal of more than one scalar has; the compiler gives
            // the other form only on request of the type checker, which no code here makes.
            let span = unsafe Span(_unsafeStart: utf8Start, count: utf8CodeUnitCount)
            return unsafe _overrideLifetime(span, copying: ())
        }
    }
}

extension Bool {
    /// The word for yes or no, as OpenWrt's scripts take them: 1, on, true, yes, enabled; 0, off, false, no, disabled.
    public init?(word: Span<UInt8>) {
        if word.equals("1") || word.equals("on") || word.equals("true") || word.equals("yes") || word.equals("enabled")
        {
            self = true
        } else if word.equals("0") || word.equals("off") || word.equals("false") || word.equals("no")
            || word.equals("disabled")
        {
            self = false
        } else {
            return nil
        }
    }
}

extension UInt8 {
    /// The letter in lower case, when it is an ASCII capital.
    public var asciiLowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    /// Space, tab, carriage return or line feed.
    public var isASCIIWhitespace: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }

    /// `0` to `9`.
    public var isASCIIDigit: Bool { self &- 0x30 < 10 }

    /// `A` to `Z` or `a` to `z`.
    public var isASCIILetter: Bool { (self | 0x20) &- 0x61 < 26 }
}

extension Span where Element == UInt8 {
    /// The octets of a constant.
    @_lifetime(immortal)
    public static func constant(_ text: StaticString) -> Span<UInt8> { text.octets }

    /// The same octets as the constant.
    @inline(never)
    public func equals(_ other: StaticString) -> Bool { equals(other.octets) }

    /// The same text, ASCII letters compared without case.
    @inline(never)
    public func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index].asciiLowercased != other[index].asciiLowercased { return false }
        return true
    }

    /// The same text as the constant, ASCII letters compared without case.
    public func equalsIgnoringCase(_ other: StaticString) -> Bool { equalsIgnoringCase(other.octets) }

    /// Which of some words it is, counted from 0; nil when it is none.
    ///
    /// - Parameter words: With a space between each two.
    @inline(never)
    public func place(among words: StaticString) -> Int? {
        let all = words.octets
        var place = 0
        var start = 0
        while start < all.count {
            let end = all.firstIndex(of: 0x20, from: start) ?? all.count
            if equals(all.extracting(start..<end)) { return place }
            place += 1
            start = end + 1
        }
        return nil
    }

    /// True when the text begins with `prefix`.
    public func starts(with prefix: Span<UInt8>) -> Bool {
        count >= prefix.count && extracting(0..<prefix.count).equals(prefix)
    }

    /// True when the text begins with the constant.
    @inline(never)
    public func starts(with prefix: StaticString) -> Bool { starts(with: prefix.octets) }

    /// The octets without white space at either end.
    @inline(never)
    @_lifetime(copy self)
    public func trimmed() -> Span<UInt8> {
        var low = 0
        var high = count
        while low < high, self[low].isASCIIWhitespace { low += 1 }
        while high > low, self[high - 1].isASCIIWhitespace { high -= 1 }
        return extracting(low..<high)
    }

    /// Where `octet` stands first at or after `start`, or nil.
    public func firstIndex(of octet: UInt8, from start: Int = 0) -> Int? {
        var index = start
        while index < count {
            if self[index] == octet { return index }
            index += 1
        }
        return nil
    }
}
