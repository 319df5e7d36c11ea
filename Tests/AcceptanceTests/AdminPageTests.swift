import Foundation
import Harness
import Testing

/// The operator's page by HTTP: who gets in, what it may do, and what it may not.
@Suite struct AdminPageTests {
    static let password = "operator's secret"

    /// An engine with the page; its password lies in a file of its own.
    static func engine(
        users: [String] = ["alice"], password: String? = AdminPageTests.password, mode: Int = 0o600,
        _ sections: String = "", _ settings: [String: String] = [:]
    ) throws -> (engine: EngineProcess, file: URL) {
        let engine = try EngineProcess(settings, users: users, starts: false)
        let file = engine.folder.appendingPathComponent("admin.password")
        if let password {
            try "\(password)\n".write(to: file, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
        }
        engine.sections =
            "config admin 'main'\n\toption port '0'\n\toption password_file '\(file.path)'\n" + sections
        try engine.start()
        return (engine, file)
    }

    static func port(_ engine: EngineProcess) throws -> UInt16 {
        let record = try #require(engine.records("READY").last)
        let word = try #require(record.split(separator: " ").first { $0.hasPrefix("admin_port=") })
        return try #require(UInt16(word.dropFirst(11)))
    }

    private func basic(_ password: String, _ user: String = "operator") -> String {
        "Authorization: Basic \(Data("\(user):\(password)".utf8).base64EncodedString())\r\n"
    }

    private func ask(
        _ engine: EngineProcess, _ line: String, _ fields: String = "", password: String? = AdminPageTests.password,
        body: String = ""
    ) throws -> Answer {
        let connection = try HTTPConnection(port: try AdminPageTests.port(engine))
        let length = line.hasPrefix("POST") ? "Content-Length: \(body.utf8.count)\r\n" : ""
        let proof = password.map { basic($0) } ?? ""
        try connection.send("\(line) HTTP/1.1\r\nHost: 127.0.0.1\r\n\(proof)\(fields)\(length)\r\n\(body)")
        return try #require(try connection.receive())
    }

    private func command(_ engine: EngineProcess, _ line: String, _ fields: String = "") throws -> String {
        String(decoding: try ask(engine, "POST /admin/command", fields, body: line + "\n").body, as: UTF8.self)
    }

    @Test func onlyThePasswordOpensIt() throws {
        let (engine, _) = try AdminPageTests.engine("", ["login_failures": "100"])
        for line in ["GET /admin", "GET /", "GET /admin.js", "GET /metrics", "GET /nothing", "POST /admin/command"] {
            #expect(try ask(engine, line, password: nil).status == 401)
        }
        // Nobody has guessed yet.
        #expect(engine.records("AUTH-FAIL").isEmpty)
        #expect(try ask(engine, "GET /admin").status == 200)
        #expect(try ask(engine, "GET /nothing").status == 404)
        #expect(try ask(engine, "GET /admin", basic("operator's secre")).status == 401)
        for proof in ["Basic", "Basic ", "Basic !!!!", "Basic b3BlcmF0b3I=", "Bearer x", "Digest username=\"x\""] {
            #expect(try ask(engine, "GET /admin", "Authorization: \(proof)\r\n", password: nil).status == 401)
        }
        // It is not the handsets' listener, and theirs is not this one.
        let connection = try engine.connect()
        try connection.send("GET /admin HTTP/1.1\r\nHost: x\r\n\(basic(AdminPageTests.password))\r\n")
        #expect(try connection.receive()?.status == 405)
        let message = "<WV-CSP-Message xmlns=\"http://www.openmobilealliance.org/DTD/WV-CSP1.3\"/>"
        #expect(try ask(engine, "POST /", "Content-Type: application/vnd.wv.csp.xml\r\n", body: message).status == 404)
    }

    @Test func whoGuessesWaits() throws {
        let (engine, _) = try AdminPageTests.engine()
        for _ in 1...5 { #expect(try ask(engine, "GET /admin", password: "a wrong guess").status == 401) }
        // Neither more guesses nor the right word are looked at now.
        #expect(try ask(engine, "GET /admin", password: "another guess").status == 429)
        #expect(try ask(engine, "GET /admin").status == 429)
        #expect(engine.records("AUTH-FAIL").count == 5)
        // The users of the same network are not the ones who guessed; the network is.
        try engine.mustControl(["ping"])
        try wait("the end of the wait", seconds: 30 * Programs.slowness) {
            try ask(engine, "GET /admin").status == 200
        }
    }

    @Test func withoutAPasswordNobodyGetsIn() throws {
        let (engine, file) = try AdminPageTests.engine(password: nil)
        try engine.awaitRecord("CONFIG", "admin.password", "cannot be read")
        #expect(try ask(engine, "GET /admin").status == 503)
        for (text, mode, why) in [("short\n", 0o600, "fewer than 8"), ("long enough\n", 0o644, "others may read")] {
            try text.write(to: file, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
            engine.signal(SIGHUP)
            try engine.awaitRecord("CONFIG", "admin.password", why)
            #expect(try ask(engine, "GET /admin", password: "long enough").status == 503)
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        engine.signal(SIGHUP)
        try wait("the password") { try ask(engine, "GET /admin", password: "long enough").status == 200 }
    }

    @Test func itTellsAndBeginsButNothingElse() throws {
        let (engine, _) = try AdminPageTests.engine()
        #expect(try command(engine, "status").contains("uptime_s="))
        #expect(try command(engine, "user list").hasPrefix("user=wv:alice@home.test"))
        for line in [
            "user del alice", "user passwd alice digest known-secret", "user add x digest known-secret", "dump",
            "factory-reset", "import", "disconnect alice", "log-level debug", "clock trusted", "sysmsg del x",
            "sysmsg answer x alice 1", "sysmsg key x alice", "reach http://127.0.0.1/", "contacts list alice", "", " ",
            "status status", "\u{0}",
        ] {
            let answer = try command(engine, line)
            #expect(
                answer == "error usage the page does not do that; impsctl does\n" || line == "status status",
                "\(line): \(answer)")
        }
        #expect(try command(engine, "user list").hasSuffix("ok\n"))
        #expect(
            try command(
                engine, "sysmsg add tariff kind=online audience=all text=A\\x20call\\x20costs. option=1|Yes|full")
                == "ok\n")
        #expect(try command(engine, "sysmsg list").contains("name=tariff state=active"))
        #expect(try command(engine, "sysmsg add tariff kind=online text=x").hasPrefix("error "))
        // What was begun is stored before it is said.
        engine.kill()
        try engine.start()
        #expect(try command(engine, "sysmsg list").contains("name=tariff state=active"))
        #expect(try command(engine, "sysmsg end tariff") == "ok\n")
        #expect(try command(engine, "sysmsg list").contains("name=tariff state=ended"))
        #expect(try command(engine, String(repeating: "x", count: 8192)).hasPrefix("error usage"))
        #expect(try ask(engine, "POST /admin/command", body: String(repeating: "x", count: 8193)).status == 413)
        #expect(try ask(engine, "POST /admin/command", body: String(repeating: "x", count: 200_000)).status == 413)
    }

    @Test func pagesOfOthersCannotUseIt() throws {
        let (engine, _) = try AdminPageTests.engine()
        for origin in ["http://evil.example", "null", "http://127.0.0.1:80", "http://evil.example:8081"] {
            #expect(
                try ask(engine, "POST /admin/command", "Origin: \(origin)\r\n", body: "status\n").status == 403)
        }
        #expect(try ask(engine, "POST /admin/command", "Origin: http://127.0.0.1\r\n", body: "status\n").status == 200)
        let page = try ask(engine, "GET /admin")
        #expect(
            page.headers["x-frame-options"] == "DENY"
                && page.headers["content-security-policy"]?.contains("default-src 'none'") == true)
        let answer = try ask(engine, "POST /admin/command", body: "status\n")
        #expect(answer.headers["cache-control"] == "no-store")
    }

    /// The text form of Prometheus, by its rules.
    @Test func figuresAreGathered() throws {
        let (engine, _) = try AdminPageTests.engine()
        try engine.client("alice").logIn()
        let answer = try ask(engine, "GET /metrics")
        #expect(answer.status == 200 && answer.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
        var kinds: [Substring: Substring] = [:]
        var values: [Substring: Double] = [:]
        let text = String(decoding: answer.body, as: UTF8.self)
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ")
                #expect(kinds[words[2]] == nil, "\(words[2]) is told once")
                kinds[words[2]] = words[3]
                continue
            }
            let match = try #require(
                line.wholeMatch(of: /([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? ([0-9.]+)/), "\(line)")
            #expect(kinds[match.1] != nil, "\(line) has a type before it")
            values["\(match.1)\(match.2 ?? "")"] = Double(match.3)
        }
        #expect(values["impsd_sessions"] == 1 && kinds["impsd_sessions"] == "gauge")
        #expect(values["impsd_logins_total"] == 1 && kinds["impsd_logins_total"] == "counter")
        #expect(values["impsd_pool_used{pool=\"sessions\"}"] == 1)
        #expect(try #require(values["impsd_cpu_seconds_total"]) < 60)
        #expect(try #require(values["impsd_written_bytes_total"]) >= 512)
        #expect(values.keys.contains { $0.hasPrefix("impsd_info{version=\"") })
        #expect(!text.contains("ok\n") && text.hasSuffix("\n"))
        let head = try runCommand([
            "curl", "-s", "-I", "-m", "10", "-u", "x:\(AdminPageTests.password)",
            "http://127.0.0.1:\(try AdminPageTests.port(engine))/metrics",
        ]).output
        #expect(head.hasPrefix("HTTP/1.1 200 ") && !head.contains("impsd_"))
    }

    @Test func longAnswersComeInPartsAndHoldNobodyUp() throws {
        let users = (0..<600).map { "user\($0)" }
        let (engine, _) = try AdminPageTests.engine(users: ["alice"])
        let rows = (["user,password"] + users.map { "\($0),secret-of-them" }).joined(separator: "\n") + "\n"
        let file = engine.folder.appendingPathComponent("rows.csv")
        try rows.write(to: file, atomically: true, encoding: .utf8)
        let imported = try engine.control(["import", "--file", file.path])
        try #require(imported.code == 0, "\(imported)")
        let whole = try runCommand([
            "curl", "-s", "-u", "x:\(AdminPageTests.password)", "-d", "user list",
            "http://127.0.0.1:\(try AdminPageTests.port(engine))/admin/command",
        ]).output
        #expect(whole.split(separator: "\n").count == 602 && whole.hasSuffix("\nok\n"))
        // Somebody who does not read his answer holds up neither clients nor, for long, the next one.
        let stuck = try HTTPConnection(port: try AdminPageTests.port(engine))
        var size = Int32(2048)
        let descriptor = stuck.takeDescriptor()
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        let request =
            "POST /admin/command HTTP/1.1\r\nHost: x\r\n\(basic(AdminPageTests.password))Content-Length: 9\r\n\r\nuser list"
        _ = request.withCString { Glibc.send(descriptor, $0, request.utf8.count, Int32(MSG_NOSIGNAL)) }
        try engine.client("alice").logIn()
        try engine.mustControl(["ping"])
        close(descriptor)
        try wait("the place") { try ask(engine, "POST /admin/command", body: "status\n").status == 200 }
    }

    /// Over TLS with the certificate of the clients' port, and not without.
    @Test func itIsSealedWhereThatIsWanted() throws {
        let (engine, _) = try AdminPageTests.engine(
            "\toption tls '1'\n", ["tls_port": "0", "tls_self_signed": "1"])
        let port = try AdminPageTests.port(engine)
        let answer = try runCommand([
            "curl", "-s", "-k", "-u", "x:\(AdminPageTests.password)", "https://127.0.0.1:\(port)/metrics",
        ]).output
        #expect(answer.contains("impsd_sessions 0"))
        let plain = try runCommand([
            "curl", "-s", "-m", "5", "-u", "x:\(AdminPageTests.password)", "http://127.0.0.1:\(port)/metrics",
        ])
        #expect(plain.output.isEmpty)
    }

    @Test func whatIsWrongWithItIsSaid() throws {
        for (lines, words) in [
            ("\toption port '70000'\n", "admin.port: 0 (any free port) to 65535"),
            ("\toption listen 'localhost'\n", "admin.listen: a numeric address"),
            ("\toption password_file '/\(String(repeating: "p", count: 200))'\n", "admin.password_file: a path of"),
            ("", "admin.password_file: a file with the password"),
            ("\toption tls '1'\n\toption password_file '/p'\n", "admin.tls: needs tls_port"),
            ("\toption pasword_file '/p'\n", "did you mean password_file?"),
            ("\toption listen '0.0.0.0'\n\toption password_file '/p'\n", "warning: admin.listen: the password crosses"),
        ] {
            let engine = try EngineProcess(starts: false)
            engine.sections = "config admin 'main'\n" + lines
            let ending = try run("impsd", ["--config", engine.configuration, "--check"])
            #expect(ending.errors.contains(words), "\(lines): \(ending)")
        }
    }
}
