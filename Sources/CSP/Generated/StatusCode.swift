// Made by `make tables` from Sources/CSP/Tables/status-codes.tsv. Do not edit.

/// What a Result says. Source: protocol/session.md §9.
public enum StatusCode: UInt16, Sendable {
    /// 100: continue.
    case `continue` = 100
    /// 101: queued.
    case queued = 101
    /// 102: started.
    case started = 102
    /// 200: success.
    case success = 200
    /// 201: partial success.
    case partialSuccess = 201
    /// 202: accepted.
    case accepted = 202
    /// 400: bad request.
    case badRequest = 400
    /// 401: unauthorized.
    case unauthorized = 401
    /// 402: bad parameter.
    case badParameter = 402
    /// 403: forbidden.
    case forbidden = 403
    /// 404: not found.
    case notFound = 404
    /// 405: service not supported.
    case serviceNotSupported = 405
    /// 408: request timeout.
    case requestTimeout = 408
    /// 409: invalid password.
    case invalidPassword = 409
    /// 410: unable to deliver.
    case unableToDeliver = 410
    /// 415: unsupported media type.
    case unsupportedMediaType = 415
    /// 420: invalid transaction id.
    case invalidTransactionID = 420
    /// 422: user id and client id do not match.
    case userIDAndClientIDDoNotMatch = 422
    /// 423: invalid invitation id.
    case invalidInvitationID = 423
    /// 424: invalid search id.
    case invalidSearchID = 424
    /// 425: invalid search index.
    case invalidSearchIndex = 425
    /// 426: invalid message id.
    case invalidMessageID = 426
    /// 431: unauthorized group membership.
    case unauthorizedGroupMembership = 431
    /// 432: response too large.
    case responseTooLarge = 432
    /// 500: internal server error.
    case internalServerError = 500
    /// 501: not implemented.
    case notImplemented = 501
    /// 502: could not recover session.
    case couldNotRecoverSession = 502
    /// 503: service unavailable.
    case serviceUnavailable = 503
    /// 504: timeout.
    case timeout = 504
    /// 505: version not supported.
    case versionNotSupported = 505
    /// 506: service not agreed.
    case serviceNotAgreed = 506
    /// 507: message queue full.
    case messageQueueFull = 507
    /// 516: domain not supported.
    case domainNotSupported = 516
    /// 521: unresponded presence request.
    case unrespondedPresenceRequest = 521
    /// 522: unresponded group request.
    case unrespondedGroupRequest = 522
    /// 531: unknown user.
    case unknownUser = 531
    /// 532: recipient blocked the sender.
    case recipientBlockedTheSender = 532
    /// 533: recipient not logged in.
    case recipientNotLoggedIn = 533
    /// 534: recipient unauthorized.
    case recipientUnauthorized = 534
    /// 535: search timed out.
    case searchTimedOut = 535
    /// 536: too many hits.
    case tooManyHits = 536
    /// 537: too broad search criteria.
    case tooBroadSearchCriteria = 537
    /// 538: message rejected.
    case messageRejected = 538
    /// 540: header encoding not supported.
    case headerEncodingNotSupported = 540
    /// 541: message forwarded.
    case messageForwarded = 541
    /// 542: message expired.
    case messageExpired = 542
    /// 543: no matching digest schema.
    case noMatchingDigestSchema = 543
    /// 600: session expired.
    case sessionExpired = 600
    /// 601: forced logout.
    case forcedLogout = 601
    /// 603: already logged in.
    case alreadyLoggedIn = 603
    /// 604: invalid session / not logged in.
    case invalidSession = 604
    /// 605: new value not accepted.
    case newValueNotAccepted = 605
    /// 700: contact list does not exist.
    case contactListDoesNotExist = 700
    /// 701: contact list already exists.
    case contactListAlreadyExists = 701
    /// 702: invalid or unsupported user properties.
    case invalidOrUnsupportedUserProperties = 702
    /// 750: invalid or unsupported presence attribute.
    case invalidOrUnsupportedPresenceAttribute = 750
    /// 751: invalid or unsupported presence value.
    case invalidOrUnsupportedPresenceValue = 751
    /// 752: invalid or unsupported contact list property.
    case invalidOrUnsupportedContactListProperty = 752
    /// 753: maximum number of contact lists reached.
    case maximumNumberOfContactListsReached = 753
    /// 754: maximum number of contacts reached.
    case maximumNumberOfContactsReached = 754
    /// 755: maximum number of attribute lists reached.
    case maximumNumberOfAttributeListsReached = 755
    /// 760: automatic subscription not supported.
    case automaticSubscriptionNotSupported = 760
    /// 800: group does not exist.
    case groupDoesNotExist = 800
    /// 801: group already exists.
    case groupAlreadyExists = 801
    /// 802: group is open.
    case groupIsOpen = 802
    /// 803: group is restricted.
    case groupIsRestricted = 803
    /// 804: group is public.
    case groupIsPublic = 804
    /// 805: group is private.
    case groupIsPrivate = 805
    /// 806: invalid or unsupported group properties.
    case invalidOrUnsupportedGroupProperties = 806
    /// 807: group is already joined.
    case groupIsAlreadyJoined = 807
    /// 808: group is not joined.
    case groupIsNotJoined = 808
    /// 809: user has been rejected.
    case userHasBeenRejected = 809
    /// 810: not a group member.
    case notAGroupMember = 810
    /// 811: screen name already in use.
    case screenNameAlreadyInUse = 811
    /// 812: private messaging disabled for the group.
    case privateMessagingDisabledForTheGroup = 812
    /// 813: private messaging disabled for the user.
    case privateMessagingDisabledForTheUser = 813
    /// 814: maximum number of groups for the user.
    case maximumNumberOfGroupsForTheUser = 814
    /// 815: maximum number of groups for the server.
    case maximumNumberOfGroupsForTheServer = 815
    /// 816: insufficient group privileges.
    case insufficientGroupPrivileges = 816
    /// 817: maximum number of joined users.
    case maximumNumberOfJoinedUsers = 817
    /// 821: history not supported.
    case historyNotSupported = 821
    /// 822: cannot have searchable group without name or topic.
    case cannotHaveSearchableGroupWithoutNameOrTopic = 822
    /// 900: multiple errors.
    case multipleErrors = 900
    /// 901: general address error.
    case generalAddressError = 901
    /// 902: not enough credit.
    case notEnoughCredit = 902
    /// 903: operation needs a higher class of service.
    case operationNeedsAHigherClassOfService = 903
    /// 920: MSISDN error.
    case msisdnError = 920
}

extension StatusCode {
    /// The meaning in words, as a Description for people.
    public var meaning: StaticString {
        switch self {
        case .`continue`: return "continue"
        case .queued: return "queued"
        case .started: return "started"
        case .success: return "success"
        case .partialSuccess: return "partial success"
        case .accepted: return "accepted"
        case .badRequest: return "bad request"
        case .unauthorized: return "unauthorized"
        case .badParameter: return "bad parameter"
        case .forbidden: return "forbidden"
        case .notFound: return "not found"
        case .serviceNotSupported: return "service not supported"
        case .requestTimeout: return "request timeout"
        case .invalidPassword: return "invalid password"
        case .unableToDeliver: return "unable to deliver"
        case .unsupportedMediaType: return "unsupported media type"
        case .invalidTransactionID: return "invalid transaction id"
        case .userIDAndClientIDDoNotMatch: return "user id and client id do not match"
        case .invalidInvitationID: return "invalid invitation id"
        case .invalidSearchID: return "invalid search id"
        case .invalidSearchIndex: return "invalid search index"
        case .invalidMessageID: return "invalid message id"
        case .unauthorizedGroupMembership: return "unauthorized group membership"
        case .responseTooLarge: return "response too large"
        case .internalServerError: return "internal server error"
        case .notImplemented: return "not implemented"
        case .couldNotRecoverSession: return "could not recover session"
        case .serviceUnavailable: return "service unavailable"
        case .timeout: return "timeout"
        case .versionNotSupported: return "version not supported"
        case .serviceNotAgreed: return "service not agreed"
        case .messageQueueFull: return "message queue full"
        case .domainNotSupported: return "domain not supported"
        case .unrespondedPresenceRequest: return "unresponded presence request"
        case .unrespondedGroupRequest: return "unresponded group request"
        case .unknownUser: return "unknown user"
        case .recipientBlockedTheSender: return "recipient blocked the sender"
        case .recipientNotLoggedIn: return "recipient not logged in"
        case .recipientUnauthorized: return "recipient unauthorized"
        case .searchTimedOut: return "search timed out"
        case .tooManyHits: return "too many hits"
        case .tooBroadSearchCriteria: return "too broad search criteria"
        case .messageRejected: return "message rejected"
        case .headerEncodingNotSupported: return "header encoding not supported"
        case .messageForwarded: return "message forwarded"
        case .messageExpired: return "message expired"
        case .noMatchingDigestSchema: return "no matching digest schema"
        case .sessionExpired: return "session expired"
        case .forcedLogout: return "forced logout"
        case .alreadyLoggedIn: return "already logged in"
        case .invalidSession: return "invalid session / not logged in"
        case .newValueNotAccepted: return "new value not accepted"
        case .contactListDoesNotExist: return "contact list does not exist"
        case .contactListAlreadyExists: return "contact list already exists"
        case .invalidOrUnsupportedUserProperties: return "invalid or unsupported user properties"
        case .invalidOrUnsupportedPresenceAttribute: return "invalid or unsupported presence attribute"
        case .invalidOrUnsupportedPresenceValue: return "invalid or unsupported presence value"
        case .invalidOrUnsupportedContactListProperty: return "invalid or unsupported contact list property"
        case .maximumNumberOfContactListsReached: return "maximum number of contact lists reached"
        case .maximumNumberOfContactsReached: return "maximum number of contacts reached"
        case .maximumNumberOfAttributeListsReached: return "maximum number of attribute lists reached"
        case .automaticSubscriptionNotSupported: return "automatic subscription not supported"
        case .groupDoesNotExist: return "group does not exist"
        case .groupAlreadyExists: return "group already exists"
        case .groupIsOpen: return "group is open"
        case .groupIsRestricted: return "group is restricted"
        case .groupIsPublic: return "group is public"
        case .groupIsPrivate: return "group is private"
        case .invalidOrUnsupportedGroupProperties: return "invalid or unsupported group properties"
        case .groupIsAlreadyJoined: return "group is already joined"
        case .groupIsNotJoined: return "group is not joined"
        case .userHasBeenRejected: return "user has been rejected"
        case .notAGroupMember: return "not a group member"
        case .screenNameAlreadyInUse: return "screen name already in use"
        case .privateMessagingDisabledForTheGroup: return "private messaging disabled for the group"
        case .privateMessagingDisabledForTheUser: return "private messaging disabled for the user"
        case .maximumNumberOfGroupsForTheUser: return "maximum number of groups for the user"
        case .maximumNumberOfGroupsForTheServer: return "maximum number of groups for the server"
        case .insufficientGroupPrivileges: return "insufficient group privileges"
        case .maximumNumberOfJoinedUsers: return "maximum number of joined users"
        case .historyNotSupported: return "history not supported"
        case .cannotHaveSearchableGroupWithoutNameOrTopic: return "cannot have searchable group without name or topic"
        case .multipleErrors: return "multiple errors"
        case .generalAddressError: return "general address error"
        case .notEnoughCredit: return "not enough credit"
        case .operationNeedsAHigherClassOfService: return "operation needs a higher class of service"
        case .msisdnError: return "MSISDN error"
        }
    }
}
