import CSP

/// What the questions of the operator leave a session. Only `SystemMessage/` changes it.
struct SessionAccess {
    /// What the answers to System Messages leave of the functions. Source: protocol/system-message.md §4.3.
    var level = FunctionSet(rawValue: .max)
    /// Only the system address may be talked to, until a question is answered. Source: protocol/system-message.md §4.6.
    var isRestricted = false
    /// The client does not know System Messages: they come and are answered as ordinary messages.
    var asksByMessage = false
    /// What waited when the session began stays in the mailbox. Source: protocol/system-message.md §6.3.
    var holdsMail = false
    /// The campaigns that the session has looked at; 0 for none yet.
    var epoch: UInt32 = 0
    /// When an answer that is required has to be there; nil when none blocks the session.
    var answerBy: Instant?
    /// When a required answer is asked for again.
    var remindAt: Instant?
    /// Codes of refusals, for help.
    var errors = InlineArray<4, RepeatedError>(repeating: RepeatedError())
}
