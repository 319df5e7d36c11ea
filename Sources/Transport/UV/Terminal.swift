import CLibC
import Octets

/// Standard input and output of the programs.
public enum Terminal {
    /// A long option for getopt, which keeps pointing to its name: a constant lives as long as the process.
    public static func option(_ name: StaticString, takesValue: Bool = false, _ letter: Int32) -> option {
        let text = unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
        return unsafe libc_option(text, takesValue ? 1 : 0, letter)
    }

    /// Writes a constant to standard output.
    public static func print(_ text: StaticString) { write(1, text.octets) }

    /// Writes octets to standard output.
    public static func print(_ octets: Span<UInt8>) { write(1, octets) }

    /// Writes a constant to standard error.
    public static func printError(_ text: StaticString) { write(2, text.octets) }

    /// Writes octets to standard error.
    public static func printError(_ octets: Span<UInt8>) { write(2, octets) }

    private static func write(_ descriptor: Int32, _ octets: Span<UInt8>) {
        var offset = 0
        while offset < octets.count {
            let written = unsafe octets.withUnsafeBufferPointer { buffer in
                unsafe CLibC.write(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            guard written > 0 else { return }
            offset += written
        }
    }

    /// A copy of a C string; nil when it is missing or too long.
    public static func text<let capacity: Int>(of pointer: UnsafePointer<CChar>?) -> InlineBytes<capacity>? {
        guard let start = unsafe pointer else { return nil }
        let count = unsafe strlen(start)
        let octets = unsafe Span(
            _unsafeStart: UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self), count: Int(count))
        return InlineBytes(octets)
    }

    /// A copy of a C string; nil when it is missing or too long.
    public static func text<let capacity: Int>(of pointer: UnsafeMutablePointer<CChar>?) -> InlineBytes<capacity>? {
        unsafe text(of: UnsafePointer(pointer))
    }

    /// Reads a line from standard input, without its end; nil at the end of the input or when it is too long.
    ///
    /// - Parameter prompt: Written to standard error when standard input is a terminal, which then does not echo.
    public static func readSecret<let capacity: Int>(_ prompt: StaticString) -> InlineBytes<capacity>? {
        let isTerminal = isatty(0) != 0
        if isTerminal {
            printError(prompt)
            _ = libc_set_echo(0, 0)
        }
        defer {
            if isTerminal {
                _ = libc_set_echo(0, 1)
                printError("\n")
            }
        }
        return readLine()
    }

    /// Reads a line from standard input, without its end; nil at the end of the input or when it is too long.
    public static func readLine<let capacity: Int>() -> InlineBytes<capacity>? {
        var line = InlineBytes<capacity>()
        var octet: UInt8 = 0
        while unsafe CLibC.read(0, &octet, 1) == 1 {
            if octet == 0x0A { return line }
            guard line.append(octet) else { return nil }
        }
        return line.isEmpty ? nil : line
    }
}
