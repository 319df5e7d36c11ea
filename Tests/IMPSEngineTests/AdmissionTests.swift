import Testing

/// Each primitive in each state of a session: what is refused, with which code, and what is let through to its handler. An
/// empty element is enough: a handler that is reached says what it misses.
@Suite struct AdmissionTests {
    /// What becomes of a primitive.
    private struct Row {
        var name: String
        /// The code of its handler for an empty element; empty for an answer without a code.
        var reached: String
        /// The function that has to be agreed; nil for none.
        var function: String?
        var states: Set<State> = []

        init(_ name: String, _ reached: String, _ function: String? = nil, open states: Set<State> = []) {
            self.name = name
            self.reached = reached
            self.function = function
            self.states = states
        }
    }

    /// States in which more is refused than in an open session.
    private enum State: CaseIterable {
        /// A question was put in the session, and the client knows System Messages, or does not.
        case asked, askedByMessage
        /// The answers leave GetMessageList alone.
        case limited
        /// The client asked for GetMessageList alone.
        case agreed
        case closing
    }

    private static let everywhere: Set<State> = [.asked, .askedByMessage, .limited, .agreed]

    /// What this server has.
    private static let offered = [
        Row("KeepAlive-Request", "200", open: everywhere),
        Row("ClientCapability-Request", "", open: [.askedByMessage, .limited, .agreed]),
        Row("Service-Request", "", open: [.askedByMessage, .limited, .agreed]),
        Row("GetSPInfo-Request", "", "GETSPI", open: [.askedByMessage]),
        Row("Status", "200", open: [.limited, .agreed]),
        Row("GetList-Request", "", open: everywhere), Row("GetPresence-Request", "402", open: everywhere),
        Row("UpdatePresence-Request", "402", open: everywhere), Row("GetBlockedList-Request", "", open: everywhere),
        Row("SendMessage-Request", "402", open: everywhere), Row("MessageDelivered", "402", open: everywhere),
        Row("GetMessage-Request", "402", open: everywhere),
        Row("GetMessageList-Request", "", "GETLM", open: [.limited, .agreed]),
        Row("RejectMessage-Request", "402", "REJCM"), Row("ForwardMessage-Request", "402", "FWMSG"),
        Row("SetDeliveryMethod-Request", "402", "SETD"),
        Row("CreateList-Request", "402", "CCLI"), Row("DeleteList-Request", "402", "DCLI"),
        Row("ListManage-Request", "402", "MCLS", open: [.askedByMessage]),
        Row("CreateAttributeList-Request", "402", "CALI"), Row("DeleteAttributeList-Request", "200", "DALI"),
        Row("GetAttributeList-Request", "200", "GALS"),
        Row("SubscribePresence-Request", "402", "GETPR", open: [.askedByMessage]),
        Row("UnsubscribePresence-Request", "200", "GETPR"), Row("GetWatcherList-Request", "", "GETWL"),
        Row("PresenceAuth-User", "402", "REACT"), Row("CancelAuth-Request", "402", "CAAUT"),
        Row("GetReactiveAuthStatus-Request", "", "GETAUT"), Row("BlockEntity-Request", "200", "BLENT"),
        Row("Search-Request", "402", "SRCH"), Row("StopSearch-Request", "424", "STSRC"),
        Row("VerifyID-Request", "402", "VRID"),
        Row("SubscribeNotification-Request", "402", open: [.limited, .agreed]),
        Row("UnsubscribeNotification-Request", "402", open: [.limited, .agreed]),
        Row("SystemMessage-User", "402", open: everywhere),
        Row("Logout-Request", "200", open: everywhere),
    ]

    /// What it has not: refused with 405 whatever was agreed.
    private static let others = [
        "CreateGroup-Request", "DeleteGroup-Request",
        "JoinGroup-Request", "LeaveGroup-Request", "GetGroupMembers-Request", "GetJoinedUsers-Request",
        "AddGroupMembers-Request", "RemoveGroupMembers-Request", "MemberAccess-Request", "GetGroupProps-Request",
        "SetGroupProps-Request", "RejectList-Request", "SubscribeGroupNotice-Request", "Invite-Request",
        "InviteUser-Response", "CancelInvite-Request",
    ]

    /// What 1.3 has besides: 501, and those that no function is needed for are closed before an answer as all else.
    private static let beyond = [
        "GetSegment-Request", "DropSegment-Request", "ExtendConversation-Request", "GetMap-Request",
    ]
    private static let unnamed = [
        "Extended-Request", "GetPublicProfile-Request", "UpdatePublicProfile-Request",
    ]

    /// A session in a state, and where nothing was refused before.
    private func session(_ world: World, _ state: State?) throws -> (id: String, version: String) {
        _ = world.control("user add alice digest righteous")
        let version = state == .askedByMessage ? "1.2" : "1.3"
        func logIn() throws -> String {
            let answer = world.handle(
                document(login("alice", password: "righteous", cookie: "c"), id: "l", session: nil, version: version))
            _ = world.commit(succeeds: true)
            return try #require(field("SessionID", answer))
        }
        var id = try logIn()
        func say(_ content: String) -> String {
            let answer = world.handle(document(content, id: "s", session: id, version: version))
            _ = world.commit(succeeds: true)
            return answer
        }
        switch state {
        case nil: break
        case .asked, .askedByMessage:
            _ = world.control(
                "sysmsg add ask kind=online required=1 blocking=1 timeout=600 text=x option=1|yes|full")
            _ = say("<Polling-Request/>")
        case .limited:
            _ = world.control("sysmsg add level kind=login required=1 text=x option=1|yes|limited:GETLM")
            _ = world.control("sysmsg answer level alice 1")
            id = try logIn()
        case .agreed:
            _ = say(
                "<Service-Request><Functions><WVCSPFeat><IMFeat><IMReceiveFunc><GETLM/></IMReceiveFunc></IMFeat></WVCSPFeat></Functions><AllFunctionsRequest>F</AllFunctionsRequest></Service-Request>"
            )
        case .closing: _ = world.control("disconnect alice")
        }
        return (id, version)
    }

    private func code(_ name: String, _ state: State?) throws -> String {
        let world = World(seed: 1)
        let session = try session(world, state)
        let answer = world.handle(document("<\(name)/>", id: "9", session: session.id, version: session.version))
        #expect(world.commit(succeeds: true))
        return field("Code", answer) ?? ""
    }

    @Test func everyPrimitiveIsRefusedOrReachedInEveryState() throws {
        for row in AdmissionTests.offered {
            #expect(try code(row.name, nil) == row.reached, "\(row.name)")
            for state in State.allCases {
                let expected: String
                switch state {
                case _ where row.states.contains(state): expected = row.reached
                case .closing: expected = "601"
                case .asked, .askedByMessage: expected = "403"
                case .limited, .agreed: expected = "506"
                }
                #expect(try code(row.name, state) == expected, "\(row.name) \(state)")
            }
        }
    }

    @Test func whatThereIsNotIsRefusedInEveryState() throws {
        for state in [nil] + State.allCases.map(Optional.some) {
            for name in AdmissionTests.others {
                #expect(try code(name, state) == (state == .closing ? "601" : "405"), "\(name) \(state as Any)")
            }
            for name in AdmissionTests.beyond where state != .askedByMessage {
                #expect(try code(name, state) == (state == .closing ? "601" : "501"), "\(name) \(state as Any)")
            }
            for name in AdmissionTests.unnamed where state != .askedByMessage {
                let expected = state == .closing ? "601" : state == .asked ? "403" : "501"
                #expect(try code(name, state) == expected, "\(name) \(state as Any)")
            }
        }
    }

    /// Outside a session nothing is told about what there is, but for what leads into one.
    @Test func nothingIsOpenWithoutASession() {
        let world = World(seed: 1)
        let all =
            AdmissionTests.offered.map(\.name) + AdmissionTests.others + AdmissionTests.beyond
            + AdmissionTests.unnamed + ["Polling-Request"]
        for id in [nil, "0000deadbeefdeadbeefdeadbeefdeadbeef"] {
            for name in all {
                let answer = world.handle(document("<\(name)/>", id: "9", session: id, version: "1.3"))
                #expect(world.commit(succeeds: true))
                let expected = id == nil && name == "GetSPInfo-Request" ? nil : "604"
                #expect(field("Code", answer) == expected, "\(name) \(id ?? "without")")
            }
            let login = world.handle(document("<Login-Request/>", id: "9", session: id, version: "1.3"))
            #expect(field("Code", login) == "402")
            let versions = world.handle(
                document("<WV-CSP-VersionDiscovery-Request/>", id: "9", session: id, version: "1.3"))
            #expect(versions.contains("<VersionList>"))
        }
    }
}
