import CSP
import Octets
import Wire

/// What the gate in front of the table has to know of a primitive, besides the functions that have to be agreed for it.
struct Admission: BitwiseCopyable {
    private let rawValue: UInt8

    private init(_ rawValue: UInt8) { self.rawValue = rawValue }

    static var none: Admission { Admission(0) }
    /// 1.3 has it, and this server has not.
    static var beyond: Admission { Admission(1) }
    /// What clients ask and say of themselves right after each login, whatever was agreed. A refusal stops some of them,
    /// and A shows no message before it knows its contact lists. Source: CL-1, CL-2, CL-4 to CL-6.
    static var partOfLogin: Admission { Admission(2) }
    /// A message of the system address is for everybody, whatever his level is: it may ask something. The handlers see
    /// to it that it is no other.
    static var answers: Admission { Admission(4) }
    /// It is open before a question is answered; to a client that is asked by a message, and answers so, more is.
    ///
    /// - Source: protocol/system-message.md §4.6, §5.3.
    static var whileAsked: Admission { Admission(8) }
    static var whileAskedByMessage: Admission { Admission(16) }
    /// Negotiation is not use: deliveries wait for the end of it.
    static var negotiates: Admission { Admission(32) }
    /// Somebody did something, and not a client by itself: what it reads, subscribes to and negotiates at each login is
    /// nobody's error. Source: CL-22.
    static var ofUser: Admission { Admission(64) }

    func and(_ other: Admission) -> Admission { Admission(rawValue | other.rawValue) }

    func has(_ other: Admission) -> Bool { rawValue & other.rawValue != 0 }
}

extension Primitive {
    var admission: Admission {
        switch self {
        case .loginRequest, .versionDiscoveryRequest, .pollingRequest, .status, .extendedRequest,
            .subscribeNotificationRequest, .unsubscribeNotificationRequest, .getPublicProfileRequest,
            .getMessageListRequest, .setDeliveryMethodRequest, .getAttributeListRequest, .deleteAttributeListRequest,
            .unsubscribePresenceRequest, .getWatcherListRequest, .presenceAuthUser, .cancelAuthRequest,
            .getReactiveAuthStatusRequest, .getGroupMembersRequest, .getJoinedUsersRequest,
            .getGroupPropsRequest, .subscribeGroupNoticeRequest, .stopSearchRequest, .verifyIDRequest:
            return .none
        case .logoutRequest, .keepAliveRequest: return .whileAsked.and(.negotiates)
        case .clientCapabilityRequest, .getSPInfoRequest: return .whileAskedByMessage.and(.negotiates)
        // A reads its lists and subscribes to them at each login, and not again when the question is answered. Source: CL-1.
        case .serviceRequest, .subscribePresenceRequest: return .whileAskedByMessage
        case .listManageRequest: return .whileAskedByMessage.and(.ofUser)
        case .systemMessageUser: return .whileAsked
        case .sendMessageRequest: return .answers.and(.whileAsked).and(.ofUser)
        case .messageDelivered, .getMessageRequest: return .answers.and(.whileAsked)
        case .getListRequest, .getPresenceRequest, .updatePresenceRequest, .getBlockedListRequest: return .partOfLogin
        case .getSegmentRequest, .dropSegmentRequest, .getMapRequest: return .beyond
        case .extendConversationRequest: return .beyond.and(.ofUser)
        case .forwardMessageRequest, .rejectMessageRequest, .createListRequest, .deleteListRequest,
            .createAttributeListRequest, .blockEntityRequest, .createGroupRequest, .deleteGroupRequest,
            .joinGroupRequest, .leaveGroupRequest, .addGroupMembersRequest, .removeGroupMembersRequest,
            .memberAccessRequest, .setGroupPropsRequest, .rejectListRequest, .inviteRequest, .inviteUserResponse,
            .cancelInviteRequest, .searchRequest, .updatePublicProfileRequest:
            return .ofUser
        }
    }
}

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

    /// Whether a client has been silent for a while since it negotiated, as one that lets others look whether something
    /// waits.
    private func isAtRest(_ slot: UInt16) -> Bool {
        table[slot].hasCapabilities && table[slot].calling.agreedAt.adding(seconds: 2) <= table[slot].lastSeen
    }

    /// Whether a session may use a primitive now.
    ///
    /// - Throws: the code of the Disconnect when the session is over, 501 for what 1.3 has beyond this server, 405 for a
    ///   function that is not offered, 403 before a question is answered, 506 for one that was not agreed.
    /// - Source: protocol/session.md §7, rule 4; protocol/primitives.md §11.
    mutating func admit(_ primitive: Primitive, in slot: UInt16) throws(Refusal) {
        if table[slot].closing != 0 {
            throw Refusal(StatusCode(rawValue: table[slot].closing) ?? .forcedLogout)
        }
        let admission = primitive.admission
        // What another service has beyond this one is its own matter.
        let isOwn = !table[slot].isRelayed
        if isOwn, admission.has(.beyond) { throw Refusal(.notImplemented) }
        if !admission.has(.partOfLogin) {
            guard !isOwn || primitive.requirement.isMet(by: FunctionSet.offered) else {
                throw Refusal(.serviceNotSupported)
            }
            if table[slot].access.isRestricted {
                let asksByMessage = table[slot].access.asksByMessage
                guard admission.has(.whileAsked) || asksByMessage && admission.has(.whileAskedByMessage) else {
                    throw Refusal(.forbidden, "first answer the message from the system")
                }
            } else if !admission.has(.answers), !isAgreed(primitive, in: slot) {
                throw Refusal(.serviceNotAgreed)
            }
        }
        if !admission.has(.negotiates) || primitive == .keepAliveRequest && isAtRest(slot) {
            table[slot].isReady = true
        }
    }
}
