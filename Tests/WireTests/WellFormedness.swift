import Foundation
import FoundationXML

/// Whether another parser takes a document.
struct WellFormedness {
    let isWellFormed: Bool

    init(_ octets: [UInt8]) { isWellFormed = XMLParser(data: Data(octets)).parse() }
}
