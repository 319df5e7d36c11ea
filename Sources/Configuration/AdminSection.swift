import Octets

/// The `admin` section: the operator's page, on a listener of its own.
struct AdminSection {
    private(set) var isOpen = false
    private var line: UInt64 = 0

    static var keys: StaticString { "listen password_file port tls" }

    mutating func begin(_ reader: borrowing UCIReader, _ configuration: inout Configuration) {
        isOpen = true
        line = reader.line
        configuration.hasAdmin = true
        configuration.adminLine = reader.line
    }

    mutating func take(
        _ reader: borrowing UCIReader, _ configuration: inout Configuration, _ diagnostics: inout Diagnostics
    ) {
        let key = reader.word
        let value = reader.value
        if key.span.equals("listen") {
            guard let address = InlineBytes<46>(value.span), !address.isEmpty else {
                return refuse(reader.line, key.span, "a numeric address", &diagnostics)
            }
            configuration.adminAddress = address
        } else if key.span.equals("port") {
            guard let port = Decimal.parse(value.span), port <= 65_535 else {
                return refuse(reader.line, key.span, "0 (any free port) to 65535", &diagnostics)
            }
            configuration.adminPort = UInt16(port)
        } else if key.span.equals("tls") {
            guard let isOn = Bool(word: value.span) else {
                return refuse(reader.line, key.span, "0 or 1", &diagnostics)
            }
            configuration.adminHasTLS = isOn
        } else if key.span.equals("password_file") {
            guard let path = InlineBytes<200>(value.span), !path.isEmpty else {
                return refuse(reader.line, key.span, "a path of at most 200 octets", &diagnostics)
            }
            configuration.adminPasswordPath = path
        } else {
            diagnostics.unknownKey(
                line: reader.line, isError: false, .constant("admin"), key.span, of: AdminSection.keys)
        }
    }

    mutating func finish(_ configuration: Configuration, _ diagnostics: inout Diagnostics) {
        guard isOpen else { return }
        isOpen = false
        if configuration.adminPasswordPath.isEmpty {
            refuse(
                line, .constant("password_file"), "a file with the password of the page in its first line", &diagnostics
            )
        }
        if !configuration.adminHasTLS, !AdminSection.isOfThisMachine(configuration.adminAddress.span) {
            diagnostics.warning(
                line: line, .constant("admin"), .constant("listen"),
                "the password crosses the network for everybody to read; option tls '1' seals it")
        }
    }

    private static func isOfThisMachine(_ address: Span<UInt8>) -> Bool {
        address.starts(with: "127.") || address.equals("::1")
    }

    private func refuse(
        _ line: UInt64, _ key: Span<UInt8>, _ words: StaticString, _ diagnostics: inout Diagnostics
    ) {
        diagnostics.error(line: line, .constant("admin"), key, words)
    }
}
