import CPage

extension Page {
    /// What is sent: part of the program.
    var span: Span<UInt8> {
        @_lifetime(immortal) get {
            var count: Int32 = 0
            let start = unsafe page_octets(Int32(rawValue), &count)
            let octets = unsafe UnsafeBufferPointer(start: start, count: Int(count))
            return unsafe _overrideLifetime(Span(_unsafeElements: octets), copying: ())
        }
    }
}
