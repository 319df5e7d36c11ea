/// Bounds that no operator changes.
enum Limits {
    /// Octets of a SessionCookie. S sends up to 50.
    @_transparent static var cookieByteCountMax: UInt { 100 }
    /// Octets of a password in UTF-8.
    @_transparent static var passwordByteCountMax: UInt { 128 }
    /// Octets of a nonce as it is sent; S takes 200.
    @_transparent static var nonceByteCount: UInt { 32 }
    /// Octets of a sealed or hashed secret in an account.
    @_transparent static var credentialByteCountMax: UInt { 160 }
    /// Recipients of one message.
    @_transparent static var recipientCountMax: UInt { 64 }
    /// Octets of a content type with its parameters.
    @_transparent static var contentTypeByteCountMax: UInt { 100 }
    /// Octets of a value in the store: more would not stay in a leaf of 4 KB.
    @_transparent static var valueByteCountMax: UInt { 1900 }
    /// Octets of the fields in front of the content of a message.
    @_transparent static var messageHeaderByteCountMax: UInt { 700 }
    /// Server transactions that are watched in one session.
    @_transparent static var outstandingCountMax: UInt { 8 }
    /// Answers that are kept for a session.
    @_transparent static var answerCount: UInt { 16 }
    /// Octets of accepted content types, with their separators, that a session keeps.
    @_transparent static var acceptedTypesByteCountMax: UInt { 800 }
    /// Sequence numbers that are set aside with one write.
    @_transparent static var sequenceBlock: UInt { 1024 }
    /// Rounds of PBKDF2 for a new password.
    @_transparent static var passwordRounds: UInt { 10_000 }
    /// Octets of the text of a System Message: 512 characters.
    @_transparent static var systemTextByteCountMax: Int { 2048 }
    /// Options of a System Message.
    @_transparent static var optionCountMax: UInt8 { 16 }
    /// Wrong verification keys before an answer counts as a denial.
    @_transparent static var verificationTries: UInt8 { 3 }
    /// Calls to a client that is not heard of: the first, and three more.
    @_transparent static var callsMax: UInt8 { 4 }
    /// Seconds between two short messages that call a client which was heard of meanwhile.
    @_transparent static var shortMessageSeconds: UInt64 { 60 }
    /// Seconds between two short messages that call a client which was not.
    @_transparent static var unheardShortMessageSeconds: UInt64 { 3600 }
    /// Entries of the block and grant lists of one user.
    @_transparent static var screenedCountMax: UInt32 { 200 }
    /// Users whom one session watches by themselves.
    @_transparent static var watchedCountMax: UInt16 { 1000 }
    /// Contacts that one request looks at, however often it names their lists.
    @_transparent static var visitedCountMax: Int { 2000 }
    /// Octets of the text of a notice.
    @_transparent static var noticeTextByteCountMax: Int { 400 }
    /// Octets that the end of a message needs after its last primitive.
    @_transparent static var envelopeEndByteCount: Int { 100 }
    /// Octets that sealing a password adds.
    @_transparent static var sealOverhead: UInt { 28 }

    private static func relations() {  // never called: a negative difference does not compile
        let _: UInt = credentialByteCountMax - passwordByteCountMax - sealOverhead
        let _: UInt = valueByteCountMax - messageHeaderByteCountMax
        // A message header: flags and times, sender, content type, recipients.
        let _: UInt = messageHeaderByteCountMax - 36 - 101 - 101 - 4 * recipientCountMax
        let _: UInt = valueByteCountMax - acceptedTypesByteCountMax
        let _: UInt = 200 - nonceByteCount
    }
}
