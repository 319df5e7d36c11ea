import Foundation
import Harness
import Testing

/// The certificate that a device makes for itself, with `impsctl cert` or at its first start.
@Suite struct CertificateTests {
    private func engine(_ settings: [String: String] = [:]) throws -> EngineProcess {
        let engine = try EngineProcess(starts: false)
        let files = ["tls_cert": engine.folder.path + "/own.pem", "tls_key": engine.folder.path + "/own.key"]
        try engine.set(["tls_port": "0"].merging(files) { $1 }.merging(settings) { $1 })
        return engine
    }

    private func openssl(_ words: [String], input: String = "") throws -> String {
        let ending = try runCommand(["openssl"] + words, input: input)
        #expect(ending.code == 0, "\(words): \(ending.errors)")
        return ending.output
    }

    @Test func aCertificateIsMadeAndServed() throws {
        let engine = try engine()
        let path = engine.folder.path + "/own.pem"
        let made = try engine.control(["cert", "make", "gateway.home", "192.0.2.7", "2001:db8::7", "127.0.0.1"])
        #expect(made.code == 0, "\(made.errors)")
        #expect(made.output.contains("names=gateway.home 192.0.2.7 2001:db8::7 127.0.0.1"), "\(made.output)")
        // Somebody else's program reads the same.
        let text = try openssl(["x509", "-in", path, "-noout", "-text"])
        for words in [
            "CN = gateway.home", "DNS:gateway.home, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7",
            "NIST CURVE: P-256",
            "CA:FALSE", "TLS Web Server Authentication", "Not Before: Jan  1 00:00:00 2025",
            "Not After : Dec 31 23:59:59 2049", "ecdsa-with-SHA256",
        ] {
            #expect(text.contains(words), "\(words): \(text)")
        }
        _ = try openssl(["verify", "-x509_strict", "-CAfile", path, path])
        let digest = try openssl(["x509", "-in", path, "-noout", "-fingerprint", "-sha256"])
        let fingerprint = try #require(digest.split(separator: "=").last).replacingOccurrences(of: ":", with: "")
            .lowercased()
            .trimmingCharacters(in: .newlines)
        #expect(made.output.contains("sha256=\(fingerprint)"))
        for file in ["own.key", "own.pem"] {
            let facts = try FileManager.default.attributesOfItem(atPath: engine.folder.path + "/" + file)
            #expect(facts[.posixPermissions] as? Int == 0o600)
        }
        // It is served, and verified by its name and by its address.
        try engine.start()
        try engine.awaitRecord("TLS-CERT", fingerprint)
        #expect(engine.records("TLS-KEY-OPEN") == [])
        for (host, resolve) in [
            ("127.0.0.1", []), ("gateway.home", ["--resolve", "gateway.home:\(engine.tlsPort):127.0.0.1"]),
        ] {
            let curl = try runCommand(
                ["curl", "-s", "--max-time", "20", "--cacert", path, "-o", "/dev/null", "-w", "%{http_code}"] + resolve
                    + [
                        "https://\(host):\(engine.tlsPort)/"
                    ])
            #expect(curl.output == "405", "\(host): \(curl.errors)")
        }
        // Nobody's certificate is written over.
        let again = try engine.control(["cert", "make"])
        #expect(again.code == 1 && again.errors.contains("there is one already"), "\(again.errors)")
        let shown = try engine.records(of: ["cert", "show"])
        #expect(shown.first?["key"] as? String == "ECDSA" && shown.first?["until"] as? String == "2049-12-31T23:59:59Z")
    }

    /// A key made here is signed elsewhere, and serves with what the authority gave back.
    @Test func aRequestIsSignedAndServes() throws {
        let engine = try engine()
        let folder = engine.folder.path
        let request = try engine.control(["cert", "request", "gateway.example", "127.0.0.1"])
        #expect(request.code == 0, "\(request.errors)")
        try request.output.write(toFile: folder + "/own.csr", atomically: true, encoding: .utf8)
        #expect(
            try openssl(["req", "-in", folder + "/own.csr", "-noout", "-verify", "-text"]).contains(
                "DNS:gateway.example"))
        let authority = try Certificate(in: engine.folder, name: "authority")
        _ = try openssl([
            "x509", "-req", "-in", folder + "/own.csr", "-CA", authority.certificate, "-CAkey", authority.key,
            "-CAcreateserial", "-days", "30", "-copy_extensions", "copy", "-out", folder + "/own.pem",
        ])
        // The same key asks again, and is not made anew.
        let key = try String(contentsOfFile: folder + "/own.key", encoding: .utf8)
        #expect(try engine.control(["cert", "request"]).code == 0)
        #expect(try String(contentsOfFile: folder + "/own.key", encoding: .utf8) == key)
        try engine.start()
        let curl = try runCommand([
            "curl", "-s", "--max-time", "20", "--cacert", authority.certificate, "-o", "/dev/null", "-w",
            "%{http_code}",
            "https://127.0.0.1:\(engine.tlsPort)/",
        ])
        #expect(curl.output == "405", "\(curl.errors)")
    }

    /// At the first start the device makes what it needs, and at the next it is the same.
    @Test func theFirstStartMakesIt() throws {
        let engine = try EngineProcess(starts: false)
        try engine.set(["tls_port": "0", "tls_self_signed": "1", "cir_address": "gateway.home"])
        try engine.unset("tls_cert")
        try engine.unset("tls_key")
        try engine.start()
        let path = engine.folder.path + "/data/tls.pem"
        try engine.awaitRecord("TLS-MADE", "file=\(path)")
        let text = try openssl(["x509", "-in", path, "-noout", "-text"])
        #expect(text.contains("DNS:gateway.home") && text.contains("IP Address:127.0.0.1"), "\(text)")
        let first = try #require(engine.records("TLS-CERT").last?.firstMatch(of: /sha256=[0-9a-f]+/)).0
        #expect(try engine.client("alice").logIn().code == 200)
        try engine.restart()
        #expect(engine.records("TLS-MADE").count == 1)
        #expect(engine.records("TLS-CERT").last?.contains(first) == true)
        // What a power cut left of it is made whole, with the same key.
        let key = try String(contentsOfFile: engine.folder.path + "/data/tls.key", encoding: .utf8)
        try FileManager.default.removeItem(atPath: path)
        try engine.restart()
        #expect(engine.records("TLS-MADE").count == 2 && engine.tlsPort != 0)
        #expect(try String(contentsOfFile: engine.folder.path + "/data/tls.key", encoding: .utf8) == key)
        // Where there is a certificate without its key, it is somebody's, and is not touched.
        try FileManager.default.removeItem(atPath: engine.folder.path + "/data/tls.key")
        try engine.restart()
        #expect(engine.records("TLS-MADE").count == 2)
        try engine.awaitRecord("TLS-CERT-REFUSED", "no such file", "no TLS")
    }

    @Test func whatIsWrongIsSaid() throws {
        let engine = try engine()
        let folder = engine.folder.path
        for (words, expected) in [
            (["cert"], "cert needs one of: make request show"), (["cert", "mak"], "did you mean 'make'"),
            (["cert", "make", "two words"], "no name of a host"), (["cert", "show"], "own.pem: it cannot be read"),
        ] {
            let ending = try engine.control(words)
            #expect(ending.code != 0 && ending.errors.contains(expected), "\(words): \(ending.errors)")
        }
        // A key that anybody may read is told of, and used.
        #expect(try engine.control(["cert", "make"]).code == 0)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder + "/own.key")
        try engine.start()
        try engine.awaitRecord("TLS-KEY-OPEN", "own.key")
        #expect(engine.tlsPort != 0)
        // The key of another certificate.
        let other = try Certificate(in: engine.folder, name: "other")
        try engine.set(["tls_key": other.key])
        let ending = try engine.control(["cert", "show"])
        #expect(ending.code == 65 && ending.errors.contains("the key is of another certificate"), "\(ending.errors)")
    }
}
