import Digests
import Foundation
import Octets
import Testing

/// A nonce serves once, for who asked for it, and for two minutes.
@Suite struct NonceTests {
    private func challenge(_ phone: Phone, client: String = "u", from: String? = nil) -> String? {
        field(
            "Nonce",
            phone.say(
                "<Login-Request><UserID>\(phone.user)</UserID><ClientID><URL>\(client)</URL></ClientID><DigestSchema>SHA</DigestSchema><SessionCookie>\(phone.cookie)</SessionCookie></Login-Request>",
                in: nil, from: from))
    }

    private func answer(
        _ phone: Phone, _ nonce: String, password: String = "righteous", client: String = "u", from: String? = nil
    ) -> String? {
        let octets = DigestAlgorithm.sha1.digest(Array((nonce + password).utf8).span)
        let digest = Data((0..<octets.count).map { octets.span[$0] }).base64EncodedString()
        return field(
            "Code",
            phone.say(
                "<Login-Request><UserID>\(phone.user)</UserID><ClientID><URL>\(client)</URL></ClientID><DigestBytes>\(digest)</DigestBytes><SessionCookie>\(phone.cookie)</SessionCookie></Login-Request>",
                in: nil, from: from))
    }

    @Test func aNonceServesOnce() throws {
        let world = World(users: ["alice"])
        let alice = Phone(world, "alice")
        let nonce = try #require(challenge(alice))
        #expect(answer(alice, nonce) == "200")
        // The same digest again is what somebody overheard; a new nonce is asked for.
        #expect(answer(alice, nonce) == "401")
        #expect(answer(alice, nonce) == "409")
        #expect(world.sessionCount == 1)
    }

    @Test func aWrongDigestSpendsIt() throws {
        let world = World(users: ["alice"])
        let alice = Phone(world, "alice")
        let nonce = try #require(challenge(alice))
        #expect(answer(alice, nonce, password: "wrongful") == "409")
        #expect(answer(alice, nonce) == "401")
        #expect(world.sessionCount == 0)
    }

    @Test func itIsForWhoAskedForIt() throws {
        let world = World(users: ["alice"])
        let alice = Phone(world, "alice")
        let nonce = try #require(challenge(alice))
        let other = Phone(world, "alice", cookie: "other")
        #expect(answer(other, nonce) == "401")
        #expect(answer(alice, nonce, from: "198.51.100.1") == "401")
        #expect(answer(alice, nonce, client: "another") == "422")
        #expect(world.sessionCount == 0)
        #expect(answer(alice, nonce) == "200")
    }

    @Test(arguments: [(119_990, "200"), (120_000, "401")])
    func itServesForTwoMinutes(milliseconds: UInt64, code: String) throws {
        let world = World(users: ["alice"])
        let alice = Phone(world, "alice")
        let nonce = try #require(challenge(alice))
        world.pass(milliseconds: milliseconds)
        #expect(answer(alice, nonce) == code)
    }

    @Test func itOutlivesARestartAndIsNeverTheSame() throws {
        let world = World(users: ["alice"])
        let alice = Phone(world, "alice")
        var nonces: Set<String> = []
        for _ in 0..<20 { nonces.insert(try #require(challenge(alice))) }
        #expect(nonces.count == 20)
        let last = try #require(challenge(alice))
        world.crash()
        #expect(answer(alice, last) == "200")
        #expect(world.count("C") == 0)
    }
}
