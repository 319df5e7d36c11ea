import CSP
import Octets
import Wire

extension Engine where Port: ~Copyable {
    /// ClientCapability-Request: takes what the client can do, within our bounds, and tells what holds.
    ///
    /// A 1.1 client without a list asks for what holds already.
    ///
    /// - Throws: 402 for a value that is not what the element takes, or lists that are too long.
    /// - Source: protocol/session.md §6.
    mutating func clientCapability(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, in slot: UInt16,
        into writer: inout Writer
    ) throws(Refusal) {
        if let list = document.first(.capabilityList, in: element) {
            let capabilities = try capabilities(document, list)
            keepCapabilityLists(document, list)
            guard !scratch.isOverflowed, scratch.count <= Int(Limits.valueByteCountMax) else {
                throw Refusal(.badParameter, "capability lists too long")
            }
            store.put(Key.capabilityLists(slot).span, scratch)
            sessions[slot].capabilities = capabilities
            sessions[slot].hasCapabilities = true
            sessions[slot].deliveryMethod = capabilities.initialDeliveryMethod
            storeSession(slot)
        }
        writer.open(.clientCapabilityResponse)
        if request.version == .v1_1 {
            writeClientID(document, of: element, into: &writer)
            writeCapabilityList(slot, into: &writer)
        } else {
            // A takes the first child for the agreed list, so it is the only one.
            writer.open(.agreedCapabilityList)
            writeStored(.supportedBearer, slot, into: &writer)
            writer.integer(.serverPollMin, UInt64(sessions[slot].capabilities.serverPollMin))
            writer.close(.agreedCapabilityList)
        }
        writer.close(.clientCapabilityResponse)
    }

    private func capabilities(
        _ document: borrowing Document, _ list: Document.Element
    ) throws(Refusal) -> Capabilities {
        var agreed = Capabilities()
        if let method = document.first(.initialDeliveryMethod, in: list) {
            guard let value = DeliveryMethod(document.word(of: method)) else {
                throw Refusal(.badParameter, "InitialDeliveryMethod is P or N")
            }
            agreed.initialDeliveryMethod = value
        }
        agreed.anyContent = document.flag(.anyContent, in: list) ?? false
        // 1.3 has its own words for the size that may be pushed; A sends the old one in every version.
        let length = try number(.acceptedContentLength, document, list)
        let pushed = try number(.acceptedPushLength, document, list)
        agreed.acceptedContentLength = pushed ?? length ?? agreed.acceptedContentLength
        agreed.parserSize = max(
            UInt32(Engine.parserSizeMin), try number(.parserSize, document, list) ?? agreed.parserSize)
        agreed.multiTrans = UInt8(
            min(UInt32(Limits.outstandingCountMax), max(1, try number(.multiTrans, document, list) ?? 1)))
        let poll = try number(.serverPollMin, document, list) ?? 0
        agreed.serverPollMin = UInt16(min(UInt32(UInt16.max), max(UInt32(settings.serverPollMin), poll)))
        return agreed
    }

    /// Below this no answer fits, so a smaller ParserSize is taken for a mistake.
    private static var parserSizeMin: Int { 2048 }

    private func number(
        _ tag: Tag, _ document: borrowing Document, _ list: Document.Element
    ) throws(Refusal) -> UInt32? {
        guard document.first(tag, in: list) != nil else { return nil }
        guard let value = document.integer(tag, in: list) else {
            throw Refusal(.badParameter, "a capability is no number")
        }
        return UInt32(min(value, UInt64(UInt32.max)))
    }

    // MARK: What is kept as it was sent

    /// The elements of 1.1's CapabilityList in its order; each says how it is answered.
    private static var listOrder: InlineArray<11, Tag> {
        [
            .clientType, .initialDeliveryMethod, .anyContent, .acceptedCharSet, .acceptedContentType,
            .acceptedTransferEncoding, .acceptedContentLength, .supportedBearer, .multiTrans, .parserSize,
            .defaultLanguage,
        ]
    }

    /// Puts the texts of a list into `scratch`: name and text of each element, in the order of the protocol.
    private mutating func keepCapabilityLists(_ document: borrowing Document, _ list: Document.Element) {
        scratch.removeAll()
        let order = Engine.listOrder
        for index in order.indices {
            var next = document.first(order[index], in: list)
            while let current = next {
                let text = document.word(of: current)
                if text.count <= Int(Limits.contentTypeByteCountMax) {
                    scratch.append(counted: order[index].name.octets)
                    scratch.append(counted: text)
                }
                next = document.next(after: current)
            }
        }
    }

    /// 1.1: the list as it holds now. CIR methods are left out, because none is agreed.
    private func writeCapabilityList(_ slot: UInt16, into writer: inout Writer) {
        let agreed = sessions[slot].capabilities
        writer.open(.capabilityList)
        writeStored(.clientType, slot, into: &writer)
        writer.text(.initialDeliveryMethod, agreed.initialDeliveryMethod.letter)
        writeStored(.anyContent, slot, into: &writer)
        writeStored(.acceptedCharSet, slot, into: &writer)
        writeStored(.acceptedContentType, slot, into: &writer)
        writeStored(.acceptedTransferEncoding, slot, into: &writer)
        writer.integer(.acceptedContentLength, UInt64(agreed.acceptedContentLength))
        writeStored(.supportedBearer, slot, into: &writer)
        writer.integer(.multiTrans, UInt64(agreed.multiTrans))
        writer.integer(.parserSize, UInt64(agreed.parserSize))
        writer.integer(.serverPollMin, UInt64(agreed.serverPollMin))
        writeStored(.defaultLanguage, slot, into: &writer)
        writer.close(.capabilityList)
    }

    private func writeStored(_ tag: Tag, _ slot: UInt16, into writer: inout Writer) {
        let key = Key.capabilityLists(slot)
        guard sessions[slot].hasCapabilities, let record = store.value(for: key.span) else { return }
        var reader = RecordReader(record)
        while !reader.isAtEnd, !reader.isBroken {
            let name = reader.counted()
            let text = reader.counted()
            if !reader.isBroken, name.equals(tag.name) { writer.text(tag, text) }
        }
    }

    /// Whether a session takes a content type in NewMessage. Source: protocol/session.md §6.3, defaults.
    func accepts(_ contentType: Span<UInt8>, in slot: UInt16) -> Bool {
        if sessions[slot].capabilities.anyContent { return true }
        if ContentType.essence(contentType).equalsIgnoringCase(ContentType.plainText) { return true }
        let key = Key.capabilityLists(slot)
        guard sessions[slot].hasCapabilities, let record = store.value(for: key.span) else { return false }
        var reader = RecordReader(record)
        while !reader.isAtEnd, !reader.isBroken {
            let name = reader.counted()
            let text = reader.counted()
            if !reader.isBroken, name.equals(Tag.acceptedContentType.name), ContentType.accepts(text, contentType) {
                return true
            }
        }
        return false
    }
}
