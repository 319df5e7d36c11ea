import Wire

/// What a transaction of a client carries. Source: protocol/primitives.md.
public enum Primitive: UInt8, Sendable {
    // Access
    case loginRequest, logoutRequest, keepAliveRequest, clientCapabilityRequest, serviceRequest, getSPInfoRequest
    case pollingRequest, status, extendedRequest, versionDiscoveryRequest
    // Contact lists and attribute lists
    case getListRequest, createListRequest, deleteListRequest, listManageRequest
    case createAttributeListRequest, deleteAttributeListRequest, getAttributeListRequest
    // Presence
    case subscribePresenceRequest, unsubscribePresenceRequest, getPresenceRequest, updatePresenceRequest
    case getWatcherListRequest, presenceAuthUser, cancelAuthRequest, getReactiveAuthStatusRequest
    // Messages
    case sendMessageRequest, messageDelivered, getMessageRequest, getMessageListRequest, rejectMessageRequest
    case forwardMessageRequest, setDeliveryMethodRequest, getBlockedListRequest, blockEntityRequest
    // Groups
    case createGroupRequest, deleteGroupRequest, joinGroupRequest, leaveGroupRequest, getGroupMembersRequest
    case getJoinedUsersRequest, addGroupMembersRequest, removeGroupMembersRequest, memberAccessRequest
    case getGroupPropsRequest, setGroupPropsRequest, rejectListRequest, subscribeGroupNoticeRequest
    // Invitations, search, verification
    case inviteRequest, inviteUserResponse, cancelInviteRequest, searchRequest, stopSearchRequest, verifyIDRequest
    // 1.3 only
    case systemMessageUser, subscribeNotificationRequest, unsubscribeNotificationRequest
    case getPublicProfileRequest, updatePublicProfileRequest, getSegmentRequest, dropSegmentRequest
    case extendConversationRequest, getMapRequest

    /// The primitive that an element carries; nil when it is none that a client sends.
    public init?(_ tag: Tag) {
        for index in PrimitiveTable.rows.indices where PrimitiveTable.rows[index].tag == tag {
            self = PrimitiveTable.rows[index].primitive
            return
        }
        return nil
    }

    /// What must have been agreed before the primitive may be used. Source: protocol/session.md §7.3.
    public var requirement: Requirement {
        switch self {
        case .loginRequest, .logoutRequest, .keepAliveRequest, .clientCapabilityRequest, .serviceRequest,
            .pollingRequest, .status, .messageDelivered:
            return .nothing
        case .extendedRequest, .versionDiscoveryRequest, .systemMessageUser, .getPublicProfileRequest,
            .updatePublicProfileRequest, .subscribeNotificationRequest, .unsubscribeNotificationRequest:
            return .nothing
        case .getSPInfoRequest: return .function(.getspi)
        case .getListRequest: return .function(.gcli)
        case .createListRequest: return .function(.ccli)
        case .deleteListRequest: return .function(.dcli)
        case .listManageRequest: return .function(.mcls)
        // 1.3 has no functions for these, and has the primitives. Source: protocol/primitives.md §3, rule 6.
        case .createAttributeListRequest, .deleteAttributeListRequest, .getAttributeListRequest:
            return .feature(.presenceFeat)
        case .presenceAuthUser, .cancelAuthRequest: return .feature(.presenceFeat)
        case .subscribePresenceRequest, .unsubscribePresenceRequest, .getPresenceRequest: return .function(.getpr)
        case .updatePresenceRequest: return .function(.updpr)
        case .getWatcherListRequest: return .function(.getwl)
        case .getReactiveAuthStatusRequest: return .function(.getaut)
        case .sendMessageRequest: return .feature(.imFeat)
        case .getMessageRequest: return .function(.getm)
        case .getMessageListRequest: return .function(.getlm)
        case .rejectMessageRequest: return .function(.rejcm)
        case .forwardMessageRequest: return .function(.fwmsg)
        case .setDeliveryMethodRequest: return .function(.setd)
        case .getBlockedListRequest: return .function(.glblu)
        case .blockEntityRequest: return .function(.blent)
        case .createGroupRequest: return .function(.creag)
        case .deleteGroupRequest: return .function(.delgr)
        case .joinGroupRequest, .leaveGroupRequest: return .feature(.groupFeat)
        case .getGroupMembersRequest: return .function(.getgm)
        case .getJoinedUsersRequest: return .function(.getju)
        case .addGroupMembersRequest: return .function(.addgm)
        case .removeGroupMembersRequest: return .function(.rmvgm)
        case .memberAccessRequest: return .function(.mbrac)
        case .getGroupPropsRequest: return .function(.getgp)
        case .setGroupPropsRequest: return .function(.setgp)
        case .rejectListRequest: return .function(.rejec)
        case .subscribeGroupNoticeRequest: return .function(.subgcn)
        case .inviteRequest, .inviteUserResponse: return .function(.invit)
        case .cancelInviteRequest: return .function(.cainv)
        case .searchRequest: return .function(.srch)
        case .stopSearchRequest: return .function(.stsrc)
        case .verifyIDRequest: return .function(.vrid)
        case .getSegmentRequest, .dropSegmentRequest: return .function(.sgmnt)
        case .extendConversationRequest: return .function(.excon)
        case .getMapRequest: return .function(.getmap)
        }
    }
}

/// What service negotiation must have granted.
public enum Requirement: Sendable {
    /// Always allowed in a session.
    case nothing
    /// One function.
    case function(Function)
    /// The feature as such: any of its functions.
    case feature(Tag)

    /// True when `functions` grant it.
    public func isMet(by functions: FunctionSet) -> Bool {
        switch self {
        case .nothing: return true
        case .function(let function): return functions.contains(function)
        case .feature(let tag): return !functions.intersection(.below(tag)).isEmpty
        }
    }
}

private struct PrimitiveRow: Sendable {
    let tag: Tag
    let primitive: Primitive

    init(_ tag: Tag, _ primitive: Primitive) {
        self.tag = tag
        self.primitive = primitive
    }
}

extension Primitive {
    /// Somebody of another server may be named in it for the first time.
    public var namesPeople: Bool {
        self == .sendMessageRequest || self == .forwardMessageRequest || self == .createListRequest
            || self == .listManageRequest || self == .subscribePresenceRequest || self == .createAttributeListRequest
    }
}

private enum PrimitiveTable {
    /// The most frequent come first: the table is searched from the front.
    static let rows: InlineArray<62, PrimitiveRow> = [
        PrimitiveRow(.pollingRequest, .pollingRequest),
        PrimitiveRow(.sendMessageRequest, .sendMessageRequest),
        PrimitiveRow(.messageDelivered, .messageDelivered),
        PrimitiveRow(.status, .status),
        PrimitiveRow(.keepAliveRequest, .keepAliveRequest),
        PrimitiveRow(.loginRequest, .loginRequest),
        PrimitiveRow(.logoutRequest, .logoutRequest),
        PrimitiveRow(.clientCapabilityRequest, .clientCapabilityRequest),
        PrimitiveRow(.serviceRequest, .serviceRequest),
        PrimitiveRow(.getSPInfoRequest, .getSPInfoRequest),
        PrimitiveRow(.extendedRequest, .extendedRequest),
        PrimitiveRow(.wvCSPVersionDiscoveryRequest, .versionDiscoveryRequest),
        PrimitiveRow(.getListRequest, .getListRequest),
        PrimitiveRow(.createListRequest, .createListRequest),
        PrimitiveRow(.deleteListRequest, .deleteListRequest),
        PrimitiveRow(.listManageRequest, .listManageRequest),
        PrimitiveRow(.createAttributeListRequest, .createAttributeListRequest),
        PrimitiveRow(.deleteAttributeListRequest, .deleteAttributeListRequest),
        PrimitiveRow(.getAttributeListRequest, .getAttributeListRequest),
        PrimitiveRow(.subscribePresenceRequest, .subscribePresenceRequest),
        PrimitiveRow(.unsubscribePresenceRequest, .unsubscribePresenceRequest),
        PrimitiveRow(.getPresenceRequest, .getPresenceRequest),
        PrimitiveRow(.updatePresenceRequest, .updatePresenceRequest),
        PrimitiveRow(.getWatcherListRequest, .getWatcherListRequest),
        PrimitiveRow(.presenceAuthUser, .presenceAuthUser),
        PrimitiveRow(.cancelAuthRequest, .cancelAuthRequest),
        PrimitiveRow(.getReactiveAuthStatusRequest, .getReactiveAuthStatusRequest),
        PrimitiveRow(.getMessageRequest, .getMessageRequest),
        PrimitiveRow(.getMessageListRequest, .getMessageListRequest),
        PrimitiveRow(.rejectMessageRequest, .rejectMessageRequest),
        PrimitiveRow(.forwardMessageRequest, .forwardMessageRequest),
        PrimitiveRow(.setDeliveryMethodRequest, .setDeliveryMethodRequest),
        PrimitiveRow(.getBlockedListRequest, .getBlockedListRequest),
        PrimitiveRow(.blockEntityRequest, .blockEntityRequest),
        PrimitiveRow(.createGroupRequest, .createGroupRequest),
        PrimitiveRow(.deleteGroupRequest, .deleteGroupRequest),
        PrimitiveRow(.joinGroupRequest, .joinGroupRequest),
        PrimitiveRow(.leaveGroupRequest, .leaveGroupRequest),
        PrimitiveRow(.getGroupMembersRequest, .getGroupMembersRequest),
        PrimitiveRow(.getJoinedUsersRequest, .getJoinedUsersRequest),
        PrimitiveRow(.addGroupMembersRequest, .addGroupMembersRequest),
        PrimitiveRow(.removeGroupMembersRequest, .removeGroupMembersRequest),
        PrimitiveRow(.memberAccessRequest, .memberAccessRequest),
        PrimitiveRow(.getGroupPropsRequest, .getGroupPropsRequest),
        PrimitiveRow(.setGroupPropsRequest, .setGroupPropsRequest),
        PrimitiveRow(.rejectListRequest, .rejectListRequest),
        PrimitiveRow(.subscribeGroupNoticeRequest, .subscribeGroupNoticeRequest),
        PrimitiveRow(.inviteRequest, .inviteRequest),
        PrimitiveRow(.inviteUserResponse, .inviteUserResponse),
        PrimitiveRow(.cancelInviteRequest, .cancelInviteRequest),
        PrimitiveRow(.searchRequest, .searchRequest),
        PrimitiveRow(.stopSearchRequest, .stopSearchRequest),
        PrimitiveRow(.verifyIDRequest, .verifyIDRequest),
        PrimitiveRow(.systemMessageUser, .systemMessageUser),
        PrimitiveRow(.subscribeNotificationRequest, .subscribeNotificationRequest),
        PrimitiveRow(.unsubscribeNotificationRequest, .unsubscribeNotificationRequest),
        PrimitiveRow(.getPublicProfileRequest, .getPublicProfileRequest),
        PrimitiveRow(.updatePublicProfileRequest, .updatePublicProfileRequest),
        PrimitiveRow(.getSegmentRequest, .getSegmentRequest),
        PrimitiveRow(.dropSegmentRequest, .dropSegmentRequest),
        PrimitiveRow(.extendConversationRequest, .extendConversationRequest),
        PrimitiveRow(.getMapRequest, .getMapRequest),
    ]
}
