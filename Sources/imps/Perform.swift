import CLibC
import CSP
import IMPSEngine
import Octets
import Transport
import Wire

/// Logs in and does what the command line asks for.
func perform(_ options: Options) -> ExitCode {
    if options.command == .decode { return decode(options.path.span) }
    if options.command == .encode { return encode(options.path.span) }
    var session = Session(options)
    if let refusal = logIn(options, &session) { return refusal }
    switch options.command {
    case .chat:
        var chat = Chat(options)
        return chat.run(&session)
    case .send: return send(options, &session)
    case .receive, .decode, .encode: return receive(options, &session)
    }
}

/// Logs in, and answers what is asked before; nil when it succeeded.
func logIn(_ options: Options, _ session: inout Session) -> ExitCode? {
    var outcome = session.logIn()
    // Somebody who answers wrongly is asked again, but not for ever.
    for _ in 0..<8 {
        guard case .answered(let code) = outcome else {
            if !session.isDistrusted { Terminal.printError("imps: no IMPS server answers there\n") }
            return .unavailable
        }
        guard code != 200 else { return finishLogin(options, &session) }
        guard session.firstSystemMessage != nil else { break }
        if code == 402 || code == 426 {
            // What the command line says will not be right the next time either.
            guard options.command == .chat, options.presetCount == 0 else { break }
            Terminal.printError("imps: that was no valid answer\n")
        }
        var answers = Answers()
        guard choose(options, session, &answers) else { return needsAnswer() }
        outcome = session.logIn(answering: answers)
    }
    session.printRefusal("the login was refused")
    return .noPermission
}

/// Shows what came with a successful login, answers it, and negotiates.
private func finishLogin(_ options: Options, _ session: inout Session) -> ExitCode? {
    var answers = Answers()
    // The session may be there, and closed until there is an answer.
    guard choose(options, session, &answers) else {
        session.logOut()
        return needsAnswer()
    }
    if answers.count > 0 {
        if case .answered(let code) = session.answer(answers), code != 200 {
            session.printRefusal("the answer was refused")
            session.logOut()
            return .noPermission
        }
    }
    session.negotiate()
    return nil
}

private func needsAnswer() -> ExitCode {
    Terminal.printError("imps: the message has to be answered before the login; --answer NAME=OPTION\n")
    return .noPermission
}

/// Shows the System Messages of an answer and takes the answers to them; false when one is required and there is none.
private func choose(_ options: Options, _ session: borrowing Session, _ answers: inout Answers) -> Bool {
    var text = Memory.buffer(16_384)
    var next = session.firstSystemMessage
    var isComplete = true
    while let element = next {
        next = session.document.next(after: element)
        guard let question = session.question(element) else { continue }
        text.removeAll()
        text.append("-- ")
        session.write(element, columns: terminalColumns, into: &text)
        text.append("\n")
        options.command == .chat ? Terminal.print(text.span) : Terminal.printError(text.span)
        let isAsked = options.systemMessages == .ask && options.command == .chat
        if let answer = options.preset(question) ?? (isAsked ? ask(question) : nil) {
            answers.append(answer)
        } else if question.isRequired {
            isComplete = false
        }
    }
    return isComplete
}

/// Characters of a line; 79 when there is no terminal.
var terminalColumns: Int { isatty(1) != 0 ? max(20, Int(libc_columns(1)) - 1) : 79 }

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
    private let options: Options
    /// What the command line says about the System Messages that came.
    var answers = Answers()

    init(_ options: Options) {
        self.options = options
    }

    private mutating func showSystemMessage(_ session: borrowing Session) {
        guard let element = session.firstSystemMessage, let question = session.question(element) else { return }
        line.removeAll()
        line.append("-- ")
        session.write(element, columns: terminalColumns, into: &line)
        line.append("\n")
        Terminal.printError(line.span)
        if let answer = options.preset(question) { answers.append(answer) }
    }

    mutating func show(_ arrival: Arrival, in session: borrowing Session) {
        if case .systemMessage = arrival { showSystemMessage(session) }
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
    var printer = MessagePrinter(options)
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
        if printer.answers.count > 0 {
            _ = session.answer(printer.answers)
            printer.answers = Answers()
        }
        if printer.messageCount > printedCount {
            printedCount = printer.messageCount
            deadline = clock.now.adding(seconds: options.waitSeconds)
        }
        let now = clock.now
        guard session.isOpen, now < deadline else { break }
        if !session.hasMore {
            let rest = min(session.restSeconds * 1000, deadline.milliseconds - now.milliseconds)
            _ = session.wait(milliseconds: rest, hasInput: false)
        }
    }
    if session.isOpen { session.logOut() }
    return printedCount > 0 ? .success : .failure
}
