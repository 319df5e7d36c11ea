import Octets

/// Writes a message element by element; the mirror of `Document`.
///
/// Nothing is checked but room: what does not fit makes `isOverflowed` true until the writer is rewound, so that a
/// handler writes straight on and its caller asks once.
public struct Writer: ~Copyable {
    /// A place to come back to.
    public struct Mark: Equatable, Sendable {
        /// Octets without those of the string table.
        let count: Int
        let page: UInt8
    }

    /// The place of a flag that is decided after it was written.
    public struct PendingFlag: Sendable {
        let index: Int
    }

    /// What is written so far; the shell takes it from here.
    public var output: FixedBytes

    /// The syntax of the message that is being written.
    public private(set) var syntax = Syntax.xml

    /// The version of the message that is being written; it says which namespaces the elements get.
    public private(set) var version = Version.v1_2

    /// Where the body of a WBXML message began when its header was written; 0 before.
    var headerEnd = 0
    /// Where its body begins now.
    var bodyStart = 0
    /// Octets of its string table, which lies before the body.
    var tableByteCount = 0
    /// The code page that WBXML is in; to be kept with content that is to be written again.
    public internal(set) var page: UInt8 = 0

    /// A writer into lent memory.
    public init(output: consuming FixedBytes) {
        self.output = output
    }

    /// Prepares for a message after what is in `output` already.
    public mutating func begin(syntax: Syntax, version: Version) {
        self.syntax = syntax
        self.version = version
        headerEnd = 0
        bodyStart = 0
        tableByteCount = 0
        page = 0
    }

    /// True when something did not fit since the last rewind.
    public var isOverflowed: Bool { output.isOverflowed }

    /// This place.
    public var mark: Mark { Mark(count: output.count - shift, page: page) }

    /// Forgets what was written after `mark`.
    public mutating func rewind(to mark: Mark) {
        output.truncate(to: index(of: mark.count))
        page = mark.page
    }

    /// How far the string table has moved the body.
    private var shift: Int { bodyStart - headerEnd }

    /// Where a place is that was counted without the string table.
    private func index(of count: Int) -> Int { count < headerEnd ? count : count + shift }

    // What every primitive calls is not copied into each of them: that would be 26 KB of the file on a board.

    /// Begins an element; WV-CSP-Message, TransactionContent and PresenceSubList get their namespace.
    @inline(never)
    public mutating func open(_ tag: Tag) {
        switch syntax {
        case .xml: openXML(tag)
        case .wbxml: openWBXML(tag)
        }
    }

    /// Begins a message that is no WV-CSP-Message.
    public mutating func openRoot(_ tag: Tag) {
        switch syntax {
        case .xml: openXML(tag, namespace: version.sessionNamespace)
        case .wbxml: openRootWBXML(tag)
        }
    }

    /// Ends an element.
    @inline(never)
    public mutating func close(_ tag: Tag) {
        switch syntax {
        case .xml: closeXML(tag)
        case .wbxml: closeWBXML()
        }
    }

    /// An element without content.
    @inline(never)
    public mutating func empty(_ tag: Tag) {
        switch syntax {
        case .xml: emptyXML(tag)
        case .wbxml: emptyWBXML(tag)
        }
    }

    /// An element with text.
    @inline(never)
    public mutating func text(_ tag: Tag, _ text: Span<UInt8>) {
        switch syntax {
        case .xml:
            openXML(tag)
            appendXML(text: text)
            closeXML(tag)
        case .wbxml: textWBXML(tag, text)
        }
    }

    /// Begins an element whose text comes in pieces.
    public mutating func openText(_ tag: Tag) {
        switch syntax {
        case .xml: openXML(tag)
        case .wbxml: openTextWBXML(tag)
        }
    }

    /// A piece of the text of an element that `openText` began.
    public mutating func appendText(_ piece: Span<UInt8>) {
        switch syntax {
        case .xml: appendXML(text: piece)
        case .wbxml: appendWBXML(text: piece)
        }
    }

    /// Ends an element that `openText` began.
    public mutating func closeText(_ tag: Tag) {
        switch syntax {
        case .xml: closeXML(tag)
        case .wbxml: closeTextWBXML()
        }
    }

    /// An element with a constant text.
    public mutating func text(_ tag: Tag, _ constant: StaticString) {
        text(tag, constant.octets)
    }

    /// An element with a number.
    @inline(never)
    public mutating func integer(_ tag: Tag, _ value: UInt64) {
        switch syntax {
        case .xml:
            openXML(tag)
            output.append(decimal: value)
            closeXML(tag)
        case .wbxml: integerWBXML(tag, value)
        }
    }

    /// An element with a truth value.
    @inline(never)
    public mutating func flag(_ tag: Tag, _ value: Bool) {
        text(tag, value ? "T" : "F")
    }

    /// An element with a truth value that is known only later: writes F and returns where, for `set`.
    public mutating func pendingFlag(_ tag: Tag) -> PendingFlag {
        switch syntax {
        case .xml:
            openXML(tag)
            output.append(0x46)
            let index = output.count - 1
            closeXML(tag)
            return PendingFlag(index: index)
        case .wbxml: return PendingFlag(index: pendingFlagWBXML(tag) - shift)
        }
    }

    /// Changes a flag that was written as F to T.
    public mutating func set(_ flag: PendingFlag) {
        let index = index(of: flag.index)
        guard index < output.count else { return }
        switch syntax {
        case .xml: output[index] = 0x54
        case .wbxml: output[index] = 0x2C
        }
    }

    /// An element with a UTC time of day and date, `20261121T023109Z`.
    public mutating func time(_ tag: Tag, _ secondsSince1970: UInt64) {
        switch syntax {
        case .xml:
            openXML(tag)
            output.append(basicTime: secondsSince1970)
            closeXML(tag)
        case .wbxml: timeWBXML(tag, secondsSince1970)
        }
    }

    /// Adds content that this writer made before, in the same syntax and version: what was between two marks, and the
    /// page behind it.
    public mutating func replay(_ octets: Span<UInt8>, page: UInt8) {
        output.append(octets)
        self.page = page
    }

    /// What was written since `mark`.
    @_lifetime(borrow self)
    public func written(since mark: Mark) -> Span<UInt8> {
        output.span(index(of: mark.count)..<output.count)
    }
}
