import Foundation
import Harness
import Testing

/// Accounts and contact lists that come out of one server and go into another, or come from somebody's spreadsheet.
@Suite struct ImportTests {
    private func write(_ text: String, _ engine: EngineProcess) throws -> String {
        let file = engine.folder.appendingPathComponent("import").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    private func export(_ engine: EngineProcess, _ form: String, _ what: String) throws -> String {
        let ending = try engine.control([form, what, "list"])
        #expect(ending.code == 0)
        return ending.output
    }

    /// What is written out is read in again, in both forms, and is the same then.
    @Test(arguments: ["--csv", "--json"]) func whatIsExportedIsImported(form: String) throws {
        let first = try EngineProcess(users: ["alice", "bob", "carol"])
        for (list, contact, nickname) in [
            ("friends", "bob", "Bob, \"the\" \u{1F44D}\nof two lines \\"), ("friends", "carol", ""),
            ("work", "carol", "C"),
        ] {
            #expect(try first.control(["contacts", "add", "alice", list, contact, nickname]).code == 0)
        }
        #expect(try first.control(["contacts", "add", "bob", "empty", ""]).code == 0)
        for words in [
            ["alice", "first_name", "Al\u{EF}ce"], ["alice", "msisdn", "+4366012345"], ["bob", "searchable", "no"],
        ] {
            #expect(try first.control(["user", "set"] + words).code == 0)
        }
        let second = try EngineProcess(users: ["alice", "bob", "carol"])
        for what in ["user", "contacts"] {
            let text = try export(first, form, what)
            let ending = try second.control(["import", "--file", try write(text, second)])
            #expect(ending.code == 0, "\(ending.errors)")
            #expect(ending.errors.hasSuffix("\(what == "user" ? 3 : 4) imported, 0 refused\n"))
            func comparable(_ text: String) -> String { text.replacing(/1[0-9]{9}/, with: "") }
            #expect(comparable(try export(second, form, what)) == comparable(text))
        }
        // A phone sees them.
        let alice = try second.client("alice", "1.2")
        #expect(try alice.logIn().code == 200)
        let lists = try alice.request("<GetList-Request/>")
        #expect(lists.primitive?["DefaultContactList"]?.text == "wv:alice/friends@home.test")
    }

    /// A table as a person makes it: other columns, another order, semicolons, the mark of a spreadsheet, quotes, no line
    /// feed at the end. What cannot be taken is told with its row, and nothing is changed by a dry run.
    @Test(arguments: [false, true]) func aSpreadsheetIsImported(offline: Bool) throws {
        let engine = try EngineProcess(users: ["alice"], starts: !offline)
        let front = offline ? ["--offline"] : []
        let table =
            "\u{FEFF}password;Remark;user;kind;first_name;msisdn\r\n\"se;cret \"\"one\"\"\";;bob;;Bob;+4366012345\r\n"
            + "short;x;carol;;;\r\nsecret two;;dave;password-only;;\r\nsecret;;alice;;;\r\nsecret three;;erin;;;12\r\n"
            + "secret four;;\"\(String(repeating: "x", count: 201))\";;;\r\n;;nobody;;;\r\nsecret five;;frank;;;;;too much"
        let file = try write(table, engine)
        for isRehearsal in [true, false] {
            let ending = try engine.control(front + ["import", "--file", file] + (isRehearsal ? ["--dry-run"] : []))
            #expect(ending.code == 1)
            for line in [
                "row 2, carol: a password has 6 to 50 characters", "row 4, alice: there is an account",
                "row 5, erin: msisdn is + and 3 to 15 digits",
                "row 6: more values than columns, or one of more than 200",
                "row 7, nobody: there is no account", "row 8: more values",
            ] { #expect(ending.errors.contains(line), "\(ending.errors)") }
            #expect(ending.errors.hasSuffix(isRehearsal ? "2 can be imported, 6 refused\n" : "2 imported, 6 refused\n"))
            let names = try engine.control(front + ["--csv", "user", "list"]).output.split(separator: "\n").dropFirst()
                .map { String($0.prefix { $0 != "," }) }
            #expect(names == ["wv:alice@home.test"] + (isRehearsal ? [] : ["wv:bob@home.test", "wv:dave@home.test"]))
        }
        let contacts = try write(
            "owner,list,user,nickname\nalice,friends,bob,B\nalice,fr iends,bob,\nalice,friends,zoe,\nzoe,friends,bob,\n",
            engine)
        let rehearsal = try engine.control(front + ["import", "--file", contacts, "--dry-run"])
        #expect(rehearsal.errors.hasSuffix("1 can be imported, 3 refused\n"))
        #expect(try engine.control(front + ["--raw", "contacts", "list"]).output == "")
        let ending = try engine.control(front + ["import", "--file", contacts])
        for line in [
            "row 2, bob: the name of a list", "row 3, zoe: there is no account", "row 4, bob: there is no account",
        ] {
            #expect(ending.errors.contains(line), "\(ending.errors)")
        }
        #expect(ending.errors.hasSuffix("1 imported, 3 refused\n"))
        if offline { try engine.start() }
        #expect(try engine.client("bob").logIn("se;cret \"one\"").code == 200)
        #expect(try engine.client("dave").logIn("secret two").code == 200)
    }

    /// What is no JSON is told with its row; what lies before it is taken.
    @Test func brokenJSONIsTold() throws {
        let engine = try EngineProcess(users: ["alice"])
        for (text, taken, refused) in [
            (
                #"[{"user": "bob", "password": "secret \u0031\ud83d\udc4d", "x": 1.5e3, "y": null}, {"user": "carol"]"#,
                1, 1
            ),
            (#"[ ]"#, 0, 0), (#"["#, 0, 1), (#"[{"user": "alice"},"#, 1, 1), (#"[{"user": "alice"} 17]"#, 1, 1),
            (#"[{"user": {"name": "x"}}]"#, 0, 1), (#"[{}, {"user": "alice"}]"#, 1, 0),
            (#"[{"user": "dave", "password": "secret \ud83d"}]"#, 0, 1),
            (#"[{"user": "\#(String(repeating: "x", count: 300))"}]"#, 0, 1),
            ("user", 0, 0), ("user\nalice\n\n", 1, 0), ("user,kind\nalice,\"x", 0, 1),
        ] {
            let ending = try engine.control(["import", "--file", try write(text, engine)])
            #expect(ending.errors.hasSuffix("\(taken) imported, \(refused) refused\n"), "\(text): \(ending.errors)")
            #expect(ending.code == (refused == 0 ? 0 : 1))
        }
        #expect(try engine.client("bob").logIn("secret 1\u{1F44D}").code == 200)
        for text in ["", "\"user\nalice", "name,word\nalice,secret"] {
            let ending = try engine.control(["import", "--file", try write(text, engine)])
            #expect(ending.code == 65 && ending.errors.contains("names no column"), "\(ending.errors)")
        }
        #expect(try engine.control(["import", "--file", "/nothing"]).code == 65)
        #expect(try engine.control(["import"]).code == 64)
    }

    /// Thousands of rows are some commands, and not a commit for each.
    @Test func aLargeListIsFewCommits() throws {
        let engine = try EngineProcess(["db_kb": "65536", "contacts_max": "5000"], users: ["alice"])
        let count = 2000
        let rows =
            (0..<count).map { "user\($0),secret \($0),,," }
            + (0..<count).map { "user\($0),,alice,friends,Number \($0)" }
        let file = try write("user,password,owner,list,nickname\n" + rows.joined(separator: "\n") + "\n", engine)
        let before = try engine.status("commits")
        let ending = try engine.control(["import", "--file", file])
        #expect(ending.errors.hasSuffix("\(2 * count) imported, 0 refused\n"), "\(ending.errors.suffix(200))")
        let after = try engine.status("commits")
        print("import: \(2 * count) rows in \(after - before) commits")
        #expect(after - before < count)
    }
}
