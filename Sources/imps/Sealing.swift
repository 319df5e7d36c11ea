import CLibC
import Files
import Octets
import TLS
import Transport

/// What connections by TLS have in common: the library, and whom we believe that he is the server.
@safe
final class Sealing {
    /// It lives as long as the process.
    private let place = UnsafeMutablePointer<TLSConnections>.allocate(capacity: 1)
    /// A file with authorities that the user names; empty for none.
    private let authorities: InlineBytes<256>
    /// Where the certificates of servers are kept that were met before.
    private let knownPath: InlineBytes<256>
    /// The certificate of the server that is talked to.
    private(set) var fingerprint: Fingerprint?
    /// The server was not believed, and why was said.
    private(set) var hasComplained = false

    /// - Parameter authorities: A file in PEM, or empty: then who was met before has to be the same as before.
    init(authorities: InlineBytes<256>, known: InlineBytes<256>) {
        self.authorities = authorities
        knownPath = known.isEmpty ? Sealing.defaultKnownPath : known
        // One for requests and one to be called on.
        unsafe place.initialize(
            to: TLSConnections(
                count: 2, memory: Memory.octets, output: Memory.buffer(TLSConnections.sealedByteCount(65_536))))
    }

    var tls: TLSConnections {
        _read { yield unsafe place.pointee }
        _modify { yield unsafe &place.pointee }
    }

    private static var defaultKnownPath: InlineBytes<256> {
        guard var path: InlineBytes<256> = unsafe Terminal.text(of: getenv("HOME")) else { return InlineBytes() }
        return path.append("/.imps_known") ? path : InlineBytes()
    }

    /// Whether the server on a connection is the one that we went to; what is wrong is said.
    func believes(_ place: UInt16, host: InlineBytes<200>, port: InlineBytes<8>) -> Bool {
        guard let shown = tls.peerFingerprint(place) else { return false }
        let isBelieved =
            authorities.isEmpty ? isAsBefore(shown, place, host, port) : isVerified(place, host, by: authorities)
        if isBelieved { fingerprint = shown }
        return isBelieved
    }

    /// Whether it is the server that is talked to already, for a connection to be called on.
    func isSameServer(_ place: UInt16) -> Bool {
        guard let fingerprint, let shown = tls.peerFingerprint(place) else { return false }
        return shown == fingerprint
    }

    private func isVerified(_ place: UInt16, _ host: InlineBytes<200>, by path: InlineBytes<256>) -> Bool {
        do throws(Distrust) {
            try tls.verify(place, host: host.span, authorities: path.span, pin: nil)
            return true
        } catch {
            complain(host, error.explanation)
            return false
        }
    }

    private func complain(_ host: InlineBytes<200>, _ words: StaticString) {
        guard !hasComplained else { return }
        hasComplained = true
        Terminal.printError("imps: ")
        Terminal.printError(host.span)
        Terminal.printError(": ")
        Terminal.printError(words)
        Terminal.printError("\n")
    }

    // MARK: Who was met before

    /// What is kept of a server.
    private enum Known {
        /// It was never met.
        case nothing
        /// The system's authorities vouched for it, so they have to.
        case vouchedFor
        /// It had this certificate.
        case certificate(Fingerprint)
        /// The file cannot be read, or says something else.
        case unreadable
    }

    /// Whether a server has the certificate that it had before. One that was never met is believed when the system's
    /// authorities vouch for it, which they have to from then on; else its certificate is kept, and said so.
    private func isAsBefore(
        _ shown: Fingerprint, _ place: UInt16, _ host: InlineBytes<200>, _ port: InlineBytes<8>
    ) -> Bool {
        let name = Sealing.name(host, port)
        let system = InlineBytes<256>(prefix: ("/etc/ssl/certs/ca-certificates.crt" as StaticString).octets)
        switch known(name.span) {
        case .certificate(let known): return known == shown || refuse(name.span, shown, before: known)
        case .vouchedFor: return isVerified(place, host, by: system)
        case .unreadable:
            complain(host, "the file of certificates that were met before cannot be read; --known names it")
            return false
        case .nothing: break
        }
        // Where nothing can be kept, it has to be the same as long as this runs.
        if let fingerprint { return fingerprint == shown || refuse(name.span, shown, before: fingerprint) }
        do throws(Distrust) {
            try tls.verify(place, host: host.span, authorities: system.span, pin: nil)
            _ = keep(name.span, ("ca" as StaticString).octets)
            return true
        } catch {
            say(name.span, " is new. Compare its certificate with what the gateway shows:\n  ", shown, "\n")
            if keep(name.span, shown.text.span) {
                Terminal.printError("  It is kept in ")
                Terminal.printError(knownPath.span)
                Terminal.printError(", and has to be the same from now on.\n")
            }
            return true
        }
    }

    /// Says that it is another certificate than before; always false.
    private func refuse(_ name: Span<UInt8>, _ shown: Fingerprint, before known: Fingerprint) -> Bool {
        guard !hasComplained else { return false }
        hasComplained = true
        say(name, " shows another certificate than before.\n  now    ", shown, "\n  before ")
        Terminal.printError(known.text.span)
        Terminal.printError("\n  If that is right, take its line out of ")
        Terminal.printError(knownPath.span)
        Terminal.printError("\n")
        return false
    }

    private func say(_ name: Span<UInt8>, _ words: StaticString, _ fingerprint: Fingerprint, _ rest: StaticString) {
        Terminal.printError("imps: ")
        Terminal.printError(name)
        Terminal.printError(words)
        Terminal.printError(fingerprint.text.span)
        Terminal.printError(rest)
    }

    private static func name(_ host: InlineBytes<200>, _ port: InlineBytes<8>) -> InlineBytes<210> {
        var name = InlineBytes<210>(prefix: host.span)
        _ = name.append(0x3A)
        _ = name.append(port.span)
        return name
    }

    private func known(_ name: Span<UInt8>) -> Known {
        guard !knownPath.isEmpty else { return .nothing }
        var file = Memory.buffer(262_144)
        do throws(File.Failure) {
            try File.read(knownPath.span, into: &file)
        } catch {
            if case .missing = error { return .nothing }
            return .unreadable
        }
        var start = 0
        while start < file.count {
            let end = file.span.firstIndex(of: 0x0A, from: start) ?? file.count
            let line = file.span(start..<end)
            if line.count > name.count + 1, line[name.count] == 0x20, line.extracting(0..<name.count).equals(name) {
                let word = line.extracting(name.count + 1..<line.count).trimmed()
                if word.equals("ca") { return .vouchedFor }
                return Fingerprint(word).map { .certificate($0) } ?? .unreadable
            }
            start = end + 1
        }
        return .nothing
    }

    private func keep(_ name: Span<UInt8>, _ word: Span<UInt8>) -> Bool {
        guard !knownPath.isEmpty else { return false }
        var line = Memory.buffer(512)
        line.append(name)
        line.append(0x20)
        line.append(word)
        line.append(0x0A)
        do throws(File.Failure) {
            try File.add(line.span, to: knownPath.span)
            return true
        } catch {
            return false
        }
    }
}
