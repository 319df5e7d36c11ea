import Foundation
import Harness
import Testing

/// How long the long forms are; the default is what fits into the run of all tests.
private func setting(_ name: String, _ otherwise: Int) -> Int {
    Int(ProcessInfo.processInfo.environment[name] ?? "") ?? otherwise
}

/// The programs of `dist/` on virtual boards.
///
/// Times are printed, not asserted: what emulates the boards has other work to do.
@Suite(.enabled(if: !VirtualBoard.architectures.isEmpty))
struct BoardTests {
    private let versions = ["1.1", "1.2", "1.3"]

    /// Every record of ours, whatever else the console shows: a first shell prompts, until one takes over that does not.
    private func expectRecordsHaveTheirForm(_ board: VirtualBoard) {
        let record =
            /up=\d+\.\d{3}( t=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)? [EWNID] [A-Z][A-Z-]*( [a-z_0-9]+=("[ -~]*"|[!-~]*))*/
        var count = 0
        for line in board.log.split(separator: "\n") where line.contains("up=") && !line.contains(" # ") {
            #expect(line.wholeMatch(of: record) != nil && line.utf8.count <= 240, "\(line)")
            count += 1
        }
        #expect(count > 10)
    }

    // MARK: The main job

    @Test(arguments: VirtualBoard.architectures) func theMainJobRuns(_ architecture: String) throws {
        let crowd = (0..<125).map { "user\($0)" }
        let board = try VirtualBoard(architecture, files: ["provision": VirtualBoard.provision(crowd)])
        let ready = try board.boot()
        let atStart = try board.residentKB()
        print("board \(architecture): ready \(String(format: "%.2f", ready)) s after init, resident \(atStart) KB")
        #expect(atStart <= 4096)
        #expect(try board.shell("ps -o user,comm | grep impsd").output.hasPrefix("imps "))
        for user in ["alice", "bob"] {
            let password = VirtualBoard.password(of: user)
            #expect(try board.shell("echo '\(password)' | impsctl user add \(user)").code == 0)
        }
        for version in versions { try converse(board, version) }
        // A thousand sessions, each of which watches twenty contacts.
        for (place, user) in crowd.enumerated() {
            let connection = try board.connect()
            for number in 0..<8 {
                let client = Client(
                    connection, user: "wv:\(user)@home.arpa", password: VirtualBoard.password(of: user), "1.2",
                    cookie: "\(user)-\(number)")
                #expect(try client.logIn().code == 200)
                if number == 0 {
                    try makeList(client, of: user, with: (1...20).map { crowd[(place + $0) % crowd.count] })
                }
                #expect(try subscribe(client, user).code == 200)
            }
        }
        let status = try board.shell("impsctl status").output
        #expect(status.contains("Sessions  1000 open"), "\(status)")
        let crowded = try board.residentKB()
        print("board \(architecture): resident \(crowded) KB with 1000 sessions that watch 20 contacts each")
        #expect(crowded <= 5120)
        let lines = status.split(separator: "\n")
        #expect(lines.count <= 24)
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(status)")
        try board.powerOff()
        try board.awaitLine("STOP signal=15")
        expectRecordsHaveTheirForm(board)
        // It was no power cut, and the board knows.
        try board.boot()
        #expect(board.records("LAST-EXIT").isEmpty)
    }

    /// By TLS alone, with the certificate that the board makes at its first start; and it has given up what it does not need.
    @Test(arguments: VirtualBoard.architectures) func theMainJobRunsByTLS(_ architecture: String) throws {
        let sealed = try VirtualBoard.configuration(["tls_port": "8080", "tls_only": "1", "tls_self_signed": "1"])
        let board = try VirtualBoard(
            architecture, files: ["imps.config": sealed, "provision": VirtualBoard.provision(["alice", "bob"])])
        try board.powerOn()
        try board.awaitLine("READY port=0", "tls_port=8080")
        #expect(board.records("TLS-MADE").count == 1)
        let first = try #require(board.records("TLS-CERT").first?.firstMatch(of: /sha256=[0-9a-f]+/)).0
        let confined = try #require(board.records("CONFINED").first)
        print("board \(architecture): \(confined)")
        #expect(confined.contains("calls=on") && confined.contains("tried=refused"))
        board.front = try TLSFront(to: board.port, in: board.folder)
        for version in versions { try converse(board, version) }
        print("board \(architecture): resident \(try board.residentKB()) KB after the main job by TLS")
        let shown = try board.shell("impsctl cert show").output
        #expect(shown.contains(first) && shown.contains("192.168.1.1"), "\(shown)")
        #expect(try board.shell("ls -l /srv/imps/tls.key").output.hasPrefix("-rw------- "))
        try board.powerOff()
        expectRecordsHaveTheirForm(board)
        // It is the same after the next start.
        try board.powerOn()
        try board.awaitLine("READY port=0", "tls_port=8080")
        #expect(board.records("TLS-MADE").isEmpty)
        #expect(board.records("TLS-CERT").first?.contains(first) == true)
    }

    /// Both ways to log in, negotiation, a message to somebody who is not there, and its delivery.
    private func converse(_ board: VirtualBoard, _ version: String) throws {
        let alice = try board.client("alice", version)
        #expect(try alice.logInByDigest().code == 200)
        let capabilities = try alice.negotiateCapabilities(
            "<ClientType>MOBILE_PHONE</ClientType><InitialDeliveryMethod>P</InitialDeliveryMethod>"
                + "<AcceptedContentType>text/plain</AcceptedContentType><AcceptedContentLength>4096</AcceptedContentLength>"
                + "<SupportedBearer>HTTP</SupportedBearer><SupportedCIRMethod>STCP</SupportedCIRMethod>")
        #expect(capabilities.code == 200)
        #expect(
            try alice.negotiateServices("<WVCSPFeat><FundamentalFeat/><PresenceFeat/><IMFeat/></WVCSPFeat>").code == 200
        )
        #expect(try alice.send("for later, \(version)", to: "wv:bob@home.arpa").code == 200)
        let bob = try board.client("bob", version)
        #expect(try bob.logIn().code == 200)
        #expect(try bob.receiveTexts() == ["for later, \(version)"])
        #expect(try bob.send("back, \(version)", to: "wv:alice@home.arpa").code == 200)
        #expect(try alice.receiveTexts() == ["back, \(version)"])
        // Each has the other on a list, sees that he is there, and that he goes.
        for (client, user, other) in [(alice, "alice", "bob"), (bob, "bob", "alice")] where version == "1.2" {
            try makeList(client, of: user, with: [other])
            #expect(try subscribe(client, user).code == 200)
        }
        #expect(try bob.logOut().code == 200)
        let told = try alice.receiveAll().filter { $0.name == "PresenceNotification-Request" }
        if version == "1.2" {
            #expect(told.last?.primitive?["Presence/PresenceSubList/OnlineStatus/PresenceValue"]?.text == "F")
        }
        #expect(try alice.logOut().code == 200)
    }

    /// Makes a list with contacts, and lets everybody see whether its owner is there.
    private func makeList(_ client: Client, of user: String, with contacts: [String]) throws {
        let nicks = contacts.map { "<NickName><Name>\($0)</Name><UserID>wv:\($0)@home.arpa</UserID></NickName>" }
            .joined()
        #expect(
            try client.request(
                "<CreateList-Request><ContactList>wv:\(user)/l@home.arpa</ContactList><NickList>\(nicks)</NickList></CreateList-Request>"
            ).code == 200)
        #expect(
            try client.request(
                "<CreateAttributeList-Request><PresenceSubList xmlns=\"http://www.openmobilealliance.org/DTD/WV-PA1.2\"><OnlineStatus/></PresenceSubList><DefaultList>T</DefaultList></CreateAttributeList-Request>"
            ).code == 200)
    }

    private func subscribe(_ client: Client, _ user: String) throws -> Reply {
        try client.request(
            "<SubscribePresence-Request><ContactList>wv:\(user)/l@home.arpa</ContactList><PresenceSubList xmlns=\"http://www.openmobilealliance.org/DTD/WV-PA1.2\"><OnlineStatus/></PresenceSubList><AutoSubscribe>T</AutoSubscribe></SubscribePresence-Request>"
        )
    }

    // MARK: System Messages

    @Test(arguments: VirtualBoard.architectures) func answersDecideTheLevelAndAreKept(_ architecture: String) throws {
        let terms = """

            config sysmsg 'terms-2026'
            \toption kind 'login'
            \toption text 'Messages cost 0.10 each. Do you accept?'
            \toption required '1'
            \toption blocking '1'
            \tlist option '1|Accept|full'
            \tlist option '2|Presence only|limited:FundamentalFeat,PresenceFeat'
            \tlist option '3|Decline|deny'

            """
        let board = try VirtualBoard(
            architecture,
            files: [
                "provision": VirtualBoard.provision(["alice", "bob"]),
                "imps.config": try VirtualBoard.configuration(["poll_min": "1"]) + terms,
            ])
        try board.boot()
        let alice = try board.client("alice", "1.3")
        let asked = try alice.logIn()
        #expect(asked.code == 403)
        let id = try #require(asked.systemMessages.first?["SystemMessageID"]?.text)
        #expect(try board.client("bob", "1.3").logIn().code == 403)
        #expect(try alice.logIn(answering: [(id, 2)]).code == 200)
        #expect(try alice.send("no", to: "wv:bob@home.arpa").code == 506)
        // What was answered holds after a power cut.
        board.cut()
        try board.boot()
        alice.connection = try board.connect()
        #expect(try alice.logIn().code == 200)
        #expect(try alice.send("no", to: "wv:bob@home.arpa").code == 506)
        let added = try board.shell(
            "impsctl sysmsg add tariff --kind online --text 'The tariff changes.' --option '1|Fine|full'")
        #expect(added.code == 0, "\(added.output)")
        let request = try #require(try alice.receiveAll().first)
        #expect(request.name == "SystemMessage-Request")
        let online = try #require(request.systemMessages.first?["SystemMessageID"]?.text)
        #expect(try alice.answer([(online, 1)]).code == 200)
        // The proof, as the operator takes it away.
        let proof = try board.shell("impsctl --csv sysmsg results terms-2026").output
        #expect(proof.contains("wv:alice@home.arpa,1,"), "\(proof)")
        #expect(proof.contains(",answered,2,0,0,0"), "\(proof)")
        #expect(proof.contains("wv:bob@home.arpa,1,"), "\(proof)")
        #expect(try board.shell("impsctl --csv sysmsg results tariff").output.contains(",answered,1,"))
        #expect(try board.shell("impsctl sysmsg progress tariff").output.contains("answered=1"))
        expectRecordsHaveTheirForm(board)
    }

    // MARK: The page

    /// Somebody opens the gateway's page in Chromium, and talks with a handset.
    @Test(.enabled(if: Browser.isThere), arguments: VirtualBoard.architectures)
    func thePageLogsInAndTalks(_ architecture: String) throws {
        let page = "\nconfig page 'main'\n\toption enabled '1'\n\toption url 'http://gateway.lan:8080/'\n"
        let board = try VirtualBoard(
            architecture,
            files: [
                "provision": VirtualBoard.provision(["alice", "bob"]),
                "imps.config": try VirtualBoard.configuration(["poll_min": "1"]) + page,
            ])
        try board.boot()
        let browser = try Browser()
        try browser.open("http://127.0.0.1:\(board.port)/")
        try wait("the form", seconds: 30) { try browser.sees("#login") }
        try browser.type("alice", into: "#name")
        try browser.type(VirtualBoard.password(of: "alice") + "\n", into: "#password")
        try browser.await("alice", in: "#me", seconds: 30)
        let bob = try board.client("bob")
        try bob.logIn()
        #expect(try bob.send("from a handset", to: "wv:alice@home.arpa").code == 200)
        try browser.await("bob", in: "#list", seconds: 30)
        try browser.click("#list button")
        try browser.await("from a handset", in: "#log", seconds: 30)
        try browser.type("from the page\n", into: "#text")
        try wait("the answer", seconds: 30) { try bob.receiveTexts() == ["from the page"] }
        try browser.picture("board-\(architecture)")
        #expect(try browser.complaints() == [])
        expectRecordsHaveTheirForm(board)
    }

    // MARK: Power cuts

    @Test(arguments: VirtualBoard.architectures) func nothingAcknowledgedIsLostByPowerCuts(_ architecture: String)
        throws
    {
        let rounds = setting("IMPSD_POWER_CUTS", 3)
        let board = try VirtualBoard(
            architecture, megabytes: 64,
            files: [
                "provision": VirtualBoard.provision(["alice", "bob"]),
                "imps.config": try VirtualBoard.configuration([
                    "offline_max_msgs": "100000", "offline_max_kb": "1000000", "db_kb": "32768",
                    "sessions_per_user": "64", "guard_s": "1", "poll_min": "1", "login_failures": "0",
                    "clock": "trusted",
                ]),
            ])
        let ledger = Ledger()
        try board.boot()
        let reader = try board.client("bob")
        try reader.logIn()
        var slowest = 0.0
        for round in 0..<rounds {
            reader.connection = try board.connect()
            let writers = try (0..<8).map { try board.client("alice", versions[$0 % 3], cookie: "w\($0)") }
            ledger.round(
                "\(round)", writers: writers, to: "wv:bob@home.arpa", reader: reader,
                seconds: Double.random(in: 2...6)
            ) { board.cut() }
            slowest = max(slowest, try board.boot())
            try board.awaitLine("LAST-EXIT why=power-cut")
            #expect(board.records("STORE-RESTORED").isEmpty)
        }
        reader.connection = try board.connect()
        try ledger.drain(reader)
        #expect(ledger.lost.isEmpty, "\(ledger.lost.count) of \(ledger.acknowledged.count): \(ledger.lost.prefix(3))")
        #expect(ledger.violations.isEmpty, "\(ledger.violations.prefix(3))")
        #expect(ledger.acknowledged.count > rounds * 8)
        print(
            "board \(architecture): \(rounds) power cuts, \(ledger.acknowledged.count) messages acknowledged, "
                + "\(ledger.lost.count) lost, ready \(String(format: "%.2f", slowest)) s after init at the slowest")
    }

    // MARK: Damage

    /// A disk gives back something else than it got: a text of a message, then all of the store. The board serves, with what
    /// is whole, and its watchdog has nothing to do.
    @Test(arguments: VirtualBoard.architectures) func aDamagedDiskIsServed(_ architecture: String) throws {
        let board = try VirtualBoard(
            architecture,
            files: [
                "provision": VirtualBoard.provision(["alice", "bob"]),
                "imps.config": try VirtualBoard.configuration(["poll_min": "1", "clock": "trusted"]),
            ])
        try board.boot()
        let alice = try board.client("alice")
        try alice.logIn()
        let texts = (0..<10).map { "number \($0) of ten for bob" }
        for text in texts { #expect(try alice.send(text, to: "wv:bob@home.arpa").code == 200) }
        // What lies in the log goes into the store.
        try board.powerOff()
        try board.boot()
        board.cut()
        let disk = board.folder.appendingPathComponent("data.img")
        var octets = [UInt8](try Data(contentsOf: disk))
        let damaged = Array(texts[4].utf8)
        var place = 0
        while let found = octets[place...].firstRange(of: damaged) {
            octets[found.lowerBound] ^= 4
            place = found.upperBound
        }
        try Data(octets).write(to: disk)
        let ready = try board.boot()
        #expect(board.records("STORE-MENDED").first?.contains("damaged=1") == true)
        let bob = try board.client("bob")
        try bob.logIn()
        #expect(try bob.receiveTexts() == texts.filter { $0 != texts[4] })
        #expect(try board.shell("impsctl check").output.contains("bob"))
        #expect(
            try board.shell("dd if=/dev/urandom of=/srv/imps/store.mdb bs=4096 count=12 conv=notrunc; sync").code == 0)
        board.cut()
        let again = try board.boot()
        #expect(board.records("STORE-MENDED").first?.contains("nothing of it could be read") == true)
        alice.connection = try board.connect()
        alice.sessionID = nil
        try alice.logIn()
        #expect(try alice.send("afterwards", to: "wv:bob@home.arpa").code == 200)
        Thread.sleep(forTimeInterval: 30)
        #expect(board.isOn && board.records("READY").count == 1)
        expectRecordsHaveTheirForm(board)
        print(
            "board \(architecture): ready \(String(format: "%.2f", ready)) s after init with a damaged record, "
                + "\(String(format: "%.2f", again)) s with a store that cannot be read")
    }

    /// A full store of 8 MB, which a dump brought here: after a power cut all of it is read before it is trusted.
    @Test(arguments: VirtualBoard.architectures) func aFullStoreIsReadySoonAfterAPowerCut(_ architecture: String) throws
    {
        let engine = try EngineProcess(Crowd.settings, users: ["bob"] + Crowd.senders)
        let count = try Crowd.fillStore(engine, for: "wv:bob@home.test", octets: 1000)
        #expect(count > 2000)
        let dump = try engine.control(["dump"]).output
        engine.kill()
        let board = try VirtualBoard(
            architecture, megabytes: 64,
            files: [
                "imps/store.dump": dump,
                "imps.config": try VirtualBoard.configuration(
                    ["poll_min": "1", "clock": "trusted", "domain": "home.test", "db_kb": "8192"]),
            ])
        let first = try board.boot()
        #expect(board.records("STORE-RESTORED").first?.contains("left_out=0") == true)
        board.cut()
        let ready = try board.boot()
        #expect(board.records("STORE-MENDED").isEmpty)
        let waiting = "impsctl --json user show bob | grep -o '\"waiting\": [0-9]*'"
        #expect(try board.number(waiting) == count)
        print(
            "board \(architecture): ready \(String(format: "%.2f", ready)) s after init with a full store of \(count) messages",
            "after a power cut, \(String(format: "%.2f", first)) s when a dump brought it;",
            board.records("STORE-OPEN").last ?? "", board.records("READY").last ?? "")
    }

    // MARK: Flash

    @Test(arguments: VirtualBoard.architectures) func littleIsWritten(_ architecture: String) throws {
        let seconds = setting("IMPSD_IDLE_SECONDS", 60)
        let board = try VirtualBoard(
            architecture, files: ["provision": VirtualBoard.provision(["alice", "bob"])])
        try board.boot()
        let alice = try board.client("alice")
        let bob = try board.client("bob")
        try alice.logIn()
        try bob.logIn()
        // What the start left settles.
        _ = try alice.poll()
        _ = try bob.poll()
        var before = try board.diskBytesWritten()
        Thread.sleep(forTimeInterval: 6)
        before = try board.diskBytesWritten()
        let end = Date().addingTimeInterval(Double(seconds))
        while Date() < end {
            // Sessions that only poll are nothing that happens.
            _ = try alice.poll()
            Thread.sleep(forTimeInterval: 5)
        }
        let idle = try board.diskBytesWritten() - before
        // A connection that says nothing for so long is closed.
        bob.connection = try board.connect()
        // What the file system writes for itself now and then is not that of each message.
        var single = Int.max
        for _ in 1...3 where single > 5 << 10 {
            before = try board.diskBytesWritten()
            #expect(
                try alice.send("one message of an ordinary length, as people write them", to: "wv:bob@home.arpa").code
                    == 200)
            #expect(try bob.receiveTexts().count == 1)
            single = try min(single, board.diskBytesWritten() - before)
        }
        let counted = try board.number("impsctl --json status | grep -o '\"written_kb\": [0-9]*'")
        // On a busy machine the 32 do not arrive together every time.
        var batch = Int.max
        for round in 1...4 where batch > 32 * 820 {
            before = try board.diskBytesWritten()
            try sendAtOnce(32, "round \(round)", alice, board)
            batch = try min(batch, board.diskBytesWritten() - before)
            _ = try bob.receiveTexts()
        }
        print(
            "board \(architecture): \(seconds) idle seconds write \(idle) octets, a message stored and delivered \(single),"
                + " a batch of 32 \(batch); the engine's own count since the start is \(counted) KB")
        #expect(idle == 0)
        #expect(single <= 5 << 10)
        #expect(batch <= 32 * 820)
    }

    /// Requests that arrive together share their commits.
    private func sendAtOnce(_ count: Int, _ round: String, _ client: Client, _ board: VirtualBoard) throws {
        let connections = try (0..<count).map { _ in try board.connect() }
        for (index, connection) in connections.enumerated() {
            let body = client.document(
                client.sendContent("message \(index) of \(round)", to: ["wv:bob@home.arpa"]), transaction: "b\(index)")
            try connection.send(
                "POST / HTTP/1.1\r\nHost: board\r\nContent-Type: text/xml\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            )
        }
        for connection in connections {
            let answer = try #require(try connection.receive())
            #expect(try Client.reply(answer)?.code == 200)
        }
    }

    // MARK: Faults

    @Test(arguments: VirtualBoard.architectures) func aFullDiskRefusesMessagesAndRecovers(_ architecture: String) throws
    {
        let board = try VirtualBoard(
            architecture, megabytes: 8,
            files: [
                "provision": VirtualBoard.provision(["alice", "bob"]),
                "imps.config": try VirtualBoard.configuration(["offline_max_msgs": "10000", "offline_max_kb": "100000"]
                ),
            ])
        try board.boot()
        let alice = try board.client("alice")
        try alice.logIn()
        #expect(try alice.send("before", to: "wv:bob@home.arpa").code == 200)
        try board.shell(
            "dd if=/dev/zero of=/srv/filler bs=64k 2> /dev/null; dd if=/dev/zero of=/srv/filler2 bs=1k 2> /dev/null")
        var code = 200
        var accepted = 0
        while code == 200, accepted < 2000 {
            code = try alice.send(String(repeating: "fill ", count: 400), to: "wv:bob@home.arpa").code
            if code == 200 { accepted += 1 }
        }
        #expect(code == 507)
        try board.awaitLine("W STORE-FULL")
        #expect(try alice.poll() == nil)
        #expect(board.records("STORE-FULL").count == 1, "\(board.records("STORE-FULL"))")
        try board.shell("rm /srv/filler /srv/filler2; sync")
        try wait("room", seconds: 60) { try alice.send("after", to: "wv:bob@home.arpa").code == 200 }
        try board.awaitLine("N STORE-ROOM")
        let bob = try board.client("bob")
        try bob.logIn()
        let received = try bob.receiveTexts()
        #expect(received.count == accepted + 2)
        #expect(received.first == "before")
        #expect(received.last == "after")
    }

    @Test(arguments: VirtualBoard.architectures) func faultsAtTheStartAreTold(_ architecture: String) throws {
        let board = try VirtualBoard(architecture, files: ["provision": VirtualBoard.provision(["alice", "bob"])])
        try board.boot()
        // A second instance, started by hand.
        let second = try board.shell("su -s /bin/sh imps -c '/usr/sbin/impsd --config /etc/config/imps'")
        #expect(second.code == 75)
        try board.awaitLine("E START-FAIL exit=75", "another process has the store open")
        #expect(board.records("START-FAIL").count == 1)
        // By root it is not started at all.
        #expect(try board.shell("/usr/sbin/impsd --config /etc/config/imps").code == 77)
        try board.powerOff()
        // A disk that cannot be written.
        try board.powerOn(["board.data=ro"])
        try board.awaitLine("E START-FAIL exit=74", "cannot be written")
        Thread.sleep(forTimeInterval: 2)
        #expect(board.records("START-FAIL").count == 1)
        board.cut()
        // The address of the LAN comes later.
        try board.powerOn(["board.address=none"])
        try board.awaitLine("W LISTEN address=192.168.1.1", "next=retry")
        #expect(board.records("READY").isEmpty)
        try board.shell("ip address add 192.168.1.1/24 dev eth0")
        try board.awaitLine("READY port=8080")
        #expect(board.records("LISTEN").count { $0.contains("retry") } == 1)
        #expect(try board.client("alice").logIn().code == 200)
        expectRecordsHaveTheirForm(board)
        board.cut()
    }

    @Test(arguments: VirtualBoard.architectures) func aClockOf1970ExpiresNothing(_ architecture: String) throws {
        let board = try VirtualBoard(architecture, files: ["provision": VirtualBoard.provision(["alice", "bob"])])
        try board.boot(options: "-rtc base=1970-01-01T00:00:00")
        #expect(try board.number("date +%Y") == 1970)
        let alice = try board.client("alice")
        try alice.logIn()
        for text in ["first", "second"] { #expect(try alice.send(text, to: "wv:bob@home.arpa").code == 200) }
        #expect(try board.shell("impsctl --raw status | grep -o 'clock=[a-z]*'").output == "clock=untrusted")
        // Somebody sets the clock, and says so.
        try board.shell("date -s '2026-11-21 12:00:00' > /dev/null; impsctl clock trusted")
        #expect(try alice.send("third", to: "wv:bob@home.arpa").code == 200)
        try board.awaitLine("N CLOCK trusted=yes")
        try board.awaitLine("t=2026-11-21T12:0")
        #expect(board.records("CLOCK").count == 1)
        #expect(board.records("EXPIRED").isEmpty)
        #expect(try alice.poll() == nil)
        let bob = try board.client("bob")
        try bob.logIn()
        #expect(try bob.receiveTexts() == ["first", "second", "third"])
        expectRecordsHaveTheirForm(board)
        board.cut()
    }

    @Test(arguments: VirtualBoard.architectures) func anUpgradeTakesTheStoreAlong(_ architecture: String) throws {
        let board = try VirtualBoard(architecture, files: ["provision": VirtualBoard.provision(["alice", "bob"])])
        try board.boot()
        let alice = try board.client("alice")
        try alice.logIn()
        #expect(try alice.send("kept", to: "wv:bob@home.arpa").code == 200)
        // What sysupgrade does before, and what is left after it.
        let list = try board.shell(". /lib/upgrade/imps.sh; imps_save_dump /tmp/list; cat /tmp/list").output
        #expect(list.hasSuffix("/srv/imps/store.dump\n/srv/imps/device.key"), "\(list)")
        try board.shell("rm /srv/imps/store.mdb; kill -9 $(pidof impsd)")
        try board.awaitLine("W STORE-RESTORED", "from=store.dump")
        try wait("READY again", seconds: 60) { board.records("READY").count == 2 }
        let bob = try board.client("bob")
        try bob.logIn()
        #expect(try bob.receiveTexts() == ["kept"])
        expectRecordsHaveTheirForm(board)
        board.cut()
    }

    @Test(arguments: VirtualBoard.architectures) func aStuckEngineIsResetByTheWatchdog(_ architecture: String) throws {
        let board = try VirtualBoard(
            architecture,
            files: ["imps.config": try VirtualBoard.configuration(["watchdog": "/dev/watchdog", "body_timeout": "25"])])
        try board.boot(["board.softdog"])
        try board.awaitLine("N WATCHDOG device=/dev/watchdog s=10")
        // Twice its patience: it is fed, although two dumps are not read, and who asks in between is answered.
        try board.shell("for i in $(seq 3000); do echo user$i secret word $i; done > /tmp/users")
        #expect(
            try board.shell("impsctl user add --file /tmp/users; rm /tmp/users").output.contains("3000 imported"))
        for _ in 0..<2 { try board.shell("(impsctl dump | sleep 60) > /dev/null 2>&1 &") }
        for _ in 0..<20 {
            Thread.sleep(forTimeInterval: 1)
            #expect(try board.shell("impsctl ping && impsctl status").code == 0)
        }
        #expect(board.isOn)
        try board.awaitLine("CONTROL-CUT why=\"the answer was not read\"")
        try board.awaitLine("CONTROL-CUT why=\"the answer was not read\"")
        try board.shell("kill -STOP $(pidof impsd)")
        try wait("the reset", seconds: 30) { !board.isOn }
        try board.boot()
        try board.awaitLine("LAST-EXIT why=power-cut")
        board.cut()
    }
}
