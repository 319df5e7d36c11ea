// Made by `make tables` from Sources/Wire/Tables. Do not edit.

extension Tag {
    /// `ADDGM`
    public static var addgm: Tag { Tag(rawValue: 1) }
    /// `ADVSR`
    public static var advsr: Tag { Tag(rawValue: 2) }
    /// `APIClient`
    public static var apiClient: Tag { Tag(rawValue: 3) }
    /// `Acceptance`
    public static var acceptance: Tag { Tag(rawValue: 4) }
    /// `AcceptedCharSet`
    public static var acceptedCharSet: Tag { Tag(rawValue: 5) }
    /// `AcceptedContentLength`
    public static var acceptedContentLength: Tag { Tag(rawValue: 6) }
    /// `AcceptedContentType`
    public static var acceptedContentType: Tag { Tag(rawValue: 7) }
    /// `AcceptedPullLength`
    public static var acceptedPullLength: Tag { Tag(rawValue: 8) }
    /// `AcceptedPushLength`
    public static var acceptedPushLength: Tag { Tag(rawValue: 9) }
    /// `AcceptedRichContentLength`
    public static var acceptedRichContentLength: Tag { Tag(rawValue: 10) }
    /// `AcceptedTextContentLength`
    public static var acceptedTextContentLength: Tag { Tag(rawValue: 11) }
    /// `AcceptedTransferEncoding`
    public static var acceptedTransferEncoding: Tag { Tag(rawValue: 12) }
    /// `Accuracy`
    public static var accuracy: Tag { Tag(rawValue: 13) }
    /// `AddGroupMembers-Request`
    public static var addGroupMembersRequest: Tag { Tag(rawValue: 14) }
    /// `AddList`
    public static var addList: Tag { Tag(rawValue: 15) }
    /// `AddNickList`
    public static var addNickList: Tag { Tag(rawValue: 16) }
    /// `AddrPref`
    public static var addrPref: Tag { Tag(rawValue: 17) }
    /// `Address`
    public static var address: Tag { Tag(rawValue: 18) }
    /// `Admin`
    public static var admin: Tag { Tag(rawValue: 19) }
    /// `AdminMapList`
    public static var adminMapList: Tag { Tag(rawValue: 20) }
    /// `AdminMapping`
    public static var adminMapping: Tag { Tag(rawValue: 21) }
    /// `AdvancedCriteria`
    public static var advancedCriteria: Tag { Tag(rawValue: 22) }
    /// `AgreedCapabilityList`
    public static var agreedCapabilityList: Tag { Tag(rawValue: 23) }
    /// `Alias`
    public static var alias: Tag { Tag(rawValue: 24) }
    /// `AllFunctions`
    public static var allFunctions: Tag { Tag(rawValue: 25) }
    /// `AllFunctionsRequest`
    public static var allFunctionsRequest: Tag { Tag(rawValue: 26) }
    /// `Altitude`
    public static var altitude: Tag { Tag(rawValue: 27) }
    /// `AnswerOption`
    public static var answerOption: Tag { Tag(rawValue: 28) }
    /// `AnswerOptionID`
    public static var answerOptionID: Tag { Tag(rawValue: 29) }
    /// `AnswerOptionText`
    public static var answerOptionText: Tag { Tag(rawValue: 30) }
    /// `AnswerOptions`
    public static var answerOptions: Tag { Tag(rawValue: 31) }
    /// `AnswerOptionsText`
    public static var answerOptionsText: Tag { Tag(rawValue: 32) }
    /// `AnyContent`
    public static var anyContent: Tag { Tag(rawValue: 33) }
    /// `ApplicationID`
    public static var applicationID: Tag { Tag(rawValue: 34) }
    /// `AttListFunc`
    public static var attListFunc: Tag { Tag(rawValue: 35) }
    /// `AuthorizeAndGrant`
    public static var authorizeAndGrant: Tag { Tag(rawValue: 36) }
    /// `AutoSubscribe`
    public static var autoSubscribe: Tag { Tag(rawValue: 37) }
    /// `BLENT`
    public static var blent: Tag { Tag(rawValue: 38) }
    /// `BlockEntity-Request`
    public static var blockEntityRequest: Tag { Tag(rawValue: 39) }
    /// `BlockList`
    public static var blockList: Tag { Tag(rawValue: 40) }
    /// `BlockListInUse`
    public static var blockListInUse: Tag { Tag(rawValue: 41) }
    /// `Building`
    public static var building: Tag { Tag(rawValue: 42) }
    /// `CAAUT`
    public static var caaut: Tag { Tag(rawValue: 43) }
    /// `CAINV`
    public static var cainv: Tag { Tag(rawValue: 44) }
    /// `CALI`
    public static var cali: Tag { Tag(rawValue: 45) }
    /// `CCLI`
    public static var ccli: Tag { Tag(rawValue: 46) }
    /// `CIR`
    public static var cir: Tag { Tag(rawValue: 47) }
    /// `CIRHTTPAddress`
    public static var cirhttpAddress: Tag { Tag(rawValue: 48) }
    /// `CIRSMSAddress`
    public static var cirsmsAddress: Tag { Tag(rawValue: 49) }
    /// `CIRURL`
    public static var cirurl: Tag { Tag(rawValue: 50) }
    /// `CREAG`
    public static var creag: Tag { Tag(rawValue: 51) }
    /// `Caddr`
    public static var caddr: Tag { Tag(rawValue: 52) }
    /// `CancelAuth-Request`
    public static var cancelAuthRequest: Tag { Tag(rawValue: 53) }
    /// `CancelInvite-Request`
    public static var cancelInviteRequest: Tag { Tag(rawValue: 54) }
    /// `CancelInviteUser-Request`
    public static var cancelInviteUserRequest: Tag { Tag(rawValue: 55) }
    /// `Cap`
    public static var cap: Tag { Tag(rawValue: 56) }
    /// `Capability`
    public static var capability: Tag { Tag(rawValue: 57) }
    /// `CapabilityList`
    public static var capabilityList: Tag { Tag(rawValue: 58) }
    /// `CapabilityRequest`
    public static var capabilityRequest: Tag { Tag(rawValue: 59) }
    /// `ChosenOptionID`
    public static var chosenOptionID: Tag { Tag(rawValue: 60) }
    /// `City`
    public static var city: Tag { Tag(rawValue: 61) }
    /// `ClearPublicProfile`
    public static var clearPublicProfile: Tag { Tag(rawValue: 62) }
    /// `ClientCapability-Request`
    public static var clientCapabilityRequest: Tag { Tag(rawValue: 63) }
    /// `ClientCapability-Response`
    public static var clientCapabilityResponse: Tag { Tag(rawValue: 64) }
    /// `ClientContentLimit`
    public static var clientContentLimit: Tag { Tag(rawValue: 65) }
    /// `ClientID`
    public static var clientID: Tag { Tag(rawValue: 66) }
    /// `ClientIMPriority`
    public static var clientIMPriority: Tag { Tag(rawValue: 67) }
    /// `ClientInfo`
    public static var clientInfo: Tag { Tag(rawValue: 68) }
    /// `ClientProducer`
    public static var clientProducer: Tag { Tag(rawValue: 69) }
    /// `ClientType`
    public static var clientType: Tag { Tag(rawValue: 70) }
    /// `ClientVersion`
    public static var clientVersion: Tag { Tag(rawValue: 71) }
    /// `Cname`
    public static var cname: Tag { Tag(rawValue: 72) }
    /// `Code`
    public static var code: Tag { Tag(rawValue: 73) }
    /// `Color`
    public static var color: Tag { Tag(rawValue: 74) }
    /// `CommC`
    public static var commC: Tag { Tag(rawValue: 75) }
    /// `CommCap`
    public static var commCap: Tag { Tag(rawValue: 76) }
    /// `CompletionFlag`
    public static var completionFlag: Tag { Tag(rawValue: 77) }
    /// `ContListFunc`
    public static var contListFunc: Tag { Tag(rawValue: 78) }
    /// `Contact`
    public static var contact: Tag { Tag(rawValue: 79) }
    /// `ContactInfo`
    public static var contactInfo: Tag { Tag(rawValue: 80) }
    /// `ContactList`
    public static var contactList: Tag { Tag(rawValue: 81) }
    /// `ContactListIDList`
    public static var contactListIDList: Tag { Tag(rawValue: 82) }
    /// `ContactListNotify`
    public static var contactListNotify: Tag { Tag(rawValue: 83) }
    /// `ContactListProperties`
    public static var contactListProperties: Tag { Tag(rawValue: 84) }
    /// `ContainedvCard`
    public static var containedvCard: Tag { Tag(rawValue: 85) }
    /// `ContentData`
    public static var contentData: Tag { Tag(rawValue: 86) }
    /// `ContentEncoding`
    public static var contentEncoding: Tag { Tag(rawValue: 87) }
    /// `ContentName`
    public static var contentName: Tag { Tag(rawValue: 88) }
    /// `ContentPolicy`
    public static var contentPolicy: Tag { Tag(rawValue: 89) }
    /// `ContentPolicyLimit`
    public static var contentPolicyLimit: Tag { Tag(rawValue: 90) }
    /// `ContentSize`
    public static var contentSize: Tag { Tag(rawValue: 91) }
    /// `ContentType`
    public static var contentType: Tag { Tag(rawValue: 92) }
    /// `Country`
    public static var country: Tag { Tag(rawValue: 93) }
    /// `Cpriority`
    public static var cpriority: Tag { Tag(rawValue: 94) }
    /// `CreateAttributeList-Request`
    public static var createAttributeListRequest: Tag { Tag(rawValue: 95) }
    /// `CreateGroup-Request`
    public static var createGroupRequest: Tag { Tag(rawValue: 96) }
    /// `CreateList-Request`
    public static var createListRequest: Tag { Tag(rawValue: 97) }
    /// `CreateList-Response`
    public static var createListResponse: Tag { Tag(rawValue: 98) }
    /// `Crossing1`
    public static var crossing1: Tag { Tag(rawValue: 99) }
    /// `Crossing2`
    public static var crossing2: Tag { Tag(rawValue: 100) }
    /// `Cstatus`
    public static var cstatus: Tag { Tag(rawValue: 101) }
    /// `DALI`
    public static var dali: Tag { Tag(rawValue: 102) }
    /// `DCLI`
    public static var dcli: Tag { Tag(rawValue: 103) }
    /// `DELGR`
    public static var delgr: Tag { Tag(rawValue: 104) }
    /// `DateTime`
    public static var dateTime: Tag { Tag(rawValue: 105) }
    /// `DefaultAttributeList`
    public static var defaultAttributeList: Tag { Tag(rawValue: 106) }
    /// `DefaultContactList`
    public static var defaultContactList: Tag { Tag(rawValue: 107) }
    /// `DefaultLanguage`
    public static var defaultLanguage: Tag { Tag(rawValue: 108) }
    /// `DefaultList`
    public static var defaultList: Tag { Tag(rawValue: 109) }
    /// `DefaultNotify`
    public static var defaultNotify: Tag { Tag(rawValue: 110) }
    /// `DeleteAttributeList-Request`
    public static var deleteAttributeListRequest: Tag { Tag(rawValue: 111) }
    /// `DeleteGroup-Request`
    public static var deleteGroupRequest: Tag { Tag(rawValue: 112) }
    /// `DeleteList-Request`
    public static var deleteListRequest: Tag { Tag(rawValue: 113) }
    /// `DeliveryMethod`
    public static var deliveryMethod: Tag { Tag(rawValue: 114) }
    /// `DeliveryReport`
    public static var deliveryReport: Tag { Tag(rawValue: 115) }
    /// `DeliveryReport-Request`
    public static var deliveryReportRequest: Tag { Tag(rawValue: 116) }
    /// `DeliveryTime`
    public static var deliveryTime: Tag { Tag(rawValue: 117) }
    /// `Description`
    public static var description: Tag { Tag(rawValue: 118) }
    /// `DetailedResult`
    public static var detailedResult: Tag { Tag(rawValue: 119) }
    /// `DevManufacturer`
    public static var devManufacturer: Tag { Tag(rawValue: 120) }
    /// `DigestBytes`
    public static var digestBytes: Tag { Tag(rawValue: 121) }
    /// `DigestSchema`
    public static var digestSchema: Tag { Tag(rawValue: 122) }
    /// `DirectContent`
    public static var directContent: Tag { Tag(rawValue: 123) }
    /// `Disconnect`
    public static var disconnect: Tag { Tag(rawValue: 124) }
    /// `Domain`
    public static var domain: Tag { Tag(rawValue: 125) }
    /// `DropSegment-Request`
    public static var dropSegmentRequest: Tag { Tag(rawValue: 126) }
    /// `EXCON`
    public static var excon: Tag { Tag(rawValue: 127) }
    /// `EntityList`
    public static var entityList: Tag { Tag(rawValue: 128) }
    /// `ExtBlock`
    public static var extBlock: Tag { Tag(rawValue: 129) }
    /// `ExtBlockETEM`
    public static var extBlockETEM: Tag { Tag(rawValue: 130) }
    /// `ExtendConversation-Request`
    public static var extendConversationRequest: Tag { Tag(rawValue: 131) }
    /// `ExtendConversation-Response`
    public static var extendConversationResponse: Tag { Tag(rawValue: 132) }
    /// `ExtendConversationID`
    public static var extendConversationID: Tag { Tag(rawValue: 133) }
    /// `ExtendConversationUser`
    public static var extendConversationUser: Tag { Tag(rawValue: 134) }
    /// `Extended-Request`
    public static var extendedRequest: Tag { Tag(rawValue: 135) }
    /// `Extended-Response`
    public static var extendedResponse: Tag { Tag(rawValue: 136) }
    /// `ExtendedData`
    public static var extendedData: Tag { Tag(rawValue: 137) }
    /// `FWMSG`
    public static var fwmsg: Tag { Tag(rawValue: 138) }
    /// `Font`
    public static var font: Tag { Tag(rawValue: 139) }
    /// `ForwardMessage-Request`
    public static var forwardMessageRequest: Tag { Tag(rawValue: 140) }
    /// `ForwardMessage-Response`
    public static var forwardMessageResponse: Tag { Tag(rawValue: 141) }
    /// `FreeTextLocation`
    public static var freeTextLocation: Tag { Tag(rawValue: 142) }
    /// `FriendlyName`
    public static var friendlyName: Tag { Tag(rawValue: 143) }
    /// `Functions`
    public static var functions: Tag { Tag(rawValue: 144) }
    /// `FundamentalFeat`
    public static var fundamentalFeat: Tag { Tag(rawValue: 145) }
    /// `GALS`
    public static var gals: Tag { Tag(rawValue: 146) }
    /// `GCLI`
    public static var gcli: Tag { Tag(rawValue: 147) }
    /// `GETAUT`
    public static var getaut: Tag { Tag(rawValue: 148) }
    /// `GETGM`
    public static var getgm: Tag { Tag(rawValue: 149) }
    /// `GETGP`
    public static var getgp: Tag { Tag(rawValue: 150) }
    /// `GETJU`
    public static var getju: Tag { Tag(rawValue: 151) }
    /// `GETLM`
    public static var getlm: Tag { Tag(rawValue: 152) }
    /// `GETM`
    public static var getm: Tag { Tag(rawValue: 153) }
    /// `GETMAP`
    public static var getmap: Tag { Tag(rawValue: 154) }
    /// `GETPR`
    public static var getpr: Tag { Tag(rawValue: 155) }
    /// `GETSPI`
    public static var getspi: Tag { Tag(rawValue: 156) }
    /// `GETWL`
    public static var getwl: Tag { Tag(rawValue: 157) }
    /// `GLBLU`
    public static var glblu: Tag { Tag(rawValue: 158) }
    /// `GRCHN`
    public static var grchn: Tag { Tag(rawValue: 159) }
    /// `GeoLocation`
    public static var geoLocation: Tag { Tag(rawValue: 160) }
    /// `GetAttributeList-Request`
    public static var getAttributeListRequest: Tag { Tag(rawValue: 161) }
    /// `GetAttributeList-Response`
    public static var getAttributeListResponse: Tag { Tag(rawValue: 162) }
    /// `GetBlockedList-Request`
    public static var getBlockedListRequest: Tag { Tag(rawValue: 163) }
    /// `GetBlockedList-Response`
    public static var getBlockedListResponse: Tag { Tag(rawValue: 164) }
    /// `GetGroupMembers-Request`
    public static var getGroupMembersRequest: Tag { Tag(rawValue: 165) }
    /// `GetGroupMembers-Response`
    public static var getGroupMembersResponse: Tag { Tag(rawValue: 166) }
    /// `GetGroupProps-Request`
    public static var getGroupPropsRequest: Tag { Tag(rawValue: 167) }
    /// `GetGroupProps-Response`
    public static var getGroupPropsResponse: Tag { Tag(rawValue: 168) }
    /// `GetJoinedUsers-Request`
    public static var getJoinedUsersRequest: Tag { Tag(rawValue: 169) }
    /// `GetJoinedUsers-Response`
    public static var getJoinedUsersResponse: Tag { Tag(rawValue: 170) }
    /// `GetList-Request`
    public static var getListRequest: Tag { Tag(rawValue: 171) }
    /// `GetList-Response`
    public static var getListResponse: Tag { Tag(rawValue: 172) }
    /// `GetMap-Request`
    public static var getMapRequest: Tag { Tag(rawValue: 173) }
    /// `GetMap-Response`
    public static var getMapResponse: Tag { Tag(rawValue: 174) }
    /// `GetMessage-Request`
    public static var getMessageRequest: Tag { Tag(rawValue: 175) }
    /// `GetMessage-Response`
    public static var getMessageResponse: Tag { Tag(rawValue: 176) }
    /// `GetMessageList-Request`
    public static var getMessageListRequest: Tag { Tag(rawValue: 177) }
    /// `GetMessageList-Response`
    public static var getMessageListResponse: Tag { Tag(rawValue: 178) }
    /// `GetPresence-Request`
    public static var getPresenceRequest: Tag { Tag(rawValue: 179) }
    /// `GetPresence-Response`
    public static var getPresenceResponse: Tag { Tag(rawValue: 180) }
    /// `GetPublicProfile-Request`
    public static var getPublicProfileRequest: Tag { Tag(rawValue: 181) }
    /// `GetPublicProfile-Response`
    public static var getPublicProfileResponse: Tag { Tag(rawValue: 182) }
    /// `GetReactiveAuthStatus-Request`
    public static var getReactiveAuthStatusRequest: Tag { Tag(rawValue: 183) }
    /// `GetReactiveAuthStatus-Response`
    public static var getReactiveAuthStatusResponse: Tag { Tag(rawValue: 184) }
    /// `GetSPInfo-Request`
    public static var getSPInfoRequest: Tag { Tag(rawValue: 185) }
    /// `GetSPInfo-Response`
    public static var getSPInfoResponse: Tag { Tag(rawValue: 186) }
    /// `GetSegment-Request`
    public static var getSegmentRequest: Tag { Tag(rawValue: 187) }
    /// `GetSegment-Response`
    public static var getSegmentResponse: Tag { Tag(rawValue: 188) }
    /// `GetWatcherList-Request`
    public static var getWatcherListRequest: Tag { Tag(rawValue: 189) }
    /// `GetWatcherList-Response`
    public static var getWatcherListResponse: Tag { Tag(rawValue: 190) }
    /// `GrantList`
    public static var grantList: Tag { Tag(rawValue: 191) }
    /// `GrantListInUse`
    public static var grantListInUse: Tag { Tag(rawValue: 192) }
    /// `Group`
    public static var group: Tag { Tag(rawValue: 193) }
    /// `GroupAuthFunc`
    public static var groupAuthFunc: Tag { Tag(rawValue: 194) }
    /// `GroupChangeNotice`
    public static var groupChangeNotice: Tag { Tag(rawValue: 195) }
    /// `GroupContentLimit`
    public static var groupContentLimit: Tag { Tag(rawValue: 196) }
    /// `GroupFeat`
    public static var groupFeat: Tag { Tag(rawValue: 197) }
    /// `GroupID`
    public static var groupID: Tag { Tag(rawValue: 198) }
    /// `GroupList`
    public static var groupList: Tag { Tag(rawValue: 199) }
    /// `GroupMgmtFunc`
    public static var groupMgmtFunc: Tag { Tag(rawValue: 200) }
    /// `GroupProperties`
    public static var groupProperties: Tag { Tag(rawValue: 201) }
    /// `GroupUseFunc`
    public static var groupUseFunc: Tag { Tag(rawValue: 202) }
    /// `HistoryPeriod`
    public static var historyPeriod: Tag { Tag(rawValue: 203) }
    /// `IDList`
    public static var idList: Tag { Tag(rawValue: 204) }
    /// `IMAuthFunc`
    public static var imAuthFunc: Tag { Tag(rawValue: 205) }
    /// `IMFeat`
    public static var imFeat: Tag { Tag(rawValue: 206) }
    /// `IMReceiveFunc`
    public static var imReceiveFunc: Tag { Tag(rawValue: 207) }
    /// `IMSendFunc`
    public static var imSendFunc: Tag { Tag(rawValue: 208) }
    /// `INVIT`
    public static var invit: Tag { Tag(rawValue: 209) }
    /// `InText`
    public static var inText: Tag { Tag(rawValue: 210) }
    /// `InUse`
    public static var inUse: Tag { Tag(rawValue: 211) }
    /// `Inf_link`
    public static var infLink: Tag { Tag(rawValue: 212) }
    /// `InfoLink`
    public static var infoLink: Tag { Tag(rawValue: 213) }
    /// `InitialDeliveryMethod`
    public static var initialDeliveryMethod: Tag { Tag(rawValue: 214) }
    /// `Invite-Request`
    public static var inviteRequest: Tag { Tag(rawValue: 215) }
    /// `Invite-Response`
    public static var inviteResponse: Tag { Tag(rawValue: 216) }
    /// `InviteFunc`
    public static var inviteFunc: Tag { Tag(rawValue: 217) }
    /// `InviteID`
    public static var inviteID: Tag { Tag(rawValue: 218) }
    /// `InviteNote`
    public static var inviteNote: Tag { Tag(rawValue: 219) }
    /// `InviteType`
    public static var inviteType: Tag { Tag(rawValue: 220) }
    /// `InviteUser-Request`
    public static var inviteUserRequest: Tag { Tag(rawValue: 221) }
    /// `InviteUser-Response`
    public static var inviteUserResponse: Tag { Tag(rawValue: 222) }
    /// `JoinGroup`
    public static var joinGroup: Tag { Tag(rawValue: 223) }
    /// `JoinGroup-Request`
    public static var joinGroupRequest: Tag { Tag(rawValue: 224) }
    /// `JoinGroup-Response`
    public static var joinGroupResponse: Tag { Tag(rawValue: 225) }
    /// `Joined`
    public static var joined: Tag { Tag(rawValue: 226) }
    /// `JoinedBlocked`
    public static var joinedBlocked: Tag { Tag(rawValue: 227) }
    /// `JoinedRequest`
    public static var joinedRequest: Tag { Tag(rawValue: 228) }
    /// `KeepAlive-Request`
    public static var keepAliveRequest: Tag { Tag(rawValue: 229) }
    /// `KeepAlive-Response`
    public static var keepAliveResponse: Tag { Tag(rawValue: 230) }
    /// `KeepAliveTime`
    public static var keepAliveTime: Tag { Tag(rawValue: 231) }
    /// `Language`
    public static var language: Tag { Tag(rawValue: 232) }
    /// `Latitude`
    public static var latitude: Tag { Tag(rawValue: 233) }
    /// `LeaveGroup-Request`
    public static var leaveGroupRequest: Tag { Tag(rawValue: 234) }
    /// `LeaveGroup-Response`
    public static var leaveGroupResponse: Tag { Tag(rawValue: 235) }
    /// `Left`
    public static var left: Tag { Tag(rawValue: 236) }
    /// `LeftBlocked`
    public static var leftBlocked: Tag { Tag(rawValue: 237) }
    /// `Link`
    public static var link: Tag { Tag(rawValue: 238) }
    /// `ListManage-Request`
    public static var listManageRequest: Tag { Tag(rawValue: 239) }
    /// `ListManage-Response`
    public static var listManageResponse: Tag { Tag(rawValue: 240) }
    /// `Login-Request`
    public static var loginRequest: Tag { Tag(rawValue: 241) }
    /// `Login-Response`
    public static var loginResponse: Tag { Tag(rawValue: 242) }
    /// `Logo`
    public static var logo: Tag { Tag(rawValue: 243) }
    /// `Logout-Request`
    public static var logoutRequest: Tag { Tag(rawValue: 244) }
    /// `Longitude`
    public static var longitude: Tag { Tag(rawValue: 245) }
    /// `MBRAC`
    public static var mbrac: Tag { Tag(rawValue: 246) }
    /// `MCLS`
    public static var mcls: Tag { Tag(rawValue: 247) }
    /// `MDELIV`
    public static var mdeliv: Tag { Tag(rawValue: 248) }
    /// `MF`
    public static var mf: Tag { Tag(rawValue: 249) }
    /// `MG`
    public static var mg: Tag { Tag(rawValue: 250) }
    /// `MM`
    public static var mm: Tag { Tag(rawValue: 251) }
    /// `MP`
    public static var mp: Tag { Tag(rawValue: 252) }
    /// `MSISDN`
    public static var msisdn: Tag { Tag(rawValue: 253) }
    /// `Map`
    public static var map: Tag { Tag(rawValue: 254) }
    /// `Mapping`
    public static var mapping: Tag { Tag(rawValue: 255) }
    /// `MaxPullLength`
    public static var maxPullLength: Tag { Tag(rawValue: 256) }
    /// `MaxPushLength`
    public static var maxPushLength: Tag { Tag(rawValue: 257) }
    /// `MaxWatcherList`
    public static var maxWatcherList: Tag { Tag(rawValue: 258) }
    /// `MemberAccess-Request`
    public static var memberAccessRequest: Tag { Tag(rawValue: 259) }
    /// `MessageCount`
    public static var messageCount: Tag { Tag(rawValue: 260) }
    /// `MessageDelivered`
    public static var messageDelivered: Tag { Tag(rawValue: 261) }
    /// `MessageID`
    public static var messageID: Tag { Tag(rawValue: 262) }
    /// `MessageInfo`
    public static var messageInfo: Tag { Tag(rawValue: 263) }
    /// `MessageInfoList`
    public static var messageInfoList: Tag { Tag(rawValue: 264) }
    /// `MessageNotification`
    public static var messageNotification: Tag { Tag(rawValue: 265) }
    /// `MessageTotalCount`
    public static var messageTotalCount: Tag { Tag(rawValue: 266) }
    /// `MessageURI`
    public static var messageURI: Tag { Tag(rawValue: 267) }
    /// `Mod`
    public static var mod: Tag { Tag(rawValue: 268) }
    /// `ModMapping`
    public static var modMapping: Tag { Tag(rawValue: 269) }
    /// `Model`
    public static var model: Tag { Tag(rawValue: 270) }
    /// `MultiTrans`
    public static var multiTrans: Tag { Tag(rawValue: 271) }
    /// `MultiTransPerMessage`
    public static var multiTransPerMessage: Tag { Tag(rawValue: 272) }
    /// `NEWM`
    public static var newm: Tag { Tag(rawValue: 273) }
    /// `NOTIF`
    public static var notif: Tag { Tag(rawValue: 274) }
    /// `Name`
    public static var name: Tag { Tag(rawValue: 275) }
    /// `NamedArea`
    public static var namedArea: Tag { Tag(rawValue: 276) }
    /// `NewMessage`
    public static var newMessage: Tag { Tag(rawValue: 277) }
    /// `NickList`
    public static var nickList: Tag { Tag(rawValue: 278) }
    /// `NickName`
    public static var nickName: Tag { Tag(rawValue: 279) }
    /// `Nonce`
    public static var nonce: Tag { Tag(rawValue: 280) }
    /// `Note`
    public static var note: Tag { Tag(rawValue: 281) }
    /// `Notification-Request`
    public static var notificationRequest: Tag { Tag(rawValue: 282) }
    /// `NotificationType`
    public static var notificationType: Tag { Tag(rawValue: 283) }
    /// `NotificationTypeList`
    public static var notificationTypeList: Tag { Tag(rawValue: 284) }
    /// `OFFNOTIF`
    public static var offnotif: Tag { Tag(rawValue: 285) }
    /// `OfflineETEMHandling`
    public static var offlineETEMHandling: Tag { Tag(rawValue: 286) }
    /// `OnlineETEMHandling`
    public static var onlineETEMHandling: Tag { Tag(rawValue: 287) }
    /// `OnlineStatus`
    public static var onlineStatus: Tag { Tag(rawValue: 288) }
    /// `OtherServer`
    public static var otherServer: Tag { Tag(rawValue: 289) }
    /// `OwnProperties`
    public static var ownProperties: Tag { Tag(rawValue: 290) }
    /// `PLMN`
    public static var plmn: Tag { Tag(rawValue: 291) }
    /// `PairID`
    public static var pairID: Tag { Tag(rawValue: 292) }
    /// `ParserSize`
    public static var parserSize: Tag { Tag(rawValue: 293) }
    /// `Password`
    public static var password: Tag { Tag(rawValue: 294) }
    /// `PlainTextCharset`
    public static var plainTextCharset: Tag { Tag(rawValue: 295) }
    /// `Poll`
    public static var poll: Tag { Tag(rawValue: 296) }
    /// `Polling-Request`
    public static var pollingRequest: Tag { Tag(rawValue: 297) }
    /// `PrefC`
    public static var prefC: Tag { Tag(rawValue: 298) }
    /// `PreferredContacts`
    public static var preferredContacts: Tag { Tag(rawValue: 299) }
    /// `PreferredLanguage`
    public static var preferredLanguage: Tag { Tag(rawValue: 300) }
    /// `Presence`
    public static var presence: Tag { Tag(rawValue: 301) }
    /// `PresenceAttributeNSName`
    public static var presenceAttributeNSName: Tag { Tag(rawValue: 302) }
    /// `PresenceAuth-Request`
    public static var presenceAuthRequest: Tag { Tag(rawValue: 303) }
    /// `PresenceAuth-User`
    public static var presenceAuthUser: Tag { Tag(rawValue: 304) }
    /// `PresenceAuthFunc`
    public static var presenceAuthFunc: Tag { Tag(rawValue: 305) }
    /// `PresenceDeliverFunc`
    public static var presenceDeliverFunc: Tag { Tag(rawValue: 306) }
    /// `PresenceFeat`
    public static var presenceFeat: Tag { Tag(rawValue: 307) }
    /// `PresenceNotification-Request`
    public static var presenceNotificationRequest: Tag { Tag(rawValue: 308) }
    /// `PresenceSubList`
    public static var presenceSubList: Tag { Tag(rawValue: 309) }
    /// `PresenceValue`
    public static var presenceValue: Tag { Tag(rawValue: 310) }
    /// `Property`
    public static var property: Tag { Tag(rawValue: 311) }
    /// `PublicProfile`
    public static var publicProfile: Tag { Tag(rawValue: 312) }
    /// `Qualifier`
    public static var qualifier: Tag { Tag(rawValue: 313) }
    /// `REACT`
    public static var react: Tag { Tag(rawValue: 314) }
    /// `REJCM`
    public static var rejcm: Tag { Tag(rawValue: 315) }
    /// `REJEC`
    public static var rejec: Tag { Tag(rawValue: 316) }
    /// `RMVGM`
    public static var rmvgm: Tag { Tag(rawValue: 317) }
    /// `ReactiveAuthState`
    public static var reactiveAuthState: Tag { Tag(rawValue: 318) }
    /// `ReactiveAuthStatus`
    public static var reactiveAuthStatus: Tag { Tag(rawValue: 319) }
    /// `ReactiveAuthStatusList`
    public static var reactiveAuthStatusList: Tag { Tag(rawValue: 320) }
    /// `ReceiveList`
    public static var receiveList: Tag { Tag(rawValue: 321) }
    /// `Recipient`
    public static var recipient: Tag { Tag(rawValue: 322) }
    /// `ReferredContent`
    public static var referredContent: Tag { Tag(rawValue: 323) }
    /// `ReferredvCard`
    public static var referredvCard: Tag { Tag(rawValue: 324) }
    /// `Registration`
    public static var registration: Tag { Tag(rawValue: 325) }
    /// `RejectList-Request`
    public static var rejectListRequest: Tag { Tag(rawValue: 326) }
    /// `RejectList-Response`
    public static var rejectListResponse: Tag { Tag(rawValue: 327) }
    /// `RejectMessage-Request`
    public static var rejectMessageRequest: Tag { Tag(rawValue: 328) }
    /// `RemoveGroupMembers-Request`
    public static var removeGroupMembersRequest: Tag { Tag(rawValue: 329) }
    /// `RemoveList`
    public static var removeList: Tag { Tag(rawValue: 330) }
    /// `RemoveNickList`
    public static var removeNickList: Tag { Tag(rawValue: 331) }
    /// `RequiresResponse`
    public static var requiresResponse: Tag { Tag(rawValue: 332) }
    /// `ResponseNote`
    public static var responseNote: Tag { Tag(rawValue: 333) }
    /// `Result`
    public static var result: Tag { Tag(rawValue: 334) }
    /// `SETD`
    public static var setd: Tag { Tag(rawValue: 335) }
    /// `SETGP`
    public static var setgp: Tag { Tag(rawValue: 336) }
    /// `SGMNT`
    public static var sgmnt: Tag { Tag(rawValue: 337) }
    /// `SName`
    public static var sName: Tag { Tag(rawValue: 338) }
    /// `SRCH`
    public static var srch: Tag { Tag(rawValue: 339) }
    /// `STSRC`
    public static var stsrc: Tag { Tag(rawValue: 340) }
    /// `SUBGCN`
    public static var subgcn: Tag { Tag(rawValue: 341) }
    /// `ScreenName`
    public static var screenName: Tag { Tag(rawValue: 342) }
    /// `Search-Request`
    public static var searchRequest: Tag { Tag(rawValue: 343) }
    /// `Search-Response`
    public static var searchResponse: Tag { Tag(rawValue: 344) }
    /// `SearchElement`
    public static var searchElement: Tag { Tag(rawValue: 345) }
    /// `SearchFindings`
    public static var searchFindings: Tag { Tag(rawValue: 346) }
    /// `SearchFunc`
    public static var searchFunc: Tag { Tag(rawValue: 347) }
    /// `SearchID`
    public static var searchID: Tag { Tag(rawValue: 348) }
    /// `SearchIndex`
    public static var searchIndex: Tag { Tag(rawValue: 349) }
    /// `SearchLimit`
    public static var searchLimit: Tag { Tag(rawValue: 350) }
    /// `SearchPair`
    public static var searchPair: Tag { Tag(rawValue: 351) }
    /// `SearchPairList`
    public static var searchPairList: Tag { Tag(rawValue: 352) }
    /// `SearchResult`
    public static var searchResult: Tag { Tag(rawValue: 353) }
    /// `SearchString`
    public static var searchString: Tag { Tag(rawValue: 354) }
    /// `SegmentContent`
    public static var segmentContent: Tag { Tag(rawValue: 355) }
    /// `SegmentCount`
    public static var segmentCount: Tag { Tag(rawValue: 356) }
    /// `SegmentID`
    public static var segmentID: Tag { Tag(rawValue: 357) }
    /// `SegmentInfo`
    public static var segmentInfo: Tag { Tag(rawValue: 358) }
    /// `SegmentReference`
    public static var segmentReference: Tag { Tag(rawValue: 359) }
    /// `SendMessage-Request`
    public static var sendMessageRequest: Tag { Tag(rawValue: 360) }
    /// `SendMessage-Response`
    public static var sendMessageResponse: Tag { Tag(rawValue: 361) }
    /// `Sender`
    public static var sender: Tag { Tag(rawValue: 362) }
    /// `ServerPollMin`
    public static var serverPollMin: Tag { Tag(rawValue: 363) }
    /// `Service-Request`
    public static var serviceRequest: Tag { Tag(rawValue: 364) }
    /// `Service-Response`
    public static var serviceResponse: Tag { Tag(rawValue: 365) }
    /// `ServiceFunc`
    public static var serviceFunc: Tag { Tag(rawValue: 366) }
    /// `Session`
    public static var session: Tag { Tag(rawValue: 367) }
    /// `SessionCookie`
    public static var sessionCookie: Tag { Tag(rawValue: 368) }
    /// `SessionDescriptor`
    public static var sessionDescriptor: Tag { Tag(rawValue: 369) }
    /// `SessionID`
    public static var sessionID: Tag { Tag(rawValue: 370) }
    /// `SessionNSName`
    public static var sessionNSName: Tag { Tag(rawValue: 371) }
    /// `SessionPriority`
    public static var sessionPriority: Tag { Tag(rawValue: 372) }
    /// `SessionType`
    public static var sessionType: Tag { Tag(rawValue: 373) }
    /// `SetDeliveryMethod-Request`
    public static var setDeliveryMethodRequest: Tag { Tag(rawValue: 374) }
    /// `SetGroupProps-Request`
    public static var setGroupPropsRequest: Tag { Tag(rawValue: 375) }
    /// `Size`
    public static var size: Tag { Tag(rawValue: 376) }
    /// `Status`
    public static var status: Tag { Tag(rawValue: 377) }
    /// `StatusContent`
    public static var statusContent: Tag { Tag(rawValue: 378) }
    /// `StatusMood`
    public static var statusMood: Tag { Tag(rawValue: 379) }
    /// `StatusText`
    public static var statusText: Tag { Tag(rawValue: 380) }
    /// `StopSearch-Request`
    public static var stopSearchRequest: Tag { Tag(rawValue: 381) }
    /// `Street`
    public static var street: Tag { Tag(rawValue: 382) }
    /// `Style`
    public static var style: Tag { Tag(rawValue: 383) }
    /// `SubscribeGroupNotice-Request`
    public static var subscribeGroupNoticeRequest: Tag { Tag(rawValue: 384) }
    /// `SubscribeGroupNotice-Response`
    public static var subscribeGroupNoticeResponse: Tag { Tag(rawValue: 385) }
    /// `SubscribeNotification`
    public static var subscribeNotification: Tag { Tag(rawValue: 386) }
    /// `SubscribeNotification-Request`
    public static var subscribeNotificationRequest: Tag { Tag(rawValue: 387) }
    /// `SubscribePresence-Request`
    public static var subscribePresenceRequest: Tag { Tag(rawValue: 388) }
    /// `SubscribeType`
    public static var subscribeType: Tag { Tag(rawValue: 389) }
    /// `SupportedBearer`
    public static var supportedBearer: Tag { Tag(rawValue: 390) }
    /// `SupportedCIRMethod`
    public static var supportedCIRMethod: Tag { Tag(rawValue: 391) }
    /// `SupportedOfflineBearer`
    public static var supportedOfflineBearer: Tag { Tag(rawValue: 392) }
    /// `SystemMessage`
    public static var systemMessage: Tag { Tag(rawValue: 393) }
    /// `SystemMessage-Request`
    public static var systemMessageRequest: Tag { Tag(rawValue: 394) }
    /// `SystemMessage-User`
    public static var systemMessageUser: Tag { Tag(rawValue: 395) }
    /// `SystemMessageID`
    public static var systemMessageID: Tag { Tag(rawValue: 396) }
    /// `SystemMessageList`
    public static var systemMessageList: Tag { Tag(rawValue: 397) }
    /// `SystemMessageResponse`
    public static var systemMessageResponse: Tag { Tag(rawValue: 398) }
    /// `SystemMessageResponseList`
    public static var systemMessageResponseList: Tag { Tag(rawValue: 399) }
    /// `SystemMessageText`
    public static var systemMessageText: Tag { Tag(rawValue: 400) }
    /// `TCPAddress`
    public static var tcpAddress: Tag { Tag(rawValue: 401) }
    /// `TCPPort`
    public static var tcpPort: Tag { Tag(rawValue: 402) }
    /// `Text`
    public static var text: Tag { Tag(rawValue: 403) }
    /// `TimeToLive`
    public static var timeToLive: Tag { Tag(rawValue: 404) }
    /// `TimeZone`
    public static var timeZone: Tag { Tag(rawValue: 405) }
    /// `Transaction`
    public static var transaction: Tag { Tag(rawValue: 406) }
    /// `TransactionContent`
    public static var transactionContent: Tag { Tag(rawValue: 407) }
    /// `TransactionDescriptor`
    public static var transactionDescriptor: Tag { Tag(rawValue: 408) }
    /// `TransactionID`
    public static var transactionID: Tag { Tag(rawValue: 409) }
    /// `TransactionMode`
    public static var transactionMode: Tag { Tag(rawValue: 410) }
    /// `TransactionNSName`
    public static var transactionNSName: Tag { Tag(rawValue: 411) }
    /// `TryAgainTimeout`
    public static var tryAgainTimeout: Tag { Tag(rawValue: 412) }
    /// `UDPAddress`
    public static var udpAddress: Tag { Tag(rawValue: 413) }
    /// `UDPPort`
    public static var udpPort: Tag { Tag(rawValue: 414) }
    /// `UPDPR`
    public static var updpr: Tag { Tag(rawValue: 415) }
    /// `URL`
    public static var url: Tag { Tag(rawValue: 416) }
    /// `URLList`
    public static var urlList: Tag { Tag(rawValue: 417) }
    /// `UnrecognizedUserID`
    public static var unrecognizedUserID: Tag { Tag(rawValue: 418) }
    /// `UnsubscribeNotification-Request`
    public static var unsubscribeNotificationRequest: Tag { Tag(rawValue: 419) }
    /// `UnsubscribePresence-Request`
    public static var unsubscribePresenceRequest: Tag { Tag(rawValue: 420) }
    /// `UpdatePresence-Request`
    public static var updatePresenceRequest: Tag { Tag(rawValue: 421) }
    /// `UpdatePublicProfile-Request`
    public static var updatePublicProfileRequest: Tag { Tag(rawValue: 422) }
    /// `User`
    public static var user: Tag { Tag(rawValue: 423) }
    /// `UserAvailability`
    public static var userAvailability: Tag { Tag(rawValue: 424) }
    /// `UserID`
    public static var userID: Tag { Tag(rawValue: 425) }
    /// `UserIDList`
    public static var userIDList: Tag { Tag(rawValue: 426) }
    /// `UserIDPair`
    public static var userIDPair: Tag { Tag(rawValue: 427) }
    /// `UserList`
    public static var userList: Tag { Tag(rawValue: 428) }
    /// `UserMapList`
    public static var userMapList: Tag { Tag(rawValue: 429) }
    /// `UserMapping`
    public static var userMapping: Tag { Tag(rawValue: 430) }
    /// `UserNotify`
    public static var userNotify: Tag { Tag(rawValue: 431) }
    /// `UserSessionLimit`
    public static var userSessionLimit: Tag { Tag(rawValue: 432) }
    /// `Users`
    public static var users: Tag { Tag(rawValue: 433) }
    /// `VRID`
    public static var vrid: Tag { Tag(rawValue: 434) }
    /// `ValidUserID`
    public static var validUserID: Tag { Tag(rawValue: 435) }
    /// `Validity`
    public static var validity: Tag { Tag(rawValue: 436) }
    /// `Value`
    public static var value: Tag { Tag(rawValue: 437) }
    /// `VerificationKey`
    public static var verificationKey: Tag { Tag(rawValue: 438) }
    /// `VerificationMechanism`
    public static var verificationMechanism: Tag { Tag(rawValue: 439) }
    /// `VerifyID-Request`
    public static var verifyIDRequest: Tag { Tag(rawValue: 440) }
    /// `VerifyIDFunc`
    public static var verifyIDFunc: Tag { Tag(rawValue: 441) }
    /// `VersionList`
    public static var versionList: Tag { Tag(rawValue: 442) }
    /// `WV-CSP-Message`
    public static var wvCSPMessage: Tag { Tag(rawValue: 443) }
    /// `WV-CSP-VersionDiscovery-Request`
    public static var wvCSPVersionDiscoveryRequest: Tag { Tag(rawValue: 444) }
    /// `WV-CSP-VersionDiscovery-Response`
    public static var wvCSPVersionDiscoveryResponse: Tag { Tag(rawValue: 445) }
    /// `WVCSPFeat`
    public static var wvcspFeat: Tag { Tag(rawValue: 446) }
    /// `Watcher`
    public static var watcher: Tag { Tag(rawValue: 447) }
    /// `WatcherCount`
    public static var watcherCount: Tag { Tag(rawValue: 448) }
    /// `WatcherStatus`
    public static var watcherStatus: Tag { Tag(rawValue: 449) }
    /// `WelcomeNote`
    public static var welcomeNote: Tag { Tag(rawValue: 450) }
    /// `Zone`
    public static var zone: Tag { Tag(rawValue: 451) }
}

/// The spellings of the element names and a hash table over them.
enum TagNames {
    /// Canonical spellings, in the order of the raw values from 1; after them the variants seen in the
    /// field.
    static let spellings: InlineArray<463, TagSpelling> = [
        TagSpelling("ADDGM", 1),
        TagSpelling("ADVSR", 2),
        TagSpelling("APIClient", 3),
        TagSpelling("Acceptance", 4),
        TagSpelling("AcceptedCharSet", 5),
        TagSpelling("AcceptedContentLength", 6),
        TagSpelling("AcceptedContentType", 7),
        TagSpelling("AcceptedPullLength", 8),
        TagSpelling("AcceptedPushLength", 9),
        TagSpelling("AcceptedRichContentLength", 10),
        TagSpelling("AcceptedTextContentLength", 11),
        TagSpelling("AcceptedTransferEncoding", 12),
        TagSpelling("Accuracy", 13),
        TagSpelling("AddGroupMembers-Request", 14),
        TagSpelling("AddList", 15),
        TagSpelling("AddNickList", 16),
        TagSpelling("AddrPref", 17),
        TagSpelling("Address", 18),
        TagSpelling("Admin", 19),
        TagSpelling("AdminMapList", 20),
        TagSpelling("AdminMapping", 21),
        TagSpelling("AdvancedCriteria", 22),
        TagSpelling("AgreedCapabilityList", 23),
        TagSpelling("Alias", 24),
        TagSpelling("AllFunctions", 25),
        TagSpelling("AllFunctionsRequest", 26),
        TagSpelling("Altitude", 27),
        TagSpelling("AnswerOption", 28),
        TagSpelling("AnswerOptionID", 29),
        TagSpelling("AnswerOptionText", 30),
        TagSpelling("AnswerOptions", 31),
        TagSpelling("AnswerOptionsText", 32),
        TagSpelling("AnyContent", 33),
        TagSpelling("ApplicationID", 34),
        TagSpelling("AttListFunc", 35),
        TagSpelling("AuthorizeAndGrant", 36),
        TagSpelling("AutoSubscribe", 37),
        TagSpelling("BLENT", 38),
        TagSpelling("BlockEntity-Request", 39),
        TagSpelling("BlockList", 40),
        TagSpelling("BlockListInUse", 41),
        TagSpelling("Building", 42),
        TagSpelling("CAAUT", 43),
        TagSpelling("CAINV", 44),
        TagSpelling("CALI", 45),
        TagSpelling("CCLI", 46),
        TagSpelling("CIR", 47),
        TagSpelling("CIRHTTPAddress", 48),
        TagSpelling("CIRSMSAddress", 49),
        TagSpelling("CIRURL", 50),
        TagSpelling("CREAG", 51),
        TagSpelling("Caddr", 52),
        TagSpelling("CancelAuth-Request", 53),
        TagSpelling("CancelInvite-Request", 54),
        TagSpelling("CancelInviteUser-Request", 55),
        TagSpelling("Cap", 56),
        TagSpelling("Capability", 57),
        TagSpelling("CapabilityList", 58),
        TagSpelling("CapabilityRequest", 59),
        TagSpelling("ChosenOptionID", 60),
        TagSpelling("City", 61),
        TagSpelling("ClearPublicProfile", 62),
        TagSpelling("ClientCapability-Request", 63),
        TagSpelling("ClientCapability-Response", 64),
        TagSpelling("ClientContentLimit", 65),
        TagSpelling("ClientID", 66),
        TagSpelling("ClientIMPriority", 67),
        TagSpelling("ClientInfo", 68),
        TagSpelling("ClientProducer", 69),
        TagSpelling("ClientType", 70),
        TagSpelling("ClientVersion", 71),
        TagSpelling("Cname", 72),
        TagSpelling("Code", 73),
        TagSpelling("Color", 74),
        TagSpelling("CommC", 75),
        TagSpelling("CommCap", 76),
        TagSpelling("CompletionFlag", 77),
        TagSpelling("ContListFunc", 78),
        TagSpelling("Contact", 79),
        TagSpelling("ContactInfo", 80),
        TagSpelling("ContactList", 81),
        TagSpelling("ContactListIDList", 82),
        TagSpelling("ContactListNotify", 83),
        TagSpelling("ContactListProperties", 84),
        TagSpelling("ContainedvCard", 85),
        TagSpelling("ContentData", 86),
        TagSpelling("ContentEncoding", 87),
        TagSpelling("ContentName", 88),
        TagSpelling("ContentPolicy", 89),
        TagSpelling("ContentPolicyLimit", 90),
        TagSpelling("ContentSize", 91),
        TagSpelling("ContentType", 92),
        TagSpelling("Country", 93),
        TagSpelling("Cpriority", 94),
        TagSpelling("CreateAttributeList-Request", 95),
        TagSpelling("CreateGroup-Request", 96),
        TagSpelling("CreateList-Request", 97),
        TagSpelling("CreateList-Response", 98),
        TagSpelling("Crossing1", 99),
        TagSpelling("Crossing2", 100),
        TagSpelling("Cstatus", 101),
        TagSpelling("DALI", 102),
        TagSpelling("DCLI", 103),
        TagSpelling("DELGR", 104),
        TagSpelling("DateTime", 105),
        TagSpelling("DefaultAttributeList", 106),
        TagSpelling("DefaultContactList", 107),
        TagSpelling("DefaultLanguage", 108),
        TagSpelling("DefaultList", 109),
        TagSpelling("DefaultNotify", 110),
        TagSpelling("DeleteAttributeList-Request", 111),
        TagSpelling("DeleteGroup-Request", 112),
        TagSpelling("DeleteList-Request", 113),
        TagSpelling("DeliveryMethod", 114),
        TagSpelling("DeliveryReport", 115),
        TagSpelling("DeliveryReport-Request", 116),
        TagSpelling("DeliveryTime", 117),
        TagSpelling("Description", 118),
        TagSpelling("DetailedResult", 119),
        TagSpelling("DevManufacturer", 120),
        TagSpelling("DigestBytes", 121),
        TagSpelling("DigestSchema", 122),
        TagSpelling("DirectContent", 123),
        TagSpelling("Disconnect", 124),
        TagSpelling("Domain", 125),
        TagSpelling("DropSegment-Request", 126),
        TagSpelling("EXCON", 127),
        TagSpelling("EntityList", 128),
        TagSpelling("ExtBlock", 129),
        TagSpelling("ExtBlockETEM", 130),
        TagSpelling("ExtendConversation-Request", 131),
        TagSpelling("ExtendConversation-Response", 132),
        TagSpelling("ExtendConversationID", 133),
        TagSpelling("ExtendConversationUser", 134),
        TagSpelling("Extended-Request", 135),
        TagSpelling("Extended-Response", 136),
        TagSpelling("ExtendedData", 137),
        TagSpelling("FWMSG", 138),
        TagSpelling("Font", 139),
        TagSpelling("ForwardMessage-Request", 140),
        TagSpelling("ForwardMessage-Response", 141),
        TagSpelling("FreeTextLocation", 142),
        TagSpelling("FriendlyName", 143),
        TagSpelling("Functions", 144),
        TagSpelling("FundamentalFeat", 145),
        TagSpelling("GALS", 146),
        TagSpelling("GCLI", 147),
        TagSpelling("GETAUT", 148),
        TagSpelling("GETGM", 149),
        TagSpelling("GETGP", 150),
        TagSpelling("GETJU", 151),
        TagSpelling("GETLM", 152),
        TagSpelling("GETM", 153),
        TagSpelling("GETMAP", 154),
        TagSpelling("GETPR", 155),
        TagSpelling("GETSPI", 156),
        TagSpelling("GETWL", 157),
        TagSpelling("GLBLU", 158),
        TagSpelling("GRCHN", 159),
        TagSpelling("GeoLocation", 160),
        TagSpelling("GetAttributeList-Request", 161),
        TagSpelling("GetAttributeList-Response", 162),
        TagSpelling("GetBlockedList-Request", 163),
        TagSpelling("GetBlockedList-Response", 164),
        TagSpelling("GetGroupMembers-Request", 165),
        TagSpelling("GetGroupMembers-Response", 166),
        TagSpelling("GetGroupProps-Request", 167),
        TagSpelling("GetGroupProps-Response", 168),
        TagSpelling("GetJoinedUsers-Request", 169),
        TagSpelling("GetJoinedUsers-Response", 170),
        TagSpelling("GetList-Request", 171),
        TagSpelling("GetList-Response", 172),
        TagSpelling("GetMap-Request", 173),
        TagSpelling("GetMap-Response", 174),
        TagSpelling("GetMessage-Request", 175),
        TagSpelling("GetMessage-Response", 176),
        TagSpelling("GetMessageList-Request", 177),
        TagSpelling("GetMessageList-Response", 178),
        TagSpelling("GetPresence-Request", 179),
        TagSpelling("GetPresence-Response", 180),
        TagSpelling("GetPublicProfile-Request", 181),
        TagSpelling("GetPublicProfile-Response", 182),
        TagSpelling("GetReactiveAuthStatus-Request", 183),
        TagSpelling("GetReactiveAuthStatus-Response", 184),
        TagSpelling("GetSPInfo-Request", 185),
        TagSpelling("GetSPInfo-Response", 186),
        TagSpelling("GetSegment-Request", 187),
        TagSpelling("GetSegment-Response", 188),
        TagSpelling("GetWatcherList-Request", 189),
        TagSpelling("GetWatcherList-Response", 190),
        TagSpelling("GrantList", 191),
        TagSpelling("GrantListInUse", 192),
        TagSpelling("Group", 193),
        TagSpelling("GroupAuthFunc", 194),
        TagSpelling("GroupChangeNotice", 195),
        TagSpelling("GroupContentLimit", 196),
        TagSpelling("GroupFeat", 197),
        TagSpelling("GroupID", 198),
        TagSpelling("GroupList", 199),
        TagSpelling("GroupMgmtFunc", 200),
        TagSpelling("GroupProperties", 201),
        TagSpelling("GroupUseFunc", 202),
        TagSpelling("HistoryPeriod", 203),
        TagSpelling("IDList", 204),
        TagSpelling("IMAuthFunc", 205),
        TagSpelling("IMFeat", 206),
        TagSpelling("IMReceiveFunc", 207),
        TagSpelling("IMSendFunc", 208),
        TagSpelling("INVIT", 209),
        TagSpelling("InText", 210),
        TagSpelling("InUse", 211),
        TagSpelling("Inf_link", 212),
        TagSpelling("InfoLink", 213),
        TagSpelling("InitialDeliveryMethod", 214),
        TagSpelling("Invite-Request", 215),
        TagSpelling("Invite-Response", 216),
        TagSpelling("InviteFunc", 217),
        TagSpelling("InviteID", 218),
        TagSpelling("InviteNote", 219),
        TagSpelling("InviteType", 220),
        TagSpelling("InviteUser-Request", 221),
        TagSpelling("InviteUser-Response", 222),
        TagSpelling("JoinGroup", 223),
        TagSpelling("JoinGroup-Request", 224),
        TagSpelling("JoinGroup-Response", 225),
        TagSpelling("Joined", 226),
        TagSpelling("JoinedBlocked", 227),
        TagSpelling("JoinedRequest", 228),
        TagSpelling("KeepAlive-Request", 229),
        TagSpelling("KeepAlive-Response", 230),
        TagSpelling("KeepAliveTime", 231),
        TagSpelling("Language", 232),
        TagSpelling("Latitude", 233),
        TagSpelling("LeaveGroup-Request", 234),
        TagSpelling("LeaveGroup-Response", 235),
        TagSpelling("Left", 236),
        TagSpelling("LeftBlocked", 237),
        TagSpelling("Link", 238),
        TagSpelling("ListManage-Request", 239),
        TagSpelling("ListManage-Response", 240),
        TagSpelling("Login-Request", 241),
        TagSpelling("Login-Response", 242),
        TagSpelling("Logo", 243),
        TagSpelling("Logout-Request", 244),
        TagSpelling("Longitude", 245),
        TagSpelling("MBRAC", 246),
        TagSpelling("MCLS", 247),
        TagSpelling("MDELIV", 248),
        TagSpelling("MF", 249),
        TagSpelling("MG", 250),
        TagSpelling("MM", 251),
        TagSpelling("MP", 252),
        TagSpelling("MSISDN", 253),
        TagSpelling("Map", 254),
        TagSpelling("Mapping", 255),
        TagSpelling("MaxPullLength", 256),
        TagSpelling("MaxPushLength", 257),
        TagSpelling("MaxWatcherList", 258),
        TagSpelling("MemberAccess-Request", 259),
        TagSpelling("MessageCount", 260),
        TagSpelling("MessageDelivered", 261),
        TagSpelling("MessageID", 262),
        TagSpelling("MessageInfo", 263),
        TagSpelling("MessageInfoList", 264),
        TagSpelling("MessageNotification", 265),
        TagSpelling("MessageTotalCount", 266),
        TagSpelling("MessageURI", 267),
        TagSpelling("Mod", 268),
        TagSpelling("ModMapping", 269),
        TagSpelling("Model", 270),
        TagSpelling("MultiTrans", 271),
        TagSpelling("MultiTransPerMessage", 272),
        TagSpelling("NEWM", 273),
        TagSpelling("NOTIF", 274),
        TagSpelling("Name", 275),
        TagSpelling("NamedArea", 276),
        TagSpelling("NewMessage", 277),
        TagSpelling("NickList", 278),
        TagSpelling("NickName", 279),
        TagSpelling("Nonce", 280),
        TagSpelling("Note", 281),
        TagSpelling("Notification-Request", 282),
        TagSpelling("NotificationType", 283),
        TagSpelling("NotificationTypeList", 284),
        TagSpelling("OFFNOTIF", 285),
        TagSpelling("OfflineETEMHandling", 286),
        TagSpelling("OnlineETEMHandling", 287),
        TagSpelling("OnlineStatus", 288),
        TagSpelling("OtherServer", 289),
        TagSpelling("OwnProperties", 290),
        TagSpelling("PLMN", 291),
        TagSpelling("PairID", 292),
        TagSpelling("ParserSize", 293),
        TagSpelling("Password", 294),
        TagSpelling("PlainTextCharset", 295),
        TagSpelling("Poll", 296),
        TagSpelling("Polling-Request", 297),
        TagSpelling("PrefC", 298),
        TagSpelling("PreferredContacts", 299),
        TagSpelling("PreferredLanguage", 300),
        TagSpelling("Presence", 301),
        TagSpelling("PresenceAttributeNSName", 302),
        TagSpelling("PresenceAuth-Request", 303),
        TagSpelling("PresenceAuth-User", 304),
        TagSpelling("PresenceAuthFunc", 305),
        TagSpelling("PresenceDeliverFunc", 306),
        TagSpelling("PresenceFeat", 307),
        TagSpelling("PresenceNotification-Request", 308),
        TagSpelling("PresenceSubList", 309),
        TagSpelling("PresenceValue", 310),
        TagSpelling("Property", 311),
        TagSpelling("PublicProfile", 312),
        TagSpelling("Qualifier", 313),
        TagSpelling("REACT", 314),
        TagSpelling("REJCM", 315),
        TagSpelling("REJEC", 316),
        TagSpelling("RMVGM", 317),
        TagSpelling("ReactiveAuthState", 318),
        TagSpelling("ReactiveAuthStatus", 319),
        TagSpelling("ReactiveAuthStatusList", 320),
        TagSpelling("ReceiveList", 321),
        TagSpelling("Recipient", 322),
        TagSpelling("ReferredContent", 323),
        TagSpelling("ReferredvCard", 324),
        TagSpelling("Registration", 325),
        TagSpelling("RejectList-Request", 326),
        TagSpelling("RejectList-Response", 327),
        TagSpelling("RejectMessage-Request", 328),
        TagSpelling("RemoveGroupMembers-Request", 329),
        TagSpelling("RemoveList", 330),
        TagSpelling("RemoveNickList", 331),
        TagSpelling("RequiresResponse", 332),
        TagSpelling("ResponseNote", 333),
        TagSpelling("Result", 334),
        TagSpelling("SETD", 335),
        TagSpelling("SETGP", 336),
        TagSpelling("SGMNT", 337),
        TagSpelling("SName", 338),
        TagSpelling("SRCH", 339),
        TagSpelling("STSRC", 340),
        TagSpelling("SUBGCN", 341),
        TagSpelling("ScreenName", 342),
        TagSpelling("Search-Request", 343),
        TagSpelling("Search-Response", 344),
        TagSpelling("SearchElement", 345),
        TagSpelling("SearchFindings", 346),
        TagSpelling("SearchFunc", 347),
        TagSpelling("SearchID", 348),
        TagSpelling("SearchIndex", 349),
        TagSpelling("SearchLimit", 350),
        TagSpelling("SearchPair", 351),
        TagSpelling("SearchPairList", 352),
        TagSpelling("SearchResult", 353),
        TagSpelling("SearchString", 354),
        TagSpelling("SegmentContent", 355),
        TagSpelling("SegmentCount", 356),
        TagSpelling("SegmentID", 357),
        TagSpelling("SegmentInfo", 358),
        TagSpelling("SegmentReference", 359),
        TagSpelling("SendMessage-Request", 360),
        TagSpelling("SendMessage-Response", 361),
        TagSpelling("Sender", 362),
        TagSpelling("ServerPollMin", 363),
        TagSpelling("Service-Request", 364),
        TagSpelling("Service-Response", 365),
        TagSpelling("ServiceFunc", 366),
        TagSpelling("Session", 367),
        TagSpelling("SessionCookie", 368),
        TagSpelling("SessionDescriptor", 369),
        TagSpelling("SessionID", 370),
        TagSpelling("SessionNSName", 371),
        TagSpelling("SessionPriority", 372),
        TagSpelling("SessionType", 373),
        TagSpelling("SetDeliveryMethod-Request", 374),
        TagSpelling("SetGroupProps-Request", 375),
        TagSpelling("Size", 376),
        TagSpelling("Status", 377),
        TagSpelling("StatusContent", 378),
        TagSpelling("StatusMood", 379),
        TagSpelling("StatusText", 380),
        TagSpelling("StopSearch-Request", 381),
        TagSpelling("Street", 382),
        TagSpelling("Style", 383),
        TagSpelling("SubscribeGroupNotice-Request", 384),
        TagSpelling("SubscribeGroupNotice-Response", 385),
        TagSpelling("SubscribeNotification", 386),
        TagSpelling("SubscribeNotification-Request", 387),
        TagSpelling("SubscribePresence-Request", 388),
        TagSpelling("SubscribeType", 389),
        TagSpelling("SupportedBearer", 390),
        TagSpelling("SupportedCIRMethod", 391),
        TagSpelling("SupportedOfflineBearer", 392),
        TagSpelling("SystemMessage", 393),
        TagSpelling("SystemMessage-Request", 394),
        TagSpelling("SystemMessage-User", 395),
        TagSpelling("SystemMessageID", 396),
        TagSpelling("SystemMessageList", 397),
        TagSpelling("SystemMessageResponse", 398),
        TagSpelling("SystemMessageResponseList", 399),
        TagSpelling("SystemMessageText", 400),
        TagSpelling("TCPAddress", 401),
        TagSpelling("TCPPort", 402),
        TagSpelling("Text", 403),
        TagSpelling("TimeToLive", 404),
        TagSpelling("TimeZone", 405),
        TagSpelling("Transaction", 406),
        TagSpelling("TransactionContent", 407),
        TagSpelling("TransactionDescriptor", 408),
        TagSpelling("TransactionID", 409),
        TagSpelling("TransactionMode", 410),
        TagSpelling("TransactionNSName", 411),
        TagSpelling("TryAgainTimeout", 412),
        TagSpelling("UDPAddress", 413),
        TagSpelling("UDPPort", 414),
        TagSpelling("UPDPR", 415),
        TagSpelling("URL", 416),
        TagSpelling("URLList", 417),
        TagSpelling("UnrecognizedUserID", 418),
        TagSpelling("UnsubscribeNotification-Request", 419),
        TagSpelling("UnsubscribePresence-Request", 420),
        TagSpelling("UpdatePresence-Request", 421),
        TagSpelling("UpdatePublicProfile-Request", 422),
        TagSpelling("User", 423),
        TagSpelling("UserAvailability", 424),
        TagSpelling("UserID", 425),
        TagSpelling("UserIDList", 426),
        TagSpelling("UserIDPair", 427),
        TagSpelling("UserList", 428),
        TagSpelling("UserMapList", 429),
        TagSpelling("UserMapping", 430),
        TagSpelling("UserNotify", 431),
        TagSpelling("UserSessionLimit", 432),
        TagSpelling("Users", 433),
        TagSpelling("VRID", 434),
        TagSpelling("ValidUserID", 435),
        TagSpelling("Validity", 436),
        TagSpelling("Value", 437),
        TagSpelling("VerificationKey", 438),
        TagSpelling("VerificationMechanism", 439),
        TagSpelling("VerifyID-Request", 440),
        TagSpelling("VerifyIDFunc", 441),
        TagSpelling("VersionList", 442),
        TagSpelling("WV-CSP-Message", 443),
        TagSpelling("WV-CSP-VersionDiscovery-Request", 444),
        TagSpelling("WV-CSP-VersionDiscovery-Response", 445),
        TagSpelling("WVCSPFeat", 446),
        TagSpelling("Watcher", 447),
        TagSpelling("WatcherCount", 448),
        TagSpelling("WatcherStatus", 449),
        TagSpelling("WelcomeNote", 450),
        TagSpelling("Zone", 451),
        TagSpelling("AcceptedCharset", 5),
        TagSpelling("Auto-Subscribe", 37),
        TagSpelling("BlockUser-Request", 39),
        TagSpelling("CName", 72),
        TagSpelling("Extended-Data", 137),
        TagSpelling("KeepAliveResponse", 230),
        TagSpelling("NotAvailableFunctions", 144),
        TagSpelling("PlainTextCharSet", 295),
        TagSpelling("PreferredContent", 323),
        TagSpelling("PreferredvCard", 324),
        TagSpelling("WV-CSP-NSDiscovery-Request", 444),
        TagSpelling("WV-CSP-NSDiscovery-Response", 445),
    ]

    /// Open addressing: 0 is free, otherwise one more than an index into `spellings`.
    static let slots: InlineArray<1024, UInt16> = [
        183, 0, 0, 266, 301, 392, 0, 290, 0, 0, 0, 267, 0, 0, 0, 386,
        0, 0, 0, 0, 0, 0, 129, 185, 0, 359, 0, 0, 98, 120, 228, 0,
        97, 195, 0, 248, 314, 0, 6, 0, 0, 0, 0, 0, 54, 116, 0, 0,
        0, 5, 0, 30, 192, 0, 0, 0, 0, 25, 0, 0, 92, 113, 123, 40,
        216, 304, 0, 89, 338, 395, 0, 7, 350, 352, 0, 0, 0, 39, 0, 0,
        0, 0, 227, 374, 0, 0, 186, 0, 260, 0, 0, 15, 305, 32, 246, 275,
        0, 0, 263, 270, 148, 177, 0, 0, 0, 0, 0, 430, 127, 27, 217, 444,
        0, 0, 0, 0, 0, 0, 122, 0, 0, 125, 0, 0, 258, 370, 0, 0,
        0, 0, 0, 0, 424, 0, 0, 253, 0, 231, 460, 0, 422, 0, 442, 41,
        0, 0, 0, 0, 232, 0, 14, 63, 333, 0, 0, 0, 0, 91, 0, 0,
        0, 8, 0, 0, 0, 0, 389, 0, 0, 236, 0, 136, 204, 447, 0, 0,
        0, 286, 0, 118, 153, 0, 340, 0, 429, 0, 282, 381, 0, 0, 201, 0,
        0, 0, 0, 0, 378, 22, 0, 0, 134, 0, 17, 0, 18, 0, 0, 169,
        0, 0, 0, 0, 432, 0, 0, 0, 0, 0, 0, 0, 50, 181, 244, 303,
        358, 438, 101, 12, 343, 0, 0, 80, 124, 296, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 413, 454, 0, 0, 154, 0, 284, 38, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 1, 0, 354, 0, 379, 150, 176, 104, 453,
        363, 149, 0, 223, 0, 0, 0, 0, 0, 180, 121, 347, 355, 287, 0, 0,
        0, 36, 0, 82, 215, 0, 0, 0, 160, 0, 435, 0, 280, 283, 0, 0,
        224, 159, 0, 0, 0, 191, 434, 0, 0, 0, 0, 0, 322, 60, 222, 299,
        372, 0, 414, 0, 0, 0, 0, 0, 368, 310, 446, 396, 411, 397, 0, 95,
        205, 431, 441, 0, 0, 0, 0, 0, 0, 0, 382, 0, 0, 13, 114, 0,
        448, 0, 0, 19, 0, 0, 0, 209, 0, 212, 0, 70, 0, 0, 0, 0,
        56, 143, 0, 0, 161, 0, 443, 0, 0, 0, 293, 0, 0, 0, 0, 0,
        256, 264, 426, 0, 383, 86, 117, 68, 0, 20, 285, 455, 0, 0, 0, 240,
        0, 189, 0, 0, 366, 0, 401, 0, 23, 0, 0, 0, 0, 0, 259, 0,
        251, 10, 51, 320, 268, 425, 0, 0, 179, 190, 250, 249, 81, 281, 317, 445,
        0, 112, 225, 0, 0, 402, 0, 0, 0, 385, 0, 0, 0, 252, 178, 0,
        77, 135, 43, 35, 306, 0, 0, 11, 72, 346, 0, 0, 110, 0, 0, 0,
        452, 0, 0, 294, 0, 262, 0, 0, 93, 0, 0, 292, 83, 261, 71, 0,
        0, 0, 0, 0, 0, 0, 182, 403, 0, 418, 84, 433, 0, 48, 109, 356,
        0, 0, 388, 0, 0, 0, 0, 0, 0, 74, 0, 37, 298, 393, 79, 0,
        66, 0, 105, 404, 0, 357, 0, 0, 0, 0, 277, 0, 462, 61, 0, 0,
        0, 0, 0, 0, 0, 387, 0, 0, 408, 0, 0, 0, 0, 0, 2, 126,
        211, 196, 0, 0, 0, 295, 0, 0, 0, 289, 0, 0, 0, 0, 46, 0,
        390, 0, 0, 0, 0, 391, 315, 0, 0, 0, 152, 31, 172, 230, 335, 341,
        0, 0, 265, 0, 0, 0, 233, 398, 78, 406, 0, 75, 0, 96, 0, 49,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 376, 0, 451, 144, 328, 332, 67,
        0, 0, 0, 24, 4, 151, 242, 377, 0, 3, 360, 415, 0, 0, 0, 399,
        0, 0, 364, 0, 410, 0, 0, 0, 0, 428, 47, 351, 461, 0, 0, 28,
        373, 342, 158, 0, 0, 0, 0, 221, 102, 353, 103, 367, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 208, 207, 0, 33, 90, 0, 326, 0, 0, 0, 213,
        0, 0, 337, 0, 111, 0, 0, 166, 0, 175, 421, 0, 0, 0, 147, 55,
        0, 0, 409, 44, 380, 0, 167, 0, 115, 0, 0, 0, 0, 138, 0, 0,
        0, 0, 0, 162, 0, 202, 234, 193, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 271, 0, 220, 0, 239, 0, 0, 243, 0, 0, 0, 0, 0, 0,
        311, 0, 235, 0, 0, 0, 9, 85, 269, 279, 300, 400, 420, 0, 0, 325,
        58, 194, 0, 0, 106, 0, 318, 0, 321, 0, 0, 0, 0, 0, 0, 450,
        157, 0, 174, 324, 0, 0, 132, 73, 76, 0, 0, 0, 0, 0, 0, 0,
        237, 309, 0, 0, 0, 0, 184, 199, 34, 405, 0, 0, 365, 16, 0, 197,
        0, 0, 108, 119, 369, 384, 0, 69, 0, 0, 0, 0, 45, 140, 0, 0,
        0, 0, 165, 173, 88, 276, 0, 0, 0, 0, 0, 0, 0, 53, 0, 0,
        0, 331, 436, 0, 0, 0, 307, 0, 0, 0, 59, 394, 0, 198, 257, 427,
        0, 458, 278, 336, 0, 0, 0, 334, 0, 0, 437, 0, 302, 319, 0, 0,
        170, 0, 344, 241, 94, 247, 273, 206, 274, 188, 245, 439, 417, 141, 52, 0,
        0, 349, 0, 0, 0, 218, 214, 0, 362, 0, 0, 463, 0, 0, 254, 187,
        29, 316, 0, 0, 0, 0, 0, 0, 327, 329, 0, 0, 145, 0, 0, 0,
        0, 0, 0, 0, 133, 440, 339, 0, 21, 142, 168, 57, 313, 371, 0, 229,
        0, 0, 131, 0, 0, 0, 0, 323, 164, 146, 312, 219, 419, 423, 87, 0,
        137, 0, 238, 0, 0, 0, 0, 0, 0, 155, 345, 0, 375, 0, 0, 272,
        0, 0, 0, 0, 0, 0, 65, 0, 0, 416, 459, 107, 163, 156, 348, 456,
        0, 0, 0, 308, 0, 0, 0, 26, 203, 407, 457, 0, 0, 0, 288, 0,
        0, 0, 0, 62, 130, 139, 226, 0, 0, 291, 0, 0, 330, 412, 0, 0,
        0, 255, 42, 297, 99, 128, 171, 100, 361, 449, 210, 0, 200, 64, 0, 0,
    ]
}
