import Foundation
import Harness
import Testing

let versions = ["1.1", "1.2", "1.3"]

/// Each row of the table of Login-Response. Source: protocol/session.md §3.2, §3.3, §3.4.
@Suite struct LoginTests {
    let engine: EngineProcess

    init() throws { engine = try EngineProcess() }

    private func childNames(_ reply: Reply) -> [String] { reply.primitive?.childNames ?? [] }

    @Test(arguments: versions) func passwordIsAccepted(version: String) throws {
        let alice = try engine.client("alice", version)
        let reply = try alice.logIn()
        #expect(reply.name == "Login-Response")
        #expect(reply.code == 200)
        #expect(childNames(reply) == ["ClientID", "Result", "SessionID", "KeepAliveTime", "CapabilityRequest"])
        #expect(reply.primitive?["ClientID/URL"]?.text == "test.client")
        #expect(reply.primitive?["KeepAliveTime"]?.number == 600)
        #expect(reply.primitive?["CapabilityRequest"]?.text == "T")
        #expect(reply.root["Session/SessionDescriptor/SessionType"]?.text == "Outband")
        #expect(reply.root["Session/SessionDescriptor/SessionID"] == nil)
        #expect(reply.root.namespace == namespaces(version).session)
        #expect(reply.transaction["TransactionContent"]?.namespace == namespaces(version).transaction)
    }

    @Test(arguments: versions, ["SHA", "MD5", "MD4"]) func digestIsAccepted(version: String, schema: String) throws {
        let alice = try engine.client("alice", version)
        let id = alice.nextTransactionID()
        let challenge = try alice.request(alice.loginContent("<DigestSchema>\(schema)</DigestSchema>"), transaction: id)
        if schema == "MD4", challenge.code == 543 { return }
        #expect(challenge.code == 401)
        #expect(childNames(challenge) == ["ClientID", "Result", "Nonce", "DigestSchema", "CapabilityRequest"])
        #expect(challenge.primitive?["DigestSchema"]?.text == schema)
        #expect(challenge.primitive?["CapabilityRequest"]?.text == "F")
        let reply = try alice.request(alice.loginContent(try alice.answer(to: challenge)), transaction: id)
        #expect(reply.code == 200)
        #expect(childNames(reply) == ["ClientID", "Result", "SessionID", "KeepAliveTime", "CapabilityRequest"])
    }

    @Test func theStrongestSchemaIsChosen() throws {
        let alice = try engine.client("alice")
        let reply = try alice.request(
            alice.loginContent(["MD6", "PWD", "MD5", "SHA"].map { "<DigestSchema>\($0)</DigestSchema>" }.joined()))
        #expect(reply.primitive?["DigestSchema"]?.text == "SHA")
        let second = try engine.client("alice")
        let other = try second.request(
            second.loginContent(["PWD", "MD4", "MD5"].map { "<DigestSchema>\($0)</DigestSchema>" }.joined()))
        #expect(other.primitive?["DigestSchema"]?.text == "MD5")
    }

    @Test(arguments: versions) func aWrongPasswordIsRefused(version: String) throws {
        let alice = try engine.client("alice", version)
        let reply = try alice.logIn("wrong")
        #expect(reply.name == "Login-Response")
        #expect(reply.code == 409)
        #expect(childNames(reply) == ["ClientID", "Result"])
        try engine.awaitRecord("AUTH-FAIL", "user=wv:alice@home.test", "why=badpass", "ip=127.0.0.1")
        #expect(!engine.log.contains("wrong"))
    }

    @Test(arguments: versions) func aWrongDigestIsRefusedWithoutAThirdPhase(version: String) throws {
        let alice = try engine.client("alice", version)
        let reply = try alice.logInByDigest(password: Array("wrong".utf8))
        #expect(reply.code == 409)
        #expect(childNames(reply) == ["ClientID", "Result"])
    }

    @Test func anUnknownUserIsToldNothing() throws {
        let nobody = Client(try engine.connect(), user: "wv:nobody@home.test", password: "x", "1.2")
        #expect(try nobody.logIn().code == 409)
        // A challenge is given as to anybody else.
        #expect(try nobody.logInByDigest().code == 409)
    }

    @Test(arguments: versions) func noCommonSchemaIs543(version: String) throws {
        let alice = try engine.client("alice", version)
        let reply = try alice.logInByDigest(["MD6", "PWD"])
        #expect(reply.code == 543)
    }

    @Test func passwordSchemaWorksWhenItIsConfigured() throws {
        let engine = try EngineProcess(["allow_pwd": "1"])
        let alice = try engine.client("alice")
        #expect(try alice.logInByDigest(["PWD"]).code == 200)
    }

    @Test func anAccountWithPasswordOnlyHasNoDigestLogin() throws {
        #expect(
            try engine.control(["user", "add", "carol", "--kind", "password-only"], input: "carol's own\n").code == 0)
        let carol = Client(try engine.connect(), user: "wv:carol@home.test", password: "carol's own", "1.2")
        #expect(try carol.logInByDigest().code != 200)
        #expect(try carol.logIn().code == 200)
        #expect(try carol.logIn("carol's owN").code == 409)
    }

    @Test func aChallengeServesOnce() throws {
        let alice = try engine.client("alice")
        let challenge = try alice.request(alice.loginContent("<DigestSchema>MD5</DigestSchema>"), transaction: "1")
        let answer = alice.loginContent(try alice.answer(to: challenge))
        #expect(try alice.request(answer, transaction: "2").code == 200)
        #expect(try alice.request(answer, transaction: "3").code == 401)
    }

    @Test func aFailedAnswerUsesTheChallengeUp() throws {
        let alice = try engine.client("alice")
        let challenge = try alice.request(alice.loginContent("<DigestSchema>MD5</DigestSchema>"), transaction: "1")
        let wrong = try alice.answer(to: challenge, Array("wrong".utf8))
        #expect(try alice.request(alice.loginContent(wrong), transaction: "1").code == 409)
        let right = try alice.answer(to: challenge)
        let again = try alice.request(alice.loginContent(right), transaction: "1")
        #expect(again.code == 401)
        #expect(try alice.request(alice.loginContent(try alice.answer(to: again)), transaction: "1").code == 200)
    }

    @Test func aChallengeExpires() throws {
        let engine = try EngineProcess(["challenge_s": "5"])
        let alice = try engine.client("alice")
        let challenge = try alice.request(alice.loginContent("<DigestSchema>MD5</DigestSchema>"), transaction: "1")
        Thread.sleep(forTimeInterval: 6.5)
        let answer = try alice.answer(to: challenge)
        #expect(try alice.request(alice.loginContent(answer), transaction: "1").code == 401)
        #expect(engine.records("AUTH-FAIL").isEmpty)
    }

    @Test func aChallengeBelongsToUserClientAndCookie() throws {
        let alice = try engine.client("alice")
        let challenge = try alice.request(alice.loginContent("<DigestSchema>MD5</DigestSchema>"), transaction: "1")
        let other = try engine.client("alice", cookie: "another")
        #expect(try other.request(other.loginContent(try alice.answer(to: challenge)), transaction: "1").code == 401)
        // It did not take the challenge of the first client away.
        #expect(try alice.request(alice.loginContent(try alice.answer(to: challenge)), transaction: "1").code == 200)
    }

    @Test func aChallengeSurvivesARestart() throws {
        let alice = try engine.client("alice")
        let challenge = try alice.request(alice.loginContent("<DigestSchema>SHA</DigestSchema>"), transaction: "1")
        try engine.restart()
        alice.connection = try engine.connect()
        #expect(try alice.request(alice.loginContent(try alice.answer(to: challenge)), transaction: "1").code == 200)
    }

    @Test(arguments: versions) func anotherClientIDInTheSecondPhaseIs422(version: String) throws {
        let alice = try engine.client("alice", version)
        let challenge = try alice.request(alice.loginContent("<DigestSchema>MD5</DigestSchema>"), transaction: "1")
        alice.clientID = "<ClientID><URL>another.client</URL></ClientID>"
        #expect(try alice.request(alice.loginContent(try alice.answer(to: challenge)), transaction: "1").code == 422)
    }

    @Test func theCookieTakesTheSessionUpAgain() throws {
        let alice = try engine.client("alice")
        try alice.logIn()
        let first = alice.sessionID
        let bob = try engine.client("bob")
        try bob.logIn()
        try bob.send("while away", to: "wv:alice@home.test")
        try engine.restart()
        alice.connection = try engine.connect()
        let reply = try alice.logIn()
        #expect(reply.code == 200)
        #expect(alice.sessionID == first)
        #expect(reply.primitive?["CapabilityRequest"]?.text == "F")
        #expect(try alice.receiveTexts() == ["while away"])
        try engine.awaitRecord("LOGIN", "resumed=1")
    }

    @Test func someoneElsesCookieTakesNothingOver() throws {
        let alice = try engine.client("alice", cookie: "guessed")
        try alice.logIn()
        let bob = try engine.client("bob", cookie: "guessed")
        bob.clientID = "<ClientID><URL>attacker</URL></ClientID>"
        try bob.logIn()
        #expect(try alice.poll() == nil)
    }

    @Test func whenTheServerIsFullItSays503() throws {
        let engine = try EngineProcess(["max_sessions": "2"], users: ["alice", "bob", "carol"])
        let clients = try (1...3).map { number in
            let user = ["alice", "bob", "alice"][number - 1]
            let client = try engine.client(user, cookie: "\(number)")
            client.connection = try HTTPConnection(port: engine.port, from: UInt32(number) + 1)
            return client
        }
        for client in clients.prefix(2) { #expect(try client.logIn().code == 200) }
        // Who has a session changes it for another; nobody takes that of somebody else.
        #expect(try clients[2].logIn().code == 200)
        #expect(try clients[1].poll() == nil)
        let carol = try engine.client("carol", cookie: "4")
        carol.connection = try HTTPConnection(port: engine.port, from: 9)
        #expect(try carol.logIn().code == 503)
        try engine.awaitRecord("SESSIONS-FULL", "max=2")
    }

    @Test func whoHasTooManySessionsLosesTheOldest() throws {
        let engine = try EngineProcess(["sessions_per_user": "2"])
        let clients = try (0..<3).map { try engine.client("alice", cookie: "c\($0)") }
        for client in clients { #expect(try client.logIn().code == 200) }
        let told = try clients[0].poll()
        #expect(told?.name == "Disconnect" || told?.code == 604)
        #expect(try clients[2].poll() == nil)
    }

    @Test(arguments: versions) func aLoginWithoutNameIs402(version: String) throws {
        let alice = try engine.client("alice", version)
        let reply = try alice.request(
            "<Login-Request>\(alice.clientID)<Password>x</Password><TimeToLive>60</TimeToLive></Login-Request>")
        #expect(reply.code == 402)
    }

    @Test func aLoginWithoutCredentialsIs409() throws {
        let alice = try engine.client("alice")
        #expect(try alice.request(alice.loginContent("")).code == 409)
    }

    @Test func passwordsAreReadAsLatin1AndAsUTF8() throws {
        #expect(try engine.control(["user", "add", "dora"], input: "grüße, ja\n").code == 0)
        let dora = Client(try engine.connect(), user: "wv:dora@home.test", password: "grüße, ja", "1.2")
        #expect(try dora.logIn().code == 200)
        #expect(try dora.logInByDigest(["MD5"], password: Array("grüße, ja".utf8)).code == 200)
        #expect(
            try dora.logInByDigest(["MD5"], password: "grüße, ja".unicodeScalars.map { UInt8($0.value) }).code == 200)
    }

    @Test func namesAreReadAsClientsWriteThem() throws {
        for name in ["alice", "WV:Alice@HOME.test", "wv:alice", " wv:alice@home.test "] {
            let alice = Client(try engine.connect(), user: name, password: engine.password(of: "alice"), "1.2")
            #expect(try alice.logIn().code == 200, "\(name)")
        }
    }

    @Test func guessingIsSlowedDown() throws {
        let engine = try EngineProcess(["login_failures": "3"])
        let alice = try engine.client("alice")
        for _ in 0..<3 { #expect(try alice.logIn("wrong").code == 409) }
        #expect(try alice.logIn().code == 503)
        try engine.awaitRecord("AUTH-WAIT", "user=wv:alice@home.test")
    }

    @Test func theProposalForKeepAliveIsLimited() throws {
        let engine = try EngineProcess(["keepalive_min": "100", "keepalive_default": "200", "keepalive_max": "300"])
        for (proposal, expected) in [(5, 100), (250, 250), (9999, 300)] {
            let alice = try engine.client("alice")
            let reply = try alice.request(
                alice.loginContent("<Password>\(alice.password)</Password>", timeToLive: proposal))
            #expect(reply.primitive?["KeepAliveTime"]?.number == expected)
        }
    }
}
