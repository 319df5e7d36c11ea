import CLibC
import Octets

/// Small files, read and written whole at start.
public enum File {
    /// Why a file cannot be used.
    public enum Failure: Error {
        /// There is no such file.
        case missing
        /// It is larger than the buffer.
        case tooLarge
        /// The system's errno.
        case failed(Int32)
    }

    /// Adds the content of a file to `buffer`.
    public static func read(_ path: Span<UInt8>, into buffer: inout FixedBytes) throws(Failure) {
        let descriptor = unsafe withPath(path) { unsafe libc_open($0, O_RDONLY, 0) }
        guard descriptor >= 0 else { throw libc_errno() == ENOENT ? .missing : .failed(libc_errno()) }
        defer { _ = close(descriptor) }
        while true {
            let free = unsafe buffer.freeStorage()
            guard free.count > 0 else { throw .tooLarge }
            let count = unsafe CLibC.read(descriptor, free.baseAddress, free.count)
            guard count >= 0 else { throw .failed(libc_errno()) }
            if count == 0 { return }
            buffer.advance(by: count)
        }
    }

    /// Makes a file that only its owner may read, durably; fails when there is one already.
    public static func create(_ path: Span<UInt8>, _ content: Span<UInt8>) throws(Failure) {
        let descriptor = unsafe withPath(path) { unsafe libc_open($0, O_WRONLY | O_CREAT | O_EXCL, 0o600) }
        guard descriptor >= 0 else { throw .failed(libc_errno()) }
        defer { _ = close(descriptor) }
        let written = unsafe content.withUnsafeBufferPointer { buffer in
            unsafe CLibC.write(descriptor, buffer.baseAddress, buffer.count)
        }
        guard written == content.count, fsync(descriptor) == 0 else { throw .failed(libc_errno()) }
    }

    /// Makes a folder unless it is there.
    public static func makeFolder(_ path: Span<UInt8>) throws(Failure) {
        let code = unsafe withPath(path) { unsafe mkdir($0, 0o700) }
        guard code == 0 || libc_errno() == EEXIST else { throw .failed(libc_errno()) }
    }

    /// Calls `body` with the path as C has it.
    public static func withPath<Result>(_ path: Span<UInt8>, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        var text = InlineArray<512, CChar>(repeating: 0)
        for index in 0..<min(path.count, 511) { text[index] = CChar(bitPattern: path[index]) }
        var span = text.mutableSpan
        return unsafe span.withUnsafeMutableBufferPointer { buffer in
            // The array has 512 elements, so there is a base address.
            guard let start = buffer.baseAddress else { fatalError() }
            return unsafe body(UnsafePointer(start))
        }
    }
}
