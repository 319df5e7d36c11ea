import Foundation
import FoundationXML

/// An element of an answer, read by a parser that is not ours.
public final class Element: CustomStringConvertible, @unchecked Sendable {
    public let name: String
    public let namespace: String?
    public internal(set) var text = ""
    public internal(set) var children: [Element] = []

    init(_ name: String, _ namespace: String?) {
        self.name = name
        self.namespace = namespace
    }

    /// The first element on a path below this one: `e["Session/Transaction"]`.
    public subscript(path: String) -> Element? {
        path.split(separator: "/").reduce(self as Element?) { element, name in
            element?.children.first { $0.name == name }
        }
    }

    /// All children with a name.
    public func all(_ name: String) -> [Element] { children.filter { $0.name == name } }

    /// The number that the text spells.
    public var number: Int? { Int(text) }

    public var childNames: [String] { children.map(\.name) }

    public var description: String {
        children.isEmpty
            ? "<\(name)>\(text)</\(name)>" : "<\(name)>\(children.map(\.description).joined())</\(name)>"
    }

    /// Reads a document.
    public static func parse(_ octets: [UInt8]) throws -> Element {
        let reader = Reader()
        let parser = XMLParser(data: Data(octets))
        parser.delegate = reader
        guard parser.parse(), let root = reader.root else {
            throw HarnessError("no well-formed XML: \(String(decoding: octets, as: UTF8.self))")
        }
        return root
    }

    private final class Reader: NSObject, XMLParserDelegate {
        var root: Element?
        private var open: [Element] = []

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            let element = Element(name, attributes["xmlns"])
            if let parent = open.last { parent.children.append(element) } else { root = element }
            open.append(element)
        }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
        ) {
            open.removeLast()
        }

        func parser(_ parser: XMLParser, foundCharacters string: String) { open.last?.text += string }

        func parser(_ parser: XMLParser, foundCDATA block: Data) {
            open.last?.text += String(decoding: block, as: UTF8.self)
        }
    }
}

/// Text made safe for an XML document.
public func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
}
