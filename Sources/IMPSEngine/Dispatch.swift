import CSP
import Octets
import Wire

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
        if primitive == .loginRequest {
            return sessions.login(
                document, request, element, hash, &accounts, &mailboxes, &systemMessages, &records, &turn, into: &writer
            )
        }
        if primitive == .getSPInfoRequest, !hasID {
            return sessions.getSPInfo(document, element, records, into: &writer)
        }
        if primitive == .versionDiscoveryRequest { return discoverVersions(into: &writer) }
        guard let slot else { throw Refusal(.invalidSession) }
        try sessions.admit(primitive, in: slot)
        try perform(primitive, document, request, element, in: slot, &turn, into: &writer)
    }

    /// The table: which room does what. A new primitive is a case here and a file in the folder of its room.
    private mutating func perform(
        _ primitive: Primitive, _ document: borrowing Document, _ request: Request, _ element: Document.Element,
        in slot: UInt16, _ turn: inout Turn, into writer: inout Writer
    ) throws(Refusal) {
        if component.isUsed, primitive.namesPeople, !sessions[slot].access.isRestricted {
            accounts.sweepRemoteUsers(&sessions, &records)
            meetRemotes(document, element, &turn)
        }
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
            try mailboxes.getMessageList(document, element, in: slot, sessions, records, &turn, into: &writer)
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

        case .getListRequest: people.getList(in: slot, sessions, records, into: &writer)
        case .createListRequest:
            try people.createList(
                document, element, in: slot, &sessions, mailboxes, systemMessages, &records, &turn, into: &writer)
        case .deleteListRequest:
            try people.deleteList(document, element, in: slot, &sessions, &mailboxes, &records, into: &writer)
        case .listManageRequest:
            try people.listManage(
                document, element, in: slot, &sessions, &mailboxes, systemMessages, &records, &turn, into: &writer)
        case .createAttributeListRequest:
            try people.createAttributeList(
                document, element, in: slot, &sessions, &mailboxes, systemMessages, &records, &turn, into: &writer)
        case .deleteAttributeListRequest:
            try people.deleteAttributeList(document, element, in: slot, &sessions, &records, into: &writer)
        case .getAttributeListRequest:
            try people.getAttributeList(document, element, in: slot, sessions, records, into: &writer)
        case .getPresenceRequest:
            try people.getPresence(document, element, in: slot, sessions, records, into: &writer)
        case .updatePresenceRequest:
            try people.updatePresence(document, element, in: slot, &sessions, &records, into: &writer)
        case .subscribePresenceRequest:
            try people.subscribePresence(
                document, request, element, in: slot, &sessions, mailboxes, &records, into: &writer)
        case .unsubscribePresenceRequest:
            try people.unsubscribePresence(document, element, in: slot, &sessions, &mailboxes, &records, into: &writer)
        case .getWatcherListRequest:
            people.getWatcherList(document, element, in: slot, sessions, records, into: &writer)
        case .presenceAuthUser:
            try people.presenceAuthUser(
                document, element, in: slot, &sessions, &mailboxes, systemMessages, &records, &turn)
            writer.status(.success)
        case .cancelAuthRequest:
            try people.cancelAuth(document, element, in: slot, &sessions, &mailboxes, &records, into: &writer)
        case .getReactiveAuthStatusRequest:
            people.getReactiveAuthStatus(document, element, in: slot, sessions, records, into: &writer)
        case .getBlockedListRequest: people.getBlockedList(request, in: slot, sessions, records, into: &writer)
        case .blockEntityRequest:
            try people.blockEntity(document, element, in: slot, &sessions, &records, into: &writer)
        case .verifyIDRequest: try people.verifyID(document, element, in: slot, sessions, records, into: &writer)
        case .searchRequest: try people.search(document, element, in: slot, sessions, records, turn, into: &writer)
        case .stopSearchRequest:
            try people.stopSearch(document, element, in: slot, sessions, turn.now, into: &writer)

        case .systemMessageUser:
            try systemMessages.systemMessageUser(
                document, request, element, in: slot, &accounts, &sessions, &mailboxes, &records, &turn, into: &writer)

        case .subscribeNotificationRequest:
            try people.subscribeNotification(document, element, in: slot, &sessions, &records, into: &writer)
        case .unsubscribeNotificationRequest:
            try people.unsubscribeNotification(
                document, element, in: slot, &sessions, &mailboxes, &records, into: &writer)

        // Names of the protocol without a function of the service tree that could be refused.
        case .extendedRequest, .getPublicProfileRequest, .updatePublicProfileRequest,
            .getSegmentRequest, .dropSegmentRequest, .extendConversationRequest, .getMapRequest:
            throw Refusal(.notImplemented)

        // Functions that this server does not offer; `admit` has answered already.
        case .createGroupRequest, .deleteGroupRequest, .joinGroupRequest,
            .leaveGroupRequest, .getGroupMembersRequest, .getJoinedUsersRequest, .addGroupMembersRequest,
            .removeGroupMembersRequest, .memberAccessRequest, .getGroupPropsRequest, .setGroupPropsRequest,
            .rejectListRequest, .subscribeGroupNoticeRequest, .inviteRequest, .inviteUserResponse,
            .cancelInviteRequest:
            throw Refusal(.serviceNotSupported)
        }
    }
}
