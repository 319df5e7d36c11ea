import CLibC
import Octets

/// Files as a whole, and the folders they lie in.
public enum File {
    /// Why a file cannot be used.
    public enum Failure: Error {
        /// There is none.
        case missing
        /// It is larger than the buffer.
        case tooLarge
        /// The system's errno.
        case failed(Int32)

        fileprivate static var last: Failure { libc_errno() == ENOENT ? .missing : .failed(libc_errno()) }
    }

    /// A path of a file in a folder.
    public typealias Path = InlineBytes<256>

    /// The path of `name` in `folder`.
    public static func path(_ folder: Span<UInt8>, _ name: StaticString) -> Path {
        var path = Path(folder) ?? Path()
        _ = path.append(name)
        return path
    }

    /// The path of a file whose name has a part that is not constant.
    public static func path(
        _ folder: Span<UInt8>, _ prefix: StaticString, _ part: Span<UInt8>, _ suffix: StaticString
    ) -> Path {
        var path = Path(folder) ?? Path()
        _ = path.append(prefix)
        _ = path.append(part)
        _ = path.append(suffix)
        return path
    }

    /// The path with all links followed; as it is when there is nothing.
    public static func canonical(_ path: Span<UInt8>) -> Path {
        var text = InlineArray<256, UInt8>(repeating: 0)
        var space = text.mutableSpan
        let count = unsafe space.withUnsafeMutableBufferPointer { buffer in
            unsafe withPath(path) { unsafe libc_real_path($0, buffer.baseAddress, UInt(buffer.count)) }
        }
        guard count > 0 else { return Path(path) ?? Path() }
        return Path(text.span.extracting(0..<Int(count))) ?? Path()
    }

    /// What lies at a path.
    public enum Kind: Sendable {
        /// Nothing.
        case none
        /// A file of this user that nobody else may write, under this name only.
        case own
        /// A link, a file of somebody else or that others may write, or no file at all.
        case foreign
    }

    /// Whether a file may be trusted that lies where others may put files too.
    public static func kind(of path: Span<UInt8>) -> Kind {
        switch unsafe withPath(path, { unsafe libc_is_own_file($0) }) {
        case 1: return .own
        case 0: return .foreign
        default: return .none
        }
    }

    /// Adds the content of a file to `buffer`.
    public static func read(_ path: Span<UInt8>, into buffer: inout FixedBytes) throws(Failure) {
        let descriptor = unsafe withPath(path) { unsafe libc_open($0, O_RDONLY, 0) }
        guard descriptor >= 0 else { throw .last }
        defer { _ = CLibC.close(descriptor) }
        while true {
            let free = unsafe buffer.freeStorage()
            guard free.count > 0 else { throw .tooLarge }
            let count = unsafe CLibC.read(descriptor, free.baseAddress, free.count)
            guard count >= 0 else { throw .last }
            if count == 0 { return }
            buffer.advance(by: count)
        }
    }

    /// Makes a file that only its owner may read, durably; fails when there is one already.
    public static func create(_ path: Span<UInt8>, _ content: Span<UInt8>) throws(Failure) {
        let descriptor = unsafe withPath(path) { unsafe libc_open($0, O_WRONLY | O_CREAT | O_EXCL, 0o600) }
        guard descriptor >= 0 else { throw .last }
        defer { _ = CLibC.close(descriptor) }
        try write(descriptor, content)
        guard fsync(descriptor) == 0 else { throw .last }
    }

    /// Puts a file there that only its owner may read, who is that of its folder, whole or not at all.
    public static func put(_ path: Span<UInt8>, _ content: Span<UInt8>) throws(Failure) {
        let new = self.path(path, ".new")
        let folder = folder(of: path)
        do throws(Failure) {
            let descriptor = try openNew(new.span)
            defer { _ = CLibC.close(descriptor) }
            giveToOwner(descriptor, of: folder)
            try write(descriptor, content)
            guard fsync(descriptor) == 0 else { throw .last }
            try replace(path, by: new.span, in: folder)
        } catch {
            remove(new.span)
            throw error
        }
    }

    /// The folder that a file lies in, as its path says.
    @_lifetime(copy path)
    public static func folder(of path: Span<UInt8>) -> Span<UInt8> {
        var end = path.count
        while end > 1, path[end - 1] != 0x2F { end -= 1 }
        return path.extracting(0..<end)
    }

    /// Octets of the volume that a path lies on; 0 when nobody knows.
    public static func volumeSize(of path: Span<UInt8>) -> UInt64 {
        unsafe withPath(path) { unsafe libc_volume_size_at($0) }
    }

    /// Whether others than its owner may read a file.
    public static func isOpenToOthers(_ path: Span<UInt8>) -> Bool {
        unsafe withPath(path) { unsafe libc_is_open_to_others($0) } == 1
    }

    /// Adds content to the end of a file that only its owner may read, which is made when there is none.
    public static func add(_ content: Span<UInt8>, to path: Span<UInt8>) throws(Failure) {
        let descriptor = unsafe withPath(path) { unsafe libc_open($0, O_WRONLY | O_CREAT | O_APPEND, 0o600) }
        guard descriptor >= 0 else { throw .last }
        defer { _ = CLibC.close(descriptor) }
        try write(descriptor, content)
    }

    /// Writes all of `content`.
    public static func write(_ descriptor: Int32, _ content: Span<UInt8>) throws(Failure) {
        var offset = 0
        while offset < content.count {
            let written = unsafe content.withUnsafeBufferPointer { buffer in
                unsafe CLibC.write(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            guard written > 0 else { throw .last }
            offset += written
        }
    }

    /// Opens a new file of which only its owner may know; what was there is gone.
    ///
    /// - Returns: a descriptor, which the caller closes.
    public static func openNew(_ path: Span<UInt8>) throws(Failure) -> Int32 {
        let descriptor = unsafe withPath(path) {
            unsafe libc_open($0, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600)
        }
        guard descriptor >= 0 else { throw .last }
        return descriptor
    }

    /// Opens a file to read it.
    ///
    /// - Returns: a descriptor, which the caller closes.
    public static func open(_ path: Span<UInt8>) throws(Failure) -> Int32 {
        let descriptor = unsafe withPath(path) { unsafe libc_open($0, O_RDONLY, 0) }
        guard descriptor >= 0 else { throw .last }
        return descriptor
    }

    /// Reads what comes next.
    ///
    /// - Returns: octets read; 0 at the end, and when it cannot be read.
    public static func read(_ descriptor: Int32, into space: inout MutableSpan<UInt8>) -> Int {
        let count = unsafe space.withUnsafeMutableBufferPointer { buffer in
            unsafe CLibC.read(descriptor, buffer.baseAddress, buffer.count)
        }
        return max(0, count)
    }

    /// Closes a descriptor.
    public static func close(_ descriptor: Int32) { _ = CLibC.close(descriptor) }

    /// Copies a file, durably.
    ///
    /// - Returns: octets copied.
    @discardableResult
    public static func copy(_ source: Span<UInt8>, to target: Span<UInt8>) throws(Failure) -> UInt64 {
        let input = try open(source)
        defer { _ = CLibC.close(input) }
        let output = try openNew(target)
        defer { _ = CLibC.close(output) }
        var count: UInt64 = 0
        var part = InlineArray<4096, UInt8>(repeating: 0)
        while true {
            var space = part.mutableSpan
            let got = unsafe space.withUnsafeMutableBufferPointer { buffer in
                unsafe CLibC.read(input, buffer.baseAddress, buffer.count)
            }
            guard got >= 0 else { throw .last }
            if got == 0 { break }
            try write(output, part.span.extracting(0..<got))
            count += UInt64(got)
        }
        guard fsync(output) == 0 else { throw .last }
        return count
    }

    /// The hash of what an open file says; nil when it cannot be read to its end.
    public static func hash(of descriptor: Int32) -> UInt64? {
        guard let count = size(of: descriptor) else { return nil }
        var hash = Hash64()
        var part = InlineArray<4096, UInt8>(repeating: 0)
        var place: UInt64 = 0
        while place < count {
            var space = part.mutableSpan
            let got = unsafe space.withUnsafeMutableBufferPointer { buffer in
                unsafe pread(descriptor, buffer.baseAddress, buffer.count, off_t(place))
            }
            guard got > 0 else { return nil }
            hash.combine(part.span.extracting(0..<got))
            place += UInt64(got)
        }
        return hash.value
    }

    /// Has an open file, which is durable, be read from the volume the next time.
    public static func forgetCache(of descriptor: Int32) {
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    }

    /// Has a file say in one place what it says in another, durably.
    ///
    /// - Parameter count: Octets, at most as many as the file has in both places.
    public static func repeatPart(
        of path: Span<UInt8>, from source: UInt64, to target: UInt64, count: UInt64
    ) throws(Failure) {
        let descriptor = unsafe withPath(path) { unsafe libc_open($0, O_RDWR, 0) }
        guard descriptor >= 0 else { throw .last }
        defer { _ = CLibC.close(descriptor) }
        var part = InlineArray<512, UInt8>(repeating: 0)
        var done: UInt64 = 0
        while done < count {
            var space = part.mutableSpan
            let place = off_t(done)
            let isCopied = unsafe space.withUnsafeMutableBufferPointer { buffer in
                unsafe pread(descriptor, buffer.baseAddress, buffer.count, off_t(source) + place) == buffer.count
                    && pwrite(descriptor, buffer.baseAddress, buffer.count, off_t(target) + place) == buffer.count
            }
            guard isCopied else { throw .failed(EIO) }
            done += UInt64(part.count)
        }
        guard fsync(descriptor) == 0 else { throw .last }
    }

    /// Gives a file another name beside its own; false where that is not possible.
    public static func link(_ path: Span<UInt8>, as name: Span<UInt8>) -> Bool {
        unsafe withPath(path) { path in unsafe withPath(name) { name in unsafe CLibC.link(path, name) } } == 0
    }

    /// Gives a file the name of another one, which it replaces, durably.
    public static func replace(_ target: Span<UInt8>, by source: Span<UInt8>, in folder: Span<UInt8>) throws(Failure) {
        let code = unsafe withPath(source) { source in
            unsafe withPath(target) { target in unsafe rename(source, target) }
        }
        guard code == 0 else { throw .last }
        try syncFolder(folder)
    }

    /// Makes the names in a folder durable.
    public static func syncFolder(_ path: Span<UInt8>) throws(Failure) {
        let descriptor = unsafe withPath(path) { unsafe libc_open($0, O_RDONLY | O_DIRECTORY, 0) }
        guard descriptor >= 0 else { throw .last }
        defer { _ = CLibC.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last }
    }

    /// Octets of a file; nil when there is none.
    public static func size(of path: Span<UInt8>) -> UInt64? {
        var facts = stat()
        let code = unsafe withPath(path) { unsafe stat($0, &facts) }
        return code == 0 ? UInt64(max(0, facts.st_size)) : nil
    }

    /// Octets of an open file; nil for what is none, a pipe.
    public static func size(of descriptor: Int32) -> UInt64? {
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & UInt32(S_IFMT) == UInt32(S_IFREG) else {
            return nil
        }
        return UInt64(max(0, facts.st_size))
    }

    /// Takes a file away; true when there was one.
    @discardableResult
    public static func remove(_ path: Span<UInt8>) -> Bool { unsafe withPath(path) { unsafe unlink($0) } == 0 }

    /// Gives a file the owner of its folder: what root makes for the engine, the engine has to read.
    public static func giveToOwner(_ descriptor: Int32, of folder: Span<UInt8>) {
        var facts = stat()
        let code = unsafe withPath(folder) { unsafe stat($0, &facts) }
        if code == 0, getuid() == 0 { _ = fchown(descriptor, facts.st_uid, facts.st_gid) }
    }

    /// Makes a folder unless it is there.
    public static func makeFolder(_ path: Span<UInt8>) throws(Failure) {
        let code = unsafe withPath(path) { unsafe mkdir($0, 0o700) }
        guard code == 0 || libc_errno() == EEXIST else { throw .last }
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
