import Foundation
import Harness
import Testing

/// What a browser is given, and what a stranger is not: the page by HTTP, and links that log in.
@Suite struct PageTests {
    private static let paths = ["/", "/page.js", "/page.css", "/manifest.webmanifest", "/icon.svg", "/m/x.bob"]

    private func engine(_ lines: String = "\toption url 'http://gateway.lan:8080/'\n", _ sections: String = "") throws
        -> EngineProcess
    {
        let engine = try EngineProcess(starts: false)
        engine.sections = "config page 'main'\n\toption enabled '1'\n" + lines + sections
        try engine.start()
        return engine
    }

    private func curl(_ engine: EngineProcess, _ path: String, _ options: String...) throws -> (
        status: Int, fields: [String: String], body: String
    ) {
        let ending = try runCommand(
            ["curl", "-s", "-i", "--path-as-is", "--compressed", "-m", "20", "http://127.0.0.1:\(engine.port)\(path)"]
                + options)
        let parts = ending.output.replacingOccurrences(of: "\r\n", with: "\n").components(separatedBy: "\n\n")
        let lines = parts[0].split(separator: "\n")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let words = line.split(separator: ":", maxSplits: 1)
            fields[words[0].lowercased()] = words.count > 1 ? words[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let status = lines.first.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
        return (status, fields, parts.dropFirst().joined(separator: "\n\n"))
    }

    @Test func thereIsNoPageUnlessItIsWanted() throws {
        let engine = try EngineProcess()
        for path in PageTests.paths { #expect(try curl(engine, path).status == 405) }
        #expect(try curl(engine, "/", "-I").status == 405)
    }

    @Test func filesOfTheProgramAreServedAndNothingElse() throws {
        let engine = try engine()
        for path in PageTests.paths {
            let answer = try curl(engine, path)
            #expect(answer.status == 200 && answer.fields["content-encoding"] == "gzip", "\(path)")
            let head = try curl(engine, path, "-I")
            #expect(
                head.status == 200 && head.body == ""
                    && head.fields["content-length"] == answer.fields["content-length"])
            let tag = try #require(answer.fields["etag"])
            let known = try curl(engine, path, "-H", "If-None-Match: \"x\", \(tag)")
            #expect(known.status == 304 && known.body == "" && known.fields["etag"] == tag)
            #expect(try curl(engine, path, "-H", "If-None-Match: \"x\"").status == 200)
            #expect(
                answer.fields["cache-control"] == "no-cache" && answer.fields["x-content-type-options"] == "nosniff")
            // In nobody's frame, nothing of others, nothing that stands in the document.
            let policy = try #require(answer.fields["content-security-policy"])
            #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("unsafe") && answer.fields["x-frame-options"] == "DENY")
        }
        let script = Programs.package.appendingPathComponent("Sources/CPage/page.js").path
        let packed = try runCommand([Programs.package.path + "/Tests/Support/pack-page.sh", script]).output
        #expect(try curl(engine, "/page.js?v=1").body.hasPrefix(packed.prefix(2000)))
        for path in [
            "/etc/passwd", "/../../etc/passwd", "//", "/page.js/", "/Page.js", "/m", "/index.html", "/%2e%2e/",
            "/page.html",
        ] {
            let answer = try curl(engine, path)
            #expect(answer.status == 404 && answer.body == "", "\(path): \(answer)")
        }
        for method in ["PUT", "DELETE", "OPTIONS", "TRACE"] {
            #expect(try curl(engine, "/", "-X", method).status == 405, "\(method)")
        }
        // Several in one connection, and a message after them.
        let connection = try engine.connect()
        for _ in 1...3 {
            try connection.send("GET /page.css HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try connection.receive()?.status == 200)
        }
        #expect(
            try Client(connection, user: "alice", password: engine.password(of: "alice"), "1.3", cookie: "c").logIn()
                .code == 200)
    }

    @Test func pagesOfOthersAreKeptOut() throws {
        let engine = try engine()
        let body = try engine.client("alice").document("<Polling-Request/>", transaction: "1")
        for (origin, host, status) in [
            ("http://gateway.lan:8080", "gateway.lan:8080", 200), ("http://evil.example", "gateway.lan:8080", 403),
            ("http://evil.example", "evil.example", 403),
            ("http://gateway.lan.evil.example", "gateway.lan.evil.example", 403),
            ("http://xgateway.lan:8080", "xgateway.lan:8080", 403), ("null", "gateway.lan:8080", 403),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", 200),
        ] {
            let answer = try curl(
                engine, "/", "-H", "Origin: \(origin)", "-H", "Host: \(host)", "-H",
                "Content-Type: application/vnd.wv.csp.xml", "-d", body)
            #expect(answer.status == status, "\(origin) \(host): \(answer.status)")
            #expect(answer.fields["access-control-allow-origin"] == nil)
        }
    }

    @Test func theConfigurationIsLookedAt() throws {
        let engine = try EngineProcess(starts: false)
        func findings(_ lines: String) throws -> String {
            engine.sections = "config page 'main'\n\(lines)\n"
            return try run("impsd", ["--config", engine.configuration, "--check", "--allow-root"]).errors
        }
        #expect(try findings("\toption enabled 'maybe'").contains("page.enabled: 0 or 1"))
        #expect(try findings("\toption url 'gateway.lan'").contains("page.url: http:// or https://"))
        #expect(try findings("\toption url 'http://gateway.lan/sub/'").contains("page.url"))
        #expect(try findings("\toption url 'http://a@gateway.lan/'").contains("page.url"))
        #expect(try findings("\toption link_hours '0'").contains("1 to 720"))
        #expect(try findings("\toption enable '1'").contains("did you mean enabled?"))
        #expect(try findings("\toption enabled '1'\n\toption url 'https://[fe80::1]:8443'\n\toption links '0'") == "")
    }

    // MARK: Links

    /// Has bob told by a webhook, and gives the link.
    private func link(_ engine: EngineProcess, _ gateway: Gateway, _ count: Int = 1) throws -> (
        token: String, user: String
    ) {
        let alice = try engine.client("alice", cookie: "writer \(count)")
        try alice.logIn()
        #expect(try alice.send("hello", to: "wv:bob@home.test").code == 200)
        let request = try #require(try gateway.await(count).last)
        let body = try JSONSerialization.jsonObject(with: Data(request.body.utf8)) as? [String: Any]
        let link = try #require(body?["link"] as? String)
        let match = try #require(link.wholeMatch(of: #/http://gateway\.lan:8080/m/([0-9a-f]{32})\.(bob)/#), "\(link)")
        return (String(match.1), String(match.2))
    }

    private func hook(_ gateway: Gateway) -> String {
        "config notify 'hook'\n\toption bearer 'webhook'\n\toption url '\(gateway.url("ok"))'\n"
    }

    @Test func aLinkHoldsOnceAndForOne() throws {
        let gateway = try Gateway()
        let engine = try engine("\toption url 'http://gateway.lan:8080'\n", hook(gateway))
        let link = try link(engine, gateway)
        // For nobody else, and not in part.
        for (user, password) in [
            ("alice", "link:" + link.token), ("bob", link.token), ("bob", "link:" + link.token.dropLast()),
            ("bob", "link:"),
            ("bob", "link:" + String(repeating: "0", count: 32)), ("bob", "link:" + link.token + "0"),
        ] {
            #expect(try engine.client(user, "1.3", cookie: "thief").logIn(password).code == 409, "\(user) \(password)")
        }
        let bob = try engine.client("bob", "1.3")
        #expect(try bob.logIn("link:" + link.token).code == 200)
        #expect(try bob.receiveTexts() == ["hello"])
        #expect(try engine.client("bob", "1.3", cookie: "again").logIn("link:" + link.token).code == 409)
        // The password is the password still.
        #expect(try engine.client("bob", "1.3", cookie: "usual").logIn().code == 200)
    }

    @Test func aNewPasswordTakesLinksBack() throws {
        let gateway = try Gateway()
        let engine = try engine("\toption url 'http://gateway.lan:8080/'\n", hook(gateway))
        let link = try link(engine, gateway)
        let changed = try engine.control(["user", "passwd", "bob"], input: "another\n")
        #expect(changed.code == 0, "\(changed.errors)")
        #expect(try engine.client("bob", "1.3").logIn("link:" + link.token).code == 409)
        #expect(try engine.client("bob", "1.3").logIn("another").code == 200)
        try engine.mustControl(["user", "del", "bob"])
        #expect(try !engine.control(["dump"]).output.split(separator: "\n").contains { $0.hasPrefix("l") })
    }

    @Test func whoGuessesLinksHasToWait() throws {
        let engine = try EngineProcess(["login_failures": "5"], starts: false)
        engine.sections = "config page 'main'\n\toption enabled '1'\n\toption url 'http://gateway.lan:8080/'\n"
        try engine.start()
        var codes: [Int] = []
        for number in 0..<10 {
            let guess = "link:" + String(format: "%032x", number)
            codes.append(try engine.client("bob", "1.3", cookie: "c\(number)").logIn(guess).code)
        }
        #expect(codes.first == 409 && codes.last == 503, "\(codes)")
    }

    @Test func linksCanBeSwitchedOff() throws {
        let gateway = try Gateway()
        let engine = try engine("\toption url 'http://gateway.lan:8080/'\n\toption links '0'\n", hook(gateway))
        let alice = try engine.client("alice")
        try alice.logIn()
        #expect(try alice.send("hello", to: "wv:bob@home.test").code == 200)
        #expect(try gateway.await(1).first?.body.contains("link") == false)
    }
}
