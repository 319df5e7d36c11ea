import CSP
import Octets
import Wire

extension Sessions where Port: ~Copyable {
    /// A client polls, so it is through with its negotiation.
    mutating func polled(_ slot: UInt16) {
        if table[slot].closing == 0 { table[slot].isReady = true }
    }

    /// Whether the level and what was agreed have the function of a primitive.
    func isAgreed(_ primitive: Primitive, in slot: UInt16) -> Bool {
        primitive.requirement.isMet(by: FunctionSet.offered.intersection(table[slot].access.level))
            && (!table[slot].isServiceAgreed || primitive.requirement.isMet(by: table[slot].functions))
    }

    /// Messages of the system address are for everybody, whatever his level is: they may ask something. The handlers see
    /// to it that they are no others.
    private func mayAnswer(by primitive: Primitive, in slot: UInt16) -> Bool {
        switch primitive {
        case .sendMessageRequest, .getMessageRequest, .messageDelivered: return true
        default: return false
        }
    }

    /// What clients ask and say of themselves right after each login, whatever was agreed. A refusal stops some of them,
    /// and A shows no message before it knows its contact lists. Source: CL-1, CL-2, CL-4 to CL-6.
    private func isPartOfLogin(_ primitive: Primitive) -> Bool {
        switch primitive {
        case .getListRequest, .getPresenceRequest, .updatePresenceRequest, .getBlockedListRequest: return true
        default: return false
        }
    }

    /// What is open before a question is answered. A client that answers by a message may send one to the system address
    /// only, which its handler sees to.
    ///
    /// - Source: protocol/system-message.md §4.6, §5.3.
    private func admitRestricted(_ primitive: Primitive, asksByMessage: Bool) throws(Refusal) {
        switch primitive {
        case .systemMessageUser, .keepAliveRequest, .logoutRequest, .messageDelivered, .sendMessageRequest,
            .getMessageRequest:
            break
        case .clientCapabilityRequest, .serviceRequest, .getSPInfoRequest:
            if !asksByMessage { throw Refusal(.forbidden, "first answer the message from the system") }
        default: throw Refusal(.forbidden, "first answer the message from the system")
        }
    }

    /// Whether a session may use a primitive now.
    ///
    /// - Throws: the code of the Disconnect when the session is over, 501 for what 1.3 has beyond this server, 405 for a
    ///   function that is not offered, 506 for one that was not agreed.
    /// - Source: protocol/session.md §7, rule 4; protocol/primitives.md §11.
    mutating func admit(_ primitive: Primitive, in slot: UInt16) throws(Refusal) {
        if table[slot].closing != 0 {
            throw Refusal(StatusCode(rawValue: table[slot].closing) ?? .forcedLogout)
        }
        switch primitive {
        case .getSegmentRequest, .dropSegmentRequest, .extendConversationRequest, .getMapRequest:
            throw Refusal(.notImplemented)
        default: break
        }
        if isPartOfLogin(primitive) {
            table[slot].isReady = true
            return
        }
        guard primitive.requirement.isMet(by: FunctionSet.offered) else { throw Refusal(.serviceNotSupported) }
        if table[slot].access.isRestricted {
            try admitRestricted(primitive, asksByMessage: table[slot].access.asksByMessage)
        }
        guard mayAnswer(by: primitive, in: slot) || isAgreed(primitive, in: slot) else {
            throw Refusal(.serviceNotAgreed)
        }
        switch primitive {
        // Negotiation is not use: deliveries wait for the end of it.
        case .clientCapabilityRequest, .getSPInfoRequest, .keepAliveRequest, .logoutRequest: break
        default: table[slot].isReady = true
        }
    }
}

extension Engine where Port: ~Copyable {
    /// What is legal before login, and the gate in front of everything else; then the table of primitives.
    ///
    /// - Parameters:
    ///   - slot: The session; nil when the message names none or an unknown one.
    ///   - hasID: Whether the message names a session at all.
    ///   - hash: What a repeat of the request is recognised by.
    mutating func dispatch(
        _ document: borrowing Document, _ request: Request, in slot: UInt16?, hasID: Bool, _ hash: UInt64,
        _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        guard let element = request.element, let primitive = Primitive(document.tag(of: element)) else {
            // In a session the unknown is not implemented; outside one nothing is told about what is.
            throw Refusal(slot == nil ? .invalidSession : .notImplemented)
        }
        switch primitive {
        case .loginRequest:
            return sessions.login(
                document, request, element, hash, &accounts, &mailboxes, &systemMessages, &records, &turn, into: &writer
            )
        case .getSPInfoRequest where !hasID:
            return sessions.getSPInfo(document, element, records, into: &writer)
        case .versionDiscoveryRequest: return discoverVersions(into: &writer)
        default: break
        }
        guard let slot else { throw Refusal(.invalidSession) }
        try sessions.admit(primitive, in: slot)
        try perform(primitive, document, request, element, in: slot, &turn, into: &writer)
    }

    /// The table: which room does what. A new primitive is a case here and a file in the folder of its room.
    private mutating func perform(
        _ primitive: Primitive, _ document: borrowing Document, _ request: Request, _ element: Document.Element,
        in slot: UInt16, _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        switch primitive {
        case .loginRequest, .versionDiscoveryRequest: break
        case .logoutRequest:
            sessions.logout(request, in: slot, &mailboxes, systemMessages, &records, &turn, into: &writer)
        case .keepAliveRequest: sessions.keepAlive(document, element, in: slot, &records, turn.now, into: &writer)
        case .clientCapabilityRequest:
            try sessions.clientCapability(document, request, element, in: slot, &records, into: &writer)
        case .serviceRequest: try sessions.service(document, request, element, in: slot, &records, into: &writer)
        case .getSPInfoRequest: sessions.getSPInfo(document, element, records, into: &writer)
        case .sendMessageRequest:
            try mailboxes.sendMessage(
                document, request, element, in: slot, &sessions, &systemMessages, &records, &turn, into: &writer)
        case .messageDelivered:
            try mailboxes.messageDelivered(
                document, element, in: slot, &sessions, systemMessages, &records, &turn, into: &writer)
        case .getMessageRequest:
            try mailboxes.getMessage(document, element, in: slot, &sessions, &records, &turn, into: &writer)
        case .getMessageListRequest:
            try mailboxes.getMessageList(document, element, in: slot, &sessions, records, &turn, into: &writer)
        case .rejectMessageRequest:
            try mailboxes.rejectMessage(document, request, element, in: slot, &sessions, &records, &turn, into: &writer)
        case .forwardMessageRequest:
            try mailboxes.forwardMessage(
                document, request, element, in: slot, &sessions, &systemMessages, &records, &turn, into: &writer)
        case .setDeliveryMethodRequest:
            try mailboxes.setDeliveryMethod(document, element, in: slot, &sessions, &records, into: &writer)

        // A poll is answered with a server transaction: as any other Request it asks for nothing.
        case .pollingRequest: throw Refusal(.badRequest)
        // Some clients close a server transaction with a Status of their own, and stop without an answer to it. CL-32.
        case .status: writer.status(.success)

        case .getListRequest: sessions.getList(into: &writer)
        case .getPresenceRequest: try sessions.getPresence(document, element, in: slot, records, into: &writer)
        case .updatePresenceRequest: try sessions.updatePresence(document, element, into: &writer)
        case .getBlockedListRequest: sessions.getBlockedList(request, into: &writer)

        case .systemMessageUser:
            try systemMessages.systemMessageUser(
                document, request, element, in: slot, &accounts, &sessions, &mailboxes, &records, &turn, into: &writer)

        // Names of the protocol without a function of the service tree that could be refused.
        case .extendedRequest, .subscribeNotificationRequest,
            .unsubscribeNotificationRequest, .getPublicProfileRequest, .updatePublicProfileRequest,
            .getSegmentRequest, .dropSegmentRequest, .extendConversationRequest, .getMapRequest:
            throw Refusal(.notImplemented)

        // Functions that this server does not offer; `admit` has answered already.
        case .createListRequest, .deleteListRequest, .listManageRequest,
            .createAttributeListRequest, .deleteAttributeListRequest, .getAttributeListRequest,
            .subscribePresenceRequest, .unsubscribePresenceRequest,
            .getWatcherListRequest, .presenceAuthUser, .cancelAuthRequest, .getReactiveAuthStatusRequest,
            .blockEntityRequest, .createGroupRequest, .deleteGroupRequest, .joinGroupRequest,
            .leaveGroupRequest, .getGroupMembersRequest, .getJoinedUsersRequest, .addGroupMembersRequest,
            .removeGroupMembersRequest, .memberAccessRequest, .getGroupPropsRequest, .setGroupPropsRequest,
            .rejectListRequest, .subscribeGroupNoticeRequest, .inviteRequest, .inviteUserResponse,
            .cancelInviteRequest, .searchRequest, .stopSearchRequest, .verifyIDRequest:
            throw Refusal(.serviceNotSupported)
        }
    }
}
