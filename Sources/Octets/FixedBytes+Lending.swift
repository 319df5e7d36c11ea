extension FixedBytes {
    /// The storage behind what is in use, for a C function that writes there; tell with `advance(by:)` how much it was.
    ///
    /// - Returns: A pointer that is valid until the buffer is used otherwise.
    @unsafe
    public mutating func freeStorage() -> UnsafeMutableBufferPointer<UInt8> {
        unsafe storage.pointers(count..<limit)
    }
}
