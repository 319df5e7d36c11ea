@testable import Digests
import Octets
import Testing

@Suite struct HashKeyTests {
    /// The sixteenth of its authors' test vectors: the key 00…0F and the input 00…0F.
    @Test func theHashIsSipHash() {
        var hash = SipHash(0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908)
        hash.add(Array(0...15).span)
        #expect(hash.result() == 0x3F2A_CC7F_57C2_9BDB)
    }

    @Test func namesRolesAndKeysAreKeptApart() {
        func key(_ octet: UInt8) -> HashKey { HashKey(InlineBytes([UInt8](repeating: octet, count: 32).span)!) }
        func hash(_ key: HashKey, _ subject: UInt8, _ name: String) -> UInt64 {
            key.hash(subject, Array(name.utf8).span)
        }
        let all = [
            hash(key(1), 1, "alice"), hash(key(2), 1, "alice"), hash(key(1), 2, "alice"), hash(key(1), 1, "alice\0"),
            hash(key(1), 1, "alicealice"), hash(key(1), 1, ""), hash(key(1), 1, "\0"),
        ]
        #expect(Set(all).count == all.count)
        #expect(hash(key(1), 1, "alice") == all[0])
    }
}
