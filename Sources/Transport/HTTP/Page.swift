import Octets

/// What a browser is given: a few files that are part of the program, compressed as they are sent, and nothing of a disk.
enum Page: UInt8, BitwiseCopyable, Sendable {
    case document = 1
    case script, style, manifest, icon
    case adminDocument, adminScript, adminStyle

    /// What a path names; links that log in are the document, which finds them in its own address.
    init?(path: Span<UInt8>) {
        if path.equals("/") || path.starts(with: "/m/") || path.starts(with: "/q/") {
            self = .document
        } else if path.equals("/page.js") {
            self = .script
        } else if path.equals("/page.css") {
            self = .style
        } else if path.equals("/manifest.webmanifest") {
            self = .manifest
        } else if path.equals("/icon.svg") {
            self = .icon
        } else {
            return nil
        }
    }

    /// What a path of the operator's page names.
    init?(adminPath path: Span<UInt8>) {
        if path.equals("/admin") || path.equals("/") {
            self = .adminDocument
        } else if path.equals("/admin.js") {
            self = .adminScript
        } else if path.equals("/admin.css") {
            self = .adminStyle
        } else if path.equals("/page.css") {
            self = .style
        } else if path.equals("/icon.svg") {
            self = .icon
        } else {
            return nil
        }
    }

    var contentType: StaticString {
        switch self {
        case .document, .adminDocument: return "text/html; charset=utf-8"
        case .script, .adminScript: return "text/javascript; charset=utf-8"
        case .style, .adminStyle: return "text/css; charset=utf-8"
        case .manifest: return "application/manifest+json"
        case .icon: return "image/svg+xml"
        }
    }

    /// Octets of what is sent.
    var byteCount: Int { span.count }

    /// Adds what is sent.
    func write(into buffer: inout FixedBytes) { buffer.append(span) }

    /// What is known by the browser and is still right.
    func isKnown(_ tags: Span<UInt8>) -> Bool {
        let tag = tag
        guard tags.count >= tag.count else { return false }
        for start in 0...tags.count - tag.count where tags.extracting(start..<start + tag.count).equals(tag.span) {
            return true
        }
        return false
    }

    /// A quoted name of this content.
    private var tag: InlineBytes<20> {
        var tag = InlineBytes<20>()
        _ = tag.append(0x22)
        let hash = Hash64(span).value
        _ = tag.append(Hexadecimal.digits(of: UInt32(truncatingIfNeeded: hash >> 32)).span)
        _ = tag.append(Hexadecimal.digits(of: UInt32(truncatingIfNeeded: hash)).span)
        _ = tag.append(0x22)
        return tag
    }

    /// Writes the lines of a head that say what a browser may do with it.
    func writeFields(_ status: HTTPStatus, into buffer: inout FixedBytes) {
        let tag = tag
        buffer.append("\r\nETag: ")
        buffer.append(tag.span)
        buffer.append("\r\nCache-Control: no-cache")
        if status == .ok { buffer.append("\r\nContent-Encoding: gzip") }
        buffer.append("\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nX-Frame-Options: DENY")
        buffer.append("\r\nCross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin")
        // Nothing from elsewhere, nothing that stands in the document itself, and in nobody's frame.
        buffer.append("\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; ")
        buffer.append("img-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; ")
        buffer.append("frame-ancestors 'none'; trusted-types document; require-trusted-types-for 'script'")
    }
}
