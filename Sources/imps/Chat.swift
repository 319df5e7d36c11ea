import CLibC
import CSP
import IMPSEngine
import Octets
import Transport
import Wire

/// The conversation on a terminal.
struct Chat: ArrivalHandler, ~Copyable {
    /// A message whose fate is not known yet.
    private struct Sent {
        var messageID = InlineBytes<64>()
        var number: UInt64 = 0
    }

    var editor = LineEditor()
    var text = Memory.buffer(300_000)
    /// Words that may be meant.
    private var list = Memory.buffer(8192)
    private var prompt = InlineBytes<128>()
    var roster = Roster()
    /// Of those who were there at the login there is one line, and not one each.
    var tellsContacts = false
    /// The one who gets what is typed without a command.
    var partner: Int?
    private var sent = InlineArray<64, Sent>(repeating: Sent())
    private var sentCount: UInt64 = 0
    /// Nothing that comes before the first empty poll is new: it waited for this login.
    private var isCatchingUp = true
    private var isLost = false
    private var isDone = false
    private let options: Options
    /// The System Messages that are not answered yet; what is typed next answers one of them.
    private var questions = InlineArray<8, Question>(repeating: Question())
    private var questionCount = 0
    /// What the command line says about one that came.
    private var answers = Answers()
    /// It was asked before a login, and its answer is part of the next one.
    private var isAtLogin = false

    init(_ options: Options) {
        self.options = options
        let user = options.user.span
        if let at = user.firstIndex(of: 0x40) {
            roster.homeDomain = InlineBytes(user.extracting((at + 1)..<user.count)) ?? InlineBytes()
        }
        _ = prompt.append("> ")
    }

    /// Talks until the user leaves.
    mutating func run(_ session: inout Session) -> ExitCode {
        let clock = Clock()
        note("You are logged in. /help tells what you can type.")
        loadContacts(&session)
        var nextPoll = clock.now
        while !isDone {
            draw()
            let wait =
                nextPoll.milliseconds > clock.now.milliseconds
                ? nextPoll.milliseconds - clock.now.milliseconds : 0
            switch session.wait(milliseconds: wait, hasInput: true) {
            case .called: nextPoll = clock.now
            case .time: break
            case .input:
                switch editor.read() {
                case .none: continue
                case .end: break
                case .tab:
                    complete()
                    continue
                case .line:
                    perform(&session)
                    // Reports and answers come soon after something was said.
                    nextPoll = min(nextPoll, clock.now.adding(seconds: 1))
                    continue
                }
                isDone = true
            }
            guard clock.now >= nextPoll || isDone else { continue }
            if let refusal = poll(&session) { return refusal }
            nextPoll = session.hasMore ? clock.now : clock.now.adding(seconds: isLost ? 5 : session.restSeconds)
        }
        if session.isOpen, !isLost { session.logOut() }
        return .success
    }

    private mutating func draw() {
        guard let question else {
            if let place = roster.asking {
                text.removeAll()
                text.append("May ")
                text.append(printable: roster.shortName(roster[place].address).span, lineBreak: " ")
                text.append(editor.columns >= 60 ? " see how you are (yes, no)? " : " see you? ")
                return editor.draw(prompt: InlineBytes<128>(prefix: text.span).span)
            }
            editor.draw(prompt: prompt.span)
            return
        }
        text.removeAll()
        // In a narrow terminal what is typed needs the room.
        if editor.columns >= 60 {
            text.append("Your choice (")
            question.writeChoices(into: &text)
            text.append(question.isRequired ? "): " : "; return for none): ")
        } else {
            text.append("Your choice: ")
        }
        guard let line = InlineBytes<128>(text.span) else { return }
        editor.draw(prompt: line.span)
    }

    // MARK: The server

    private mutating func poll(_ session: inout Session) -> ExitCode? {
        if !session.isOpen { return logInAgain(&session) }
        switch session.receive(&self) {
        case .unreachable: lose()
        case .answered(let code) where code != 200: return logInAgain(&session)
        case .answered, .nothing:
            if isLost { note("The server answers again.") }
            isLost = false
            if !session.hasMore {
                isCatchingUp = false
                tellContacts()
            }
            if answers.count > 0 {
                send(answers, &session)
                answers = Answers()
            }
        }
        return nil
    }

    private mutating func lose() {
        if !isLost { note("The server does not answer; trying again every 5 seconds.") }
        isLost = true
    }

    private mutating func logInAgain(_ session: inout Session) -> ExitCode? {
        guard !isDone, !isAtLogin || question == nil else { return nil }
        return finish(session.logIn(), &session)
    }

    /// Goes on after a login, or asks what has to be answered before.
    private mutating func finish(_ outcome: Outcome, _ session: inout Session) -> ExitCode? {
        isAtLogin = false
        switch outcome {
        case .answered(200):
            questionCount = 0
            showSystemMessages(session)
            session.negotiate()
            isLost = false
            isCatchingUp = true
            loadContacts(&session)
            return nil
        case .answered(let code) where session.firstSystemMessage != nil:
            // The list has all that is to be answered.
            questionCount = 0
            if code != 403 { note("That was no valid answer.") }
            showSystemMessages(session, usesPresets: code == 403)
            isAtLogin = true
            guard answers.count > 0 else { return nil }
            let given = answers
            answers = Answers()
            return finish(session.logIn(answering: given), &session)
        case .answered:
            beginNote()
            text.append("The session is over and a new login was refused: ")
            session.writeResult(into: &text)
            editor.print(text)
            return .noPermission
        case .nothing, .unreachable:
            lose()
            return nil
        }
    }

    mutating func show(_ arrival: Arrival, in session: borrowing Session) {
        switch arrival {
        case .message(let message): show(message, in: session)
        case .report(let messageID, let recipient, let code): showReport(messageID, recipient, code)
        case .systemMessage: showSystemMessages(session)
        case .presence: showPresence(session)
        case .permission(let address): showPermission(address)
        case .disconnect:
            beginNote()
            text.append("The server ended the session: ")
            session.writeResult(into: &text)
            editor.print(text)
            isDone = true
        case .other: break
        }
    }

    /// The message that is answered next: one that has to be, else the first.
    private var question: Question? {
        for index in 0..<questionCount where questions[index].isRequired { return questions[index] }
        return questionCount > 0 ? questions[0] : nil
    }

    private mutating func add(_ question: Question) {
        remove(question.id)
        guard questionCount < questions.count else { return }
        questions[questionCount] = question
        questionCount += 1
    }

    private mutating func remove(_ id: InlineBytes<48>) {
        var kept = 0
        for index in 0..<questionCount where !questions[index].id.span.equals(id.span) {
            questions[kept] = questions[index]
            kept += 1
        }
        questionCount = kept
    }

    /// Shows the System Messages in the document of the session, and asks for answers to them.
    private mutating func showSystemMessages(_ session: borrowing Session, usesPresets: Bool = true) {
        var next = session.firstSystemMessage
        while let element = next {
            next = session.document.next(after: element)
            guard let question = session.question(element) else { continue }
            beginNote()
            session.write(element, columns: terminalColumns, into: &text)
            text.append("\u{7}")
            editor.print(text)
            if usesPresets, let answer = options.preset(question) {
                answers.append(answer)
            } else if question.optionCount > 0 {
                add(question)
            }
        }
    }

    private mutating func send(_ answers: Answers, _ session: inout Session) {
        if isAtLogin {
            if finish(session.logIn(answering: answers), &session) != nil { isDone = true }
            return
        }
        switch session.answer(answers) {
        case .answered(200):
            for index in 0..<answers.count { remove(answers[index].id) }
            note("Answered.")
        case .answered(426):
            for index in 0..<answers.count { remove(answers[index].id) }
            note("That message is not open any more.")
        case .answered:
            beginNote()
            text.append("The answer was not accepted: ")
            session.writeResult(into: &text)
            editor.print(text)
        case .nothing, .unreachable: lose()
        }
    }

    /// Takes a line as the answer to a System Message.
    private mutating func answer(_ question: Question, _ line: Span<UInt8>, _ session: inout Session) {
        if line.count == 0, !question.isRequired {
            return remove(question.id)
        }
        // The key comes behind the number.
        let end = line.firstIndex(of: 0x20) ?? line.count
        guard let option = question.option(line.extracting(0..<end)) else {
            return note(
                question.isRequired
                    ? "First answer the message with the number of an option; /quit logs out."
                    : "Answer with the number of an option, or with return for none.")
        }
        var answer = Answer(id: question.id, option: option)
        if question.needsKey {
            guard let key = InlineBytes<16>(line.extracting(end..<line.count).trimmed()), !key.isEmpty else {
                return note("Type the number of the option, a space, and the key.")
            }
            answer.key = key
        }
        var answers = Answers()
        answers.append(answer)
        send(answers, &session)
    }

    private mutating func show(_ message: IncomingMessage, in session: borrowing Session) {
        text.removeAll()
        text.append(localTime: message.dateTime.span)
        text.append(" ")
        appendName(message.sender)
        text.append(isCatchingUp ? " (while you were away): " : ": ")
        session.write(message, lineBreak: "\n      ", into: &text)
        text.append("\u{7}")
        editor.print(text)
        if let person = roster.find(message.sender.span) {
            roster[person].receivedCount += 1
            roster[person].unreadCount += 1
            if partner == nil { talk(to: person) }
        }
    }

    private mutating func showReport(_ messageID: InlineBytes<64>, _ recipient: InlineBytes<100>, _ code: UInt64) {
        for index in sent.indices where sent[index].number > 0 && sent[index].messageID.span.equals(messageID.span) {
            beginNote()
            text.append("#")
            text.append(decimal: sent[index].number)
            text.append(code == 200 ? " delivered to " : " not delivered to ")
            appendName(recipient)
            if code != 200 {
                text.append(": ")
                text.append(decimal: code)
            }
            editor.print(text)
        }
    }

    // MARK: What the user typed

    private mutating func perform(_ session: inout Session) {
        guard let line = InlineBytes<4000>(editor.line.span.trimmed()) else { return }
        var isKept = false
        // A key that proves who answers is not for the next who sits here.
        if question == nil || line.span.starts(with: "/") { editor.remember() }
        if let question, line.isEmpty || line.span[0] != 0x2F {
            answer(question, line.span, &session)
        } else if let place = roster.asking, question == nil, line.isEmpty || line.span[0] != 0x2F {
            decide(place, line.span, &session)
        } else if line.isEmpty {
            // An empty line shows the prompt again.
        } else if line.span[0] != 0x2F {
            isKept = !say(line.span, &session)
        } else {
            command(line, &session)
        }
        if !isKept || !editor.isTerminal { editor.clear() }
    }

    private mutating func command(_ line: InlineBytes<4000>, _ session: inout Session) {
        let end = line.span.firstIndex(of: 0x20) ?? line.count
        let word = line.span.extracting(0..<end)
        let rest = line.span.extracting(end..<line.count).trimmed()
        if word.equals("/quit") || word.equals("/q") {
            isDone = true
        } else if word.equals("/help") {
            showHelp()
        } else if question?.isRequired == true {
            note("First answer the message with the number of an option; /quit logs out.")
        } else if word.equals("/who") || word.equals("/contacts") {
            showPeople()
        } else if changePeople(word, rest, &session) {
            // It was about people.
        } else if word.equals("/to") {
            choose(rest)
        } else if word.equals("/msg") {
            let nameEnd = rest.firstIndex(of: 0x20) ?? rest.count
            let message = rest.extracting(nameEnd..<rest.count).trimmed()
            if choose(rest.extracting(0..<nameEnd)), message.count > 0 { _ = say(message, &session) }
        } else {
            beginNote()
            text.append("There is no command ")
            text.append(printable: word, lineBreak: " ")
            if let meant = NearestWord.of(word, in: Chat.commands) {
                text.append("; did you mean ")
                text.append(meant.span)
                text.append("? ")
            } else {
                text.append("; ")
            }
            text.append("/help tells which there are.")
            editor.print(text)
        }
    }

    private static var commands: StaticString {
        "/msg /to /contacts /add /remove /block /unblock /status /alias /who /help /quit"
    }

    /// Completes a command, or the name of somebody behind one.
    private mutating func complete() {
        text.removeAll()
        let (word, isFirst) = editor.wordToComplete
        if isFirst, question == nil || word.span.starts(with: "/") {
            text.append(Chat.commands)
            text.append(0x20)
        } else if editor.line.span.starts(with: "/status ") {
            text.append("available away busy invisible ")
        } else if editor.line.span.starts(with: "/") {
            for place in 0..<roster.count {
                text.append(roster.shortName(roster[place].address).span)
                text.append(0x20)
            }
        }
        editor.complete(from: text, listing: &list)
    }

    private mutating func showHelp() {
        help("/msg NAME TEXT", "sends TEXT to NAME; after that a line without a slash goes there too")
        help("/to NAME", "chooses who gets such lines")
        help("/contacts", "lists your contacts and whom you talk with, and how they are")
        help("/add NAME", "puts NAME on your list; what follows is what you call him; /remove takes him off")
        help("/block NAME", "keeps NAME from writing to you and seeing you; /unblock ends that")
        help("/status", "available, away, busy or invisible, and what you say besides")
        help("/alias NAME", "how others see you called")
        help("/quit", "logs out")
        if editor.isTerminal {
            help("Up, Down", "bring back what you typed; Tab completes commands and names")
        }
    }

    private mutating func help(_ what: StaticString, _ words: StaticString) {
        // Below each other where there is room for two columns.
        let isWide = editor.columns >= 60
        let column = isWide ? 18 : 6
        text.removeAll()
        text.append("  ")
        text.append(what)
        if !isWide { text.append("\n     ") }
        repeat { text.append(0x20) } while isWide && text.count < column
        text.append(words)
        editor.print(text, indent: column)
    }

    @discardableResult
    private mutating func choose(_ name: Span<UInt8>) -> Bool {
        guard let person = person(name) else { return false }
        talk(to: person)
        return true
    }

    /// Sends a line to the partner; false when it did not arrive, and may be sent again as it is.
    private mutating func say(_ message: Span<UInt8>, _ session: inout Session) -> Bool {
        guard let partner else {
            note("To whom? /msg NAME TEXT")
            return true
        }
        switch session.send(to: roster[partner].address.span, message) {
        case .answered(200):
            sentCount += 1
            roster[partner].sentCount += 1
            roster[partner].unreadCount = 0
            sent[Int(sentCount) % sent.count] = Sent(messageID: session.sentMessageID, number: sentCount)
            text.removeAll()
            text.append(localTime: Span())
            text.append(" to ")
            appendName(roster[partner].address)
            text.append(" #")
            text.append(decimal: sentCount)
            text.append(": ")
            text.append(printable: message, lineBreak: " ")
            editor.print(text)
            return true
        case .answered:
            beginNote()
            text.append("Not accepted: ")
            session.writeResult(into: &text)
            editor.print(text)
            return true
        case .nothing, .unreachable: note("The server does not answer; press return to send it again.")
        }
        return false
    }

    // MARK: Names and notes

    private mutating func talk(to person: Int) {
        partner = person
        prompt = InlineBytes()
        let name = roster.shortName(roster[person].address)
        _ = prompt.append(name.span)
        _ = prompt.append("> ")
    }

    private mutating func appendName(_ address: InlineBytes<100>) {
        text.append(printable: roster.shortName(address).span, lineBreak: " ")
    }

    mutating func beginNote() {
        text.removeAll()
        text.append("-- ")
    }

    mutating func note(_ words: StaticString) {
        beginNote()
        text.append(words)
        editor.print(text)
    }
}
