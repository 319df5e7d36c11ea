import CSP
import Octets
import Wire

extension Sessions where Port: ~Copyable {
    /// ClientCapability-Request: takes what the client can do, within our bounds, and tells what holds.
    ///
    /// A 1.1 client without a list asks for what holds already.
    ///
    /// - Throws: 402 for a value that is not what the element takes, or lists that are too long.
    /// - Source: protocol/session.md §6.
    mutating func clientCapability(
        _ document: borrowing Document, _ request: Request, _ element: Document.Element, in slot: UInt16,
        _ records: inout Records<Port>, into writer: inout Writer
    ) throws(Refusal) {
        if let list = document.first(.capabilityList, in: element) {
            var capabilities = try capabilities(document, list, request.version, records)
            capabilities.cirMethods = agreedMethods(document, list, request, of: table[slot].user, records)
            keepCapabilityLists(document, list, &records)
            guard !records.scratch.isOverflowed, records.scratch.count <= Int(Limits.valueByteCountMax) else {
                throw Refusal(.badParameter, "capability lists too long")
            }
            records.store.put(Key.capabilityLists(slot).span, records.scratch)
            table[slot].agree(on: capabilities)
            storeSession(slot, &records)
            if request.version == .v1_3 { keepOfflineBearers(document, list, of: table[slot].user, &records) }
        }
        writer.open(.clientCapabilityResponse)
        if request.version == .v1_1 {
            let isListFirst = table[slot].quirks.contains(.capabilityListFirst)
            if !isListFirst { writer.clientID(document, of: element) }
            writeCapabilityList(slot, request, records, into: &writer)
            if isListFirst { writer.clientID(document, of: element) }
        } else {
            // A takes the first child for the agreed list, so it is the only one.
            writer.open(.agreedCapabilityList)
            writeStored(.supportedBearer, slot, records, into: &writer)
            writeMethods(slot, request, records, into: &writer)
            writer.integer(.serverPollMin, UInt64(table[slot].capabilities.serverPollMin))
            if table[slot].capabilities.multiTransPerMessage > 1 {
                writer.integer(.multiTransPerMessage, UInt64(table[slot].capabilities.multiTransPerMessage))
            }
            writeCallURL(slot, request, records, into: &writer)
            writer.close(.agreedCapabilityList)
        }
        writer.close(.clientCapabilityResponse)
    }

    private func keepOfflineBearers(
        _ document: borrowing Document, _ list: Document.Element, of user: UInt32, _ records: inout Records<Port>
    ) {
        var bearers = OfflineBearers()
        var next = document.first(.supportedOfflineBearer, in: list)
        while let current = next {
            bearers.insert(document.word(of: current))
            next = document.next(after: current)
        }
        records.keepNegotiated(bearers, of: user)
    }

    private func capabilities(
        _ document: borrowing Document, _ list: Document.Element, _ version: Version, _ records: borrowing Records<Port>
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
            UInt32(Sessions.parserSizeMin), try number(.parserSize, document, list) ?? agreed.parserSize)
        agreed.multiTrans = try transactionCount(.multiTrans, document, list)
        if version == .v1_3 {
            agreed.multiTransPerMessage = try transactionCount(.multiTransPerMessage, document, list)
        }
        let poll = try number(.serverPollMin, document, list) ?? 0
        agreed.serverPollMin = UInt16(min(UInt32(UInt16.max), max(UInt32(records.settings.serverPollMin), poll)))
        if let port = try number(.udpPort, document, list) {
            guard (1...65_535).contains(port) else { throw Refusal(.badParameter, "UDPPort is 1 to 65535") }
            agreed.udpPort = UInt16(port)
        }
        return agreed
    }

    /// Below this no answer fits, so a smaller ParserSize is taken for a mistake.
    private static var parserSizeMin: Int { 2048 }

    /// A number of transactions, within what is watched of a session.
    private func transactionCount(
        _ tag: Tag, _ document: borrowing Document, _ list: Document.Element
    ) throws(Refusal) -> UInt8 {
        UInt8(min(UInt32(Limits.outstandingCountMax), max(1, try number(tag, document, list) ?? 1)))
    }

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
    private static var listOrder: InlineArray<12, Tag> {
        [
            .clientType, .initialDeliveryMethod, .anyContent, .acceptedCharSet, .acceptedContentType,
            .acceptedTransferEncoding, .acceptedContentLength, .supportedBearer, .multiTrans, .parserSize,
            .supportedCIRMethod, .defaultLanguage,
        ]
    }

    /// Puts the texts of a list into `scratch`: name and text of each element, in the order of the protocol.
    private func keepCapabilityLists(
        _ document: borrowing Document, _ list: Document.Element, _ records: inout Records<Port>
    ) {
        records.scratch.removeAll()
        let order = Sessions.listOrder
        for index in order.indices {
            var next = document.first(order[index], in: list)
            while let current = next {
                let text = document.word(of: current)
                if text.count <= Int(Limits.contentTypeByteCountMax) {
                    records.scratch.append(counted: order[index].name.octets)
                    records.scratch.append(counted: text)
                }
                next = document.next(after: current)
            }
        }
    }

    /// 1.1: the list as it holds now.
    private func writeCapabilityList(
        _ slot: UInt16, _ request: Request, _ records: borrowing Records<Port>, into writer: inout Writer
    ) {
        let agreed = table[slot].capabilities
        writer.open(.capabilityList)
        writeStored(.clientType, slot, records, into: &writer)
        writer.text(.initialDeliveryMethod, agreed.initialDeliveryMethod.letter)
        writeStored(.anyContent, slot, records, into: &writer)
        writeStored(.acceptedCharSet, slot, records, into: &writer)
        writeStored(.acceptedContentType, slot, records, into: &writer)
        writeStored(.acceptedTransferEncoding, slot, records, into: &writer)
        writer.integer(.acceptedContentLength, UInt64(agreed.acceptedContentLength))
        writeStored(.supportedBearer, slot, records, into: &writer)
        writer.integer(.multiTrans, UInt64(agreed.multiTrans))
        writer.integer(.parserSize, UInt64(agreed.parserSize))
        writeMethods(slot, request, records, into: &writer)
        writer.integer(.serverPollMin, UInt64(agreed.serverPollMin))
        writeStored(.defaultLanguage, slot, records, into: &writer)
        writer.close(.capabilityList)
    }

    // MARK: CIR

    /// The methods of a client's list that are to be had. Source: protocol/transport.md §6.6.
    private func agreedMethods(
        _ document: borrowing Document, _ list: Document.Element, _ request: Request, of user: UInt32,
        _ records: borrowing Records<Port>
    ) -> CIRMethods {
        var agreed = CIRMethods()
        var next = document.first(.supportedCIRMethod, in: list)
        while let current = next {
            next = document.next(after: current)
            guard let method = CIRMethods(document.word(of: current)), records.settings.cirMethods.contains(method)
            else {
                continue
            }
            if method == .stcp, request.client.cirPort == 0 { continue }
            if method.hasShortMessages,
                !records.notificationQueue.sendsShortMessages || records.profile(user, .number) == nil
            {
                continue
            }
            agreed = agreed.union(method)
        }
        return agreed
    }

    /// The agreed ones in the order of the client, and where to connect to.
    private func writeMethods(
        _ slot: UInt16, _ request: Request, _ records: borrowing Records<Port>, into writer: inout Writer
    ) {
        let agreed = table[slot].capabilities
        let key = Key.capabilityLists(slot)
        guard agreed.cirMethods != CIRMethods(), let record = records.store.value(for: key.span) else { return }
        var reader = RecordReader(record)
        while !reader.isAtEnd, !reader.isBroken {
            let name = reader.counted()
            let text = reader.counted()
            guard !reader.isBroken, name.equals(Tag.supportedCIRMethod.name), let method = CIRMethods(text),
                agreed.cirMethods.contains(method)
            else { continue }
            writer.text(.supportedCIRMethod, text)
        }
        if request.version == .v1_1, agreed.cirMethods.contains(.sudp) {
            writer.integer(.udpPort, UInt64(agreed.udpPort))
        }
        guard agreed.cirMethods.contains(.stcp), request.client.cirPort != 0 else { return }
        var host = InlineBytes<64>()
        appendHost(request.client, brackets: false, to: &host, records)
        writer.text(.tcpAddress, host.span)
        writer.integer(.tcpPort, UInt64(request.client.cirPort))
    }

    /// Where the client reaches this server: what the operator says, else where it has just reached it.
    @inline(never)
    private func appendHost<let capacity: Int>(
        _ client: Client, brackets: Bool, to text: inout InlineBytes<capacity>, _ records: borrowing Records<Port>
    ) {
        guard records.settings.cirAddress.isEmpty else {
            _ = text.append(records.settings.cirAddress.span)
            return
        }
        let isVersion6 = brackets && client.local.span.firstIndex(of: 0x3A) != nil
        if isVersion6 { _ = text.append(0x5B) }
        _ = text.append(client.local.span)
        if isVersion6 { _ = text.append(0x5D) }
    }

    /// How this server calls a client, among what another service agreed on with it.
    func writeCalling(
        _ slot: UInt16, _ request: Request, _ records: borrowing Records<Port>, into writer: inout Writer
    ) {
        writeMethods(slot, request, records, into: &writer)
        if request.version > .v1_1 { writeCallURL(slot, request, records, into: &writer) }
    }

    /// The URL of SHTTP. In 1.2 its element has no token in WBXML, and clients that miss it poll; A reads it spelled out.
    ///
    /// - Source: protocol/transport.md §6.4, protocol/session.md §6.2, CL-18.
    private func writeCallURL(
        _ slot: UInt16, _ request: Request, _ records: borrowing Records<Port>, into writer: inout Writer
    ) {
        guard table[slot].capabilities.cirMethods.contains(.shttp),
            request.version == .v1_3 || writer.syntax == .xml || table[slot].quirks.contains(.literalTags)
        else { return }
        let tag: Tag = request.version == .v1_3 ? .cirhttpAddress : .cirurl
        var url = InlineBytes<200>()
        _ = url.append(request.client.isSealed ? "https://" : "http://")
        appendHost(request.client, brackets: true, to: &url, records)
        _ = url.append(0x3A)
        _ = url.append(Decimal.digits(of: UInt64(request.client.port)).span)
        _ = url.append("/cir/")
        _ = url.append(table.callKey(of: slot).span)
        writer.open(tag)
        writer.text(.url, url.span)
        writer.close(tag)
    }

    private func writeStored(_ tag: Tag, _ slot: UInt16, _ records: borrowing Records<Port>, into writer: inout Writer)
    {
        let key = Key.capabilityLists(slot)
        guard table[slot].hasCapabilities, let record = records.store.value(for: key.span) else { return }
        var reader = RecordReader(record)
        while !reader.isAtEnd, !reader.isBroken {
            let name = reader.counted()
            let text = reader.counted()
            if !reader.isBroken, name.equals(tag.name) { writer.text(tag, text) }
        }
    }

    /// Whether a session takes a content type in NewMessage. A client that names none takes every text, as [A] does.
    ///
    /// - Source: protocol/session.md §6.3, CL-12.
    func accepts(_ contentType: Span<UInt8>, in slot: UInt16, _ records: borrowing Records<Port>) -> Bool {
        if table[slot].capabilities.anyContent { return true }
        if ContentType.essence(contentType).equalsIgnoringCase(ContentType.plainText) { return true }
        let isText = ContentType.accepts(.constant("text/*"), contentType)
        let key = Key.capabilityLists(slot)
        guard table[slot].hasCapabilities, let record = records.store.value(for: key.span) else { return isText }
        var reader = RecordReader(record)
        var namesAny = false
        while !reader.isAtEnd, !reader.isBroken {
            let name = reader.counted()
            let text = reader.counted()
            guard !reader.isBroken, name.equals(Tag.acceptedContentType.name) else { continue }
            if ContentType.accepts(text, contentType) { return true }
            namesAny = true
        }
        return isText && !namesAny
    }
}
