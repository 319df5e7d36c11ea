import Foundation

/// Debian's Chromium without a screen, driven by the WebDriver protocol.
public final class Browser {
    /// Where Debian has it.
    public static let driver = "/usr/bin/chromedriver"
    /// Whether it is there.
    public static var isThere: Bool { FileManager.default.fileExists(atPath: driver) }

    private let port: UInt16
    private let folder: URL
    private var child: BackgroundCommand
    private var session = ""

    /// Starts one of its own, with nothing in its memory.
    ///
    /// - Parameters:
    ///   - isDark: The user likes it dark.
    ///   - language: His language.
    public init(width: Int = 360, height: Int = 640, isDark: Bool = false, language: String = "en") throws {
        port = try VirtualBoard.freePort()
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("browser-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        child = try BackgroundCommand(
            [Browser.driver, "--port=\(port)", "--allowed-ips=127.0.0.1"], errors: folder.path + "/driver.log",
            environment: ["HOME": folder.path, "LANGUAGE": language])
        try wait("the driver", seconds: 60) { (try? HTTPConnection(port: port)) != nil }
        let options: [String: Any] = [
            "binary": "/usr/bin/chromium",
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--lang=\(language)", "--accept-lang=\(language)", "--user-data-dir=\(folder.path)/data",
            ],
            "prefs": ["intl.accept_languages": language],
        ]
        let answer = try call(
            "POST", "/session",
            [
                "capabilities": [
                    "alwaysMatch": [
                        "goog:chromeOptions": options, "goog:loggingPrefs": ["browser": "ALL"],
                        "timeouts": ["script": 20_000],
                    ]
                ]
            ])
        guard let value = answer as? [String: Any], let id = value["sessionId"] as? String else {
            throw HarnessError("no browser: \(answer)")
        }
        session = "/session/" + id
        try command(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500])
        try command(
            "Emulation.setEmulatedMedia",
            ["features": [["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]]])
    }

    deinit {
        _ = try? call("DELETE", session, nil)
        child.kill()
        try? FileManager.default.removeItem(at: folder)
    }

    private func call(_ method: String, _ path: String, _ body: [String: Any]?) throws -> Any {
        var words = [
            "curl", "-s", "-m", "60", "-X", method, "-H", "Content-Type: application/json",
            "http://127.0.0.1:\(port)\(path)",
        ]
        var input = ""
        if let body {
            words += ["-d", "@-"]
            input = String(decoding: try JSONSerialization.data(withJSONObject: body), as: UTF8.self)
        }
        let ending = try runCommand(words, input: input)
        guard let answer = try? JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any],
            let value = answer["value"]
        else { throw HarnessError("\(method) \(path): \(ending.output) \(ending.errors)") }
        if let error = value as? [String: Any], let name = error["error"] as? String {
            throw HarnessError("\(name): \(error["message"] ?? "")")
        }
        return value
    }

    private func command(_ name: String, _ parameters: [String: Any]) throws {
        _ = try call("POST", session + "/goog/cdp/execute", ["cmd": name, "params": parameters])
    }

    // MARK: What a user does

    /// Opens an address.
    public func open(_ url: String) throws { _ = try call("POST", session + "/url", ["url": url]) }

    /// Loads the page again.
    public func reload() throws { _ = try call("POST", session + "/refresh", [:]) }

    /// Another tab, which is in front then.
    public func openTab(_ url: String) throws {
        let tab = try call("POST", session + "/window/new", ["type": "tab"]) as? [String: Any]
        _ = try call("POST", session + "/window", ["handle": tab?["handle"] as? String ?? ""])
        try open(url)
    }

    private func element(_ selector: String) throws -> String {
        let value = try call("POST", session + "/element", ["using": "css selector", "value": selector])
        guard let element = (value as? [String: String])?.values.first else { throw HarnessError("no \(selector)") }
        return element
    }

    /// Types into a field; `\n` is the key.
    public func type(_ text: String, into selector: String) throws {
        let element = try element(selector)
        _ = try call(
            "POST", session + "/element/\(element)/value",
            ["text": text.replacingOccurrences(of: "\n", with: "\u{E007}")])
    }

    /// Presses a button.
    public func click(_ selector: String) throws {
        let element = try element(selector)
        _ = try call("POST", session + "/element/\(element)/click", [:])
    }

    /// Presses the button with these words.
    public func click(button words: String) throws {
        let found = try run(
            """
            const all = [...document.querySelectorAll('button')].filter((b) => b.checkVisibility());
            const button = all.find((b) => b.textContent.trim() === arguments[0]);
            button?.click();
            return Boolean(button);
            """, [words])
        guard found as? Bool == true else { throw HarnessError("no button \(words)") }
    }

    // MARK: What a user sees

    /// Runs a script in the page.
    @discardableResult
    public func run(_ script: String, _ arguments: [Any] = []) throws -> Any {
        try call("POST", session + "/execute/sync", ["script": script, "args": arguments])
    }

    /// The text of an element that is seen; empty when there is none.
    public func text(_ selector: String) throws -> String {
        let script =
            "const e = document.querySelector(arguments[0]); return e && e.checkVisibility() ? e.innerText.trim() : '';"
        return try run(script, [selector]) as? String ?? ""
    }

    /// Whether an element is seen.
    public func sees(_ selector: String) throws -> Bool {
        try run("return Boolean(document.querySelector(arguments[0])?.checkVisibility());", [selector]) as? Bool
            ?? false
    }

    /// What keeps people from using what is seen now: the rules of axe-core that it breaks, and where.
    public func barriers() throws -> [String] {
        let source = try String(contentsOfFile: Programs.package.path + "/.build/axe.min.js", encoding: .utf8)
        _ = try call("POST", session + "/execute/sync", ["script": source, "args": [String]()])
        let script = """
            const done = arguments[arguments.length - 1];
            window.axe.run().then((result) => done(result.violations.map((v) =>
              `${v.id}: ${v.nodes.map((n) => n.target.join(' ') + ' ' + n.any.map((a) => a.message)).join(' | ')}`)));
            """
        return try call("POST", session + "/execute/async", ["script": script, "args": [String]()]) as? [String] ?? []
    }

    /// The title of the tab.
    public var title: String { (try? run("return document.title;") as? String) ?? "" }

    /// Waits until the page shows something.
    public func await(_ words: String, in selector: String = "body", seconds: Double = 15) throws {
        try wait("\(words) in \(selector)", seconds: seconds) { try text(selector).contains(words) }
    }

    /// What the browser complained of.
    public func complaints() throws -> [String] {
        let log = try call("POST", session + "/se/log", ["type": "browser"]) as? [[String: Any]] ?? []
        return log.compactMap { $0["message"] as? String }
    }

    /// Keeps a picture of what is seen in `.build/screenshots`.
    public func picture(_ name: String) throws {
        let folder = Programs.package.appendingPathComponent(".build/screenshots")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard let text = try call("GET", session + "/screenshot", nil) as? String, let data = Data(base64Encoded: text)
        else { throw HarnessError("no picture") }
        try data.write(to: folder.appendingPathComponent(name + ".png"))
    }
}
