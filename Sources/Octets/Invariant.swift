/// What the process says before it traps: a code and words, taken by whoever can still write them somewhere.
///
/// The shell sets it at start, before anything else runs; without it an invariant just traps.
@safe
public enum LastWords {
    /// Called with the octets of a broken invariant's text and their count; must only write.
    nonisolated(unsafe) public static var hook: (@convention(c) (UnsafePointer<UInt8>, Int) -> Void)?
}

/// States what must hold. Broken, it says its code on the log and traps; the supervisor restarts the process.
///
/// Nothing a peer can send may reach a broken invariant: that is what typed errors are for.
///
/// - Parameters:
///   - condition: What must hold, in release builds too.
///   - code: A stable code (`IM017`) and what was expected; listed in `board/LOGS.md`.
public func invariant(_ condition: Bool, _ code: StaticString) {
    if !condition { invariantBroken(code) }
}

/// The way out when an invariant is broken, kept out of line so that the checks stay small.
@inline(never)
public func invariantBroken(_ code: StaticString) -> Never {
    if let hook = unsafe LastWords.hook { unsafe hook(code.utf8Start, code.utf8CodeUnitCount) }
    fatalError()
}
