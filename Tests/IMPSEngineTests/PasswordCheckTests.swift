import Testing

@testable import IMPSEngine

/// Checks of passwords take long on purpose; a flood of them may not take the loop.
@Suite struct PasswordCheckTests {
    private func logIn(_ world: World, _ user: String, _ password: String, from address: String, cookie: Int) -> String?
    {
        let text =
            "<Login-Request><UserID>\(user)</UserID><ClientID><URL>u</URL></ClientID><Password>\(password)</Password><TimeToLive>600</TimeToLive><SessionCookie>c\(cookie)</SessionCookie></Login-Request>"
        let answer = world.handle(document(text, id: "t\(cookie)", session: nil, version: "1.3"), from: address)
        _ = world.commit(succeeds: true)
        return field("Code", answer)
    }

    @Test func aFloodOfWrongPasswordsTakesAFifthOfTheTime() {
        let world = World(seed: 1) { $0.loginFailuresMax = 5 }
        for user in ["alice digest", "bob password-only", "carol password-only"] {
            #expect(world.control("user add \(user) righteous").hasPrefix("ok"))
        }
        // Bob was here before.
        #expect(logIn(world, "bob", "righteous", from: "192.0.2.2", cookie: 1) == "200")
        world.passwordCheckCost = 10_000
        var checked = 0
        var number = 10
        // For ten seconds, 200 a second, each from another address, and for names of each kind.
        for tenth in 0..<100 {
            for _ in 0..<20 {
                number += 1
                let user = ["alice", "bob", "carol", "nobody"][number % 4]
                switch logIn(world, user, "wrong", from: "10.0.\(number / 250).\(number % 250)", cookie: number) {
                case "409": checked += 1
                case let code: #expect(code == "503")
                }
            }
            world.pass(milliseconds: 80)
            guard tenth % 10 == 9 else { continue }
            number += 2
            // Neither who needs no check nor who is known where he is is held up.
            #expect(logIn(world, "alice", "righteous", from: "192.0.2.1", cookie: number) == "200")
            #expect(logIn(world, "bob", "righteous", from: "192.0.2.2", cookie: number + 1) == "200")
            number += 2
        }
        print("\(checked) of 2000 wrong passwords were checked in ten seconds, 10 ms each")
        #expect((150...222).contains(checked))
    }
}
