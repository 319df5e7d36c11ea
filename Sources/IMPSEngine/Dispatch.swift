import CSP
import Octets
import Wire

extension Engine where Port: ~Copyable {
    /// What is legal before login, and the gate in front of everything else; then the one table of primitives.
    ///
    /// A new primitive is a case here and a file in the folder of its feature.
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
            return login(document, request, element, hash, &turn, into: &writer)
        case .getSPInfoRequest where !hasID:
            return getSPInfo(document, element, into: &writer)
        case .versionDiscoveryRequest: return discoverVersions(into: &writer)
        default: break
        }
        guard let slot else { throw Refusal(.invalidSession) }
        try admit(primitive, in: slot)

        switch primitive {
        case .loginRequest, .versionDiscoveryRequest: break
        case .logoutRequest: logout(request, in: slot, &turn, into: &writer)
        case .keepAliveRequest: keepAlive(document, element, in: slot, turn.now, into: &writer)
        case .clientCapabilityRequest: try clientCapability(document, request, element, in: slot, into: &writer)
        case .serviceRequest: try service(document, request, element, in: slot, into: &writer)
        case .getSPInfoRequest: getSPInfo(document, element, into: &writer)
        case .sendMessageRequest: try sendMessage(document, request, element, in: slot, &turn, into: &writer)
        case .messageDelivered: try messageDelivered(document, element, in: slot, &turn, into: &writer)
        case .getMessageRequest: try getMessage(document, element, in: slot, &turn, into: &writer)
        case .getMessageListRequest: try getMessageList(document, element, in: slot, &turn, into: &writer)
        case .rejectMessageRequest: try rejectMessage(document, request, element, in: slot, &turn, into: &writer)
        case .forwardMessageRequest: try forwardMessage(document, request, element, in: slot, &turn, into: &writer)
        case .setDeliveryMethodRequest: try setDeliveryMethod(document, element, in: slot, into: &writer)

        // A poll is answered with a server transaction: as any other Request it asks for nothing.
        case .pollingRequest: throw Refusal(.badRequest)
        // Some clients close a server transaction with a Status of their own, and stop without an answer to it. CL-32.
        case .status: writer.status(.success)

        case .getListRequest: getList(into: &writer)
        case .getPresenceRequest: try getPresence(document, element, in: slot, into: &writer)
        case .updatePresenceRequest: try updatePresence(document, element, into: &writer)
        case .getBlockedListRequest: getBlockedList(request, into: &writer)

        case .systemMessageUser: try systemMessageUser(document, request, element, in: slot, &turn, into: &writer)

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

    /// Whether the level and what was agreed have the function of a primitive.
    func isAgreed(_ primitive: Primitive, in slot: UInt16) -> Bool {
        primitive.requirement.isMet(by: offeredFunctions.intersection(sessions[slot].level))
            && (!sessions[slot].isServiceAgreed || primitive.requirement.isMet(by: sessions[slot].functions))
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
    private mutating func admit(_ primitive: Primitive, in slot: UInt16) throws(Refusal) {
        if sessions[slot].closing != 0 {
            throw Refusal(StatusCode(rawValue: sessions[slot].closing) ?? .forcedLogout)
        }
        switch primitive {
        case .getSegmentRequest, .dropSegmentRequest, .extendConversationRequest, .getMapRequest:
            throw Refusal(.notImplemented)
        default: break
        }
        if isPartOfLogin(primitive) {
            sessions[slot].isReady = true
            return
        }
        guard primitive.requirement.isMet(by: offeredFunctions) else { throw Refusal(.serviceNotSupported) }
        if sessions[slot].isRestricted {
            try admitRestricted(primitive, asksByMessage: sessions[slot].asksByMessage)
        }
        guard mayAnswer(by: primitive, in: slot) || isAgreed(primitive, in: slot) else {
            throw Refusal(.serviceNotAgreed)
        }
        switch primitive {
        // Negotiation is not use: deliveries wait for the end of it.
        case .clientCapabilityRequest, .getSPInfoRequest, .keepAliveRequest, .logoutRequest: break
        default: sessions[slot].isReady = true
        }
    }
}
