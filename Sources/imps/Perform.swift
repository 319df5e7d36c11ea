import CSP
import IMPSEngine
import Octets
import Transport
import Wire

/// Logs in and does what the command line asks for.
func perform(_ options: Options) -> ExitCode {
    var session = Session(options)
    if let refusal = logIn(&session) { return refusal }
    switch options.command {
    case .chat:
        var chat = Chat(options)
        return chat.run(&session)
    case .send: return send(options, &session)
    case .receive: return receive(options, &session)
    }
}

/// nil when the login succeeded.
private func logIn(_ session: inout Session) -> ExitCode? {
    switch session.logIn() {
    case .answered(200): return nil
    case .answered:
        session.printRefusal("the login was refused")
        return .noPermission
    case .nothing, .unreachable:
        Terminal.printError("imps: no IMPS server answers there\n")
        return .unavailable
    }
}

private func send(_ options: Options, _ session: inout Session) -> ExitCode {
    defer { session.logOut() }
    switch session.send(to: options.recipient.span, options.text.span) {
    case .answered(200): return .success
    case .answered:
        session.printRefusal("the message was refused")
        return .failure
    case .nothing, .unreachable:
        Terminal.printError("imps: the server does not answer; the message may not have been accepted\n")
        return .unavailable
    }
}

/// Prints what comes, one message a line: time, sender and text between tabs.
private struct MessagePrinter: ArrivalHandler, ~Copyable {
    private var line = Memory.buffer(300_000)
    private(set) var messageCount = 0

    mutating func show(_ arrival: Arrival, in session: borrowing Session) {
        guard case .message(let message) = arrival else { return }
        line.removeAll()
        line.append(message.dateTime.span)
        line.append("\t")
        line.append(printable: message.sender.span, lineBreak: " ")
        line.append("\t")
        session.write(message, lineBreak: "\\n", into: &line)
        line.append("\n")
        Terminal.print(line.span)
        messageCount += 1
    }
}

private func receive(_ options: Options, _ session: inout Session) -> ExitCode {
    let clock = Clock()
    var printer = MessagePrinter()
    var printedCount = 0
    var deadline = clock.now.adding(seconds: options.waitSeconds)
    while true {
        let outcome = session.receive(&printer)
        switch outcome {
        case .unreachable:
            Terminal.printError("imps: the server does not answer\n")
            return .unavailable
        case .answered(let code) where code != 200:
            session.printRefusal("the server ended the session")
            return .failure
        case .answered, .nothing: break
        }
        if printer.messageCount > printedCount {
            printedCount = printer.messageCount
            deadline = clock.now.adding(seconds: options.waitSeconds)
        }
        guard session.isOpen, clock.now < deadline else { break }
        if !session.hasMore { Clock.sleep(seconds: min(session.pollSeconds, max(1, options.waitSeconds))) }
    }
    if session.isOpen { session.logOut() }
    return printedCount > 0 ? .success : .failure
}
