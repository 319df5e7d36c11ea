import CSP

/// Why a request is not done: becomes a Status. Source: protocol/session.md §10.
struct Refusal: Error {
    let code: StatusCode
    /// Words for people; those of the code when nil.
    let description: StaticString?

    init(_ code: StatusCode, _ description: StaticString? = nil) {
        self.code = code
        self.description = description
    }
}
