import IMPSEngine
import Octets
import Transport
import Wire

/// The stream to an XMPP server.
extension Service {
    /// Where it is.
    func findStreamTarget() -> Target? {
        guard let server = engine.xmppServer else { return nil }
        return Target(server.url.span)
    }

    /// Begins it with the secret as it is in its file now.
    func writeStreamBegin(_ turn: inout Turn, into output: inout FixedBytes) {
        guard let server = engine.xmppServer else { return }
        let (secret, why) = SecretFile.read(server.secretPath.span)
        if secret == nil { tellUnusable(server.secretPath.span, why, &turn) }
        beginStanzas()
        engine.beginStream(secret: secret ?? InlineBytes(), turn, into: &writer)
        appendReply(to: &output)
    }

    /// Takes a stanza.
    func takeStanza(
        _ octets: Span<UInt8>, isHeader: Bool, isCut: Bool, _ turn: inout Turn, into output: inout FixedBytes
    ) -> StreamProgress {
        var isCut = isCut
        do throws(WireError) {
            try document.read(stanza: octets)
        } catch {
            isCut = isCut || error.reason == .tooLarge
            // The tag of a stream ends much later; of what is too large the beginning tells who is to be refused.
            guard isHeader || isCut else { return .goesOn }
        }
        beginStanzas()
        let progress = engine.stanzaArrived(document, isCut: isCut, &turn, into: &writer)
        if !writer.isOverflowed { appendReply(to: &output) }
        return progress
    }

    /// Writes what is to be sent by itself.
    func writeWaitingStanzas(_ turn: inout Turn, into output: inout FixedBytes) {
        beginStanzas()
        engine.writeStanzas(&turn, into: &writer)
        // Some are given up; and the reading ends.
        guard commit(&turn) == nil else { return }
        appendReply(to: &output)
    }

    private func beginStanzas() {
        writer.output.removeAll()
        writer.begin(syntax: .xml, version: .v1_2)
    }
}
