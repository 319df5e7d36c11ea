import Octets

/// Why the store could not do its work.
public enum StoreError: Error, Equatable {
    /// No room: the map or the volume is full.
    case full
    /// The system says no; the code is LMDB's, which is below 0, or errno.
    case failed(Int32)

    /// True when LMDB cannot use its pages.
    public var isDamage: Bool {
        if case .failed(let code) = self { return code < 0 }
        return false
    }
}

/// A key and its value, valid until the next change.
public struct StoreEntry: ~Escapable {
    /// The key.
    public let key: Span<UInt8>
    /// The value.
    public let value: Span<UInt8>

    /// An entry of octets that stay where they are.
    @_lifetime(copy key, copy value)
    public init(key: Span<UInt8>, value: Span<UInt8>) {
        self.key = key
        self.value = value
    }
}

/// What the engine asks of a store: ordered keys, one transaction a turn.
///
/// What lies in the store and is not what was written is passed over by all that read; `takeDamaged` tells of it.
///
/// A change never fails where it is made. A store that cannot do it remembers that and refuses the turn's commit: then
/// nothing of the turn is kept, its answers are not sent, and the engine reads its state anew. So a handler has one way
/// to go, and there is one place where a full disk is dealt with.
public protocol StorePort: ~Copyable {
    /// The value of a key; nil when it has none, or what lies there is not what was written.
    @_lifetime(borrow self)
    borrowing func value(for key: Span<UInt8>) -> Span<UInt8>?

    /// The entry with the lowest key that is not below `key`; nil when there is none.
    @_lifetime(borrow self)
    borrowing func entry(atOrAfter key: Span<UInt8>) -> StoreEntry?

    /// The entry with the highest key below `key`; nil when there is none.
    @_lifetime(borrow self)
    borrowing func entry(before key: Span<UInt8>) -> StoreEntry?

    /// Gives a key a value, whatever it had.
    mutating func put(_ key: Span<UInt8>, _ value: borrowing FixedBytes)

    /// Takes a key away; false when it was not there.
    @discardableResult
    mutating func delete(_ key: Span<UInt8>) -> Bool

    /// The key of a record that was found not to be what was written, each once; nil when there is none, or no other.
    mutating func takeDamaged() -> InlineBytes<112>?

    /// The number of changes since the store was opened.
    var changeCount: UInt64 { get }

    /// False when new messages have to be refused, so that room stays for taking messages away.
    var hasRoom: Bool { get }

    /// False when not even a small message may be taken from somebody who has none in the store.
    var hasReserve: Bool { get }

    /// Octets of the whole store when it is full.
    var byteCountMax: UInt64 { get }
}
