/// libFuzzer's own main, which calls back for each input.
@_extern(c, "LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The C entry point, under the name that SwiftPM gives it.
@c(fuzz_main)
public func entry(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments) { octets, byteCount in
        Trial.one.run(UnsafeBufferPointer(start: octets, count: byteCount))
        return 0
    }
}
