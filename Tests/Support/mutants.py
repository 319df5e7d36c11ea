#!/usr/bin/env python3
"""Changes IMPSEngine in small ways, one at a time, and looks whether its tests notice.

Each mutant is a file, a text that is in it once, and another text. The tests that take no time go first, the simulations
after them. What nobody notices is listed with the acceptance test that does; the rest is a gap. `make mutants` runs it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENGINE = "Sources/IMPSEngine/"

# name, file, text, another text, and the acceptance test that notices when the engine's own tests do not
MUTANTS = [
    ("delivers while restricted", "Messaging/Delivery.swift", "sessions[slot].access.isRestricted || holds || !mayReceive(slot, sessions)", "holds || !mayReceive(slot, sessions)", None),
    ("delivers without the level", "Messaging/Delivery.swift", "sessions[slot].access.isRestricted || holds || !mayReceive(slot, sessions)", "sessions[slot].access.isRestricted || holds", None),
    ("keeps what was confirmed", "Messaging/Mailbox.swift", "if !isBounded || !isAwaited(confirmed, sequence, of: user, sessions, turn.now) {", "if !isBounded {", None),
    ("waits for nobody", "Messaging/Mailbox.swift", "if !isBounded || !isAwaited(confirmed, sequence, of: user, sessions, turn.now) {", "if true {", None),
    ("waits for who came later", "Messaging/Mailbox.swift", "session < sequence, !entry.isConfirmed", "!entry.isConfirmed", None),
    ("waits for the silent", "Messaging/Mailbox.swift", "lastSeen.adding(seconds: 300) > now", "lastSeen.adding(seconds: 3000) > now", None),
    ("ignores until", "SystemMessage/Campaign.swift", "(until == 0 || wall.secondsSince1970 < until)", "true", None),
    ("ignores from", "SystemMessage/Campaign.swift", "(from == 0 || from <= wall.secondsSince1970)", "true", None),
    ("one key more", "Limits.swift", "static var verificationTries: UInt8 { 3 }", "static var verificationTries: UInt8 { 4 }", None),
    ("quota one more", "Messaging/Mailbox.swift", "if count < most, byteCount <= mostBytes { return true }", "if count <= most, byteCount <= mostBytes { return true }", None),
    ("octets one more", "Messaging/Mailbox.swift", "if count < most, byteCount <= mostBytes { return true }", "if count < most, byteCount <= mostBytes + 1 { return true }", None),
    ("strangers find no more room", "Messaging/Mailbox.swift", "guard let sender, count < most + max(1, most / 4)", "guard let sender, count < most", None),
    ("a nonce serves twice", "Accounts/Authentication.swift", "        dropChallenge(place, &records)\n        var secret", "        var secret", None),
    ("a nonce serves others", "Accounts/Challenges.swift", "            && places[place].networkHash == challenger.networkHash\n", "", None),
    ("a nonce serves another client", "Accounts/Authentication.swift", "guard challenge.clientHash == credentials.clientHash else {", "guard true else {", None),
    ("a nonce does not age", "Accounts/Authentication.swift", "adding(seconds: UInt64(records.settings.challengeSeconds)) > now else {", "adding(seconds: 1 << 40) > now else {", None),
    ("a waiting login does not end", "SystemMessage/PendingLogin.swift", "if pendingLogins[place].expiresAt <= turn.now {", "if pendingLogins[place].expiresAt.adding(seconds: 1000) <= turn.now {", None),
    ("a login that is over is found", "SystemMessage/PendingLogin.swift", "other.networkHash == login.networkHash, now < other.expiresAt", "other.networkHash == login.networkHash", None),
    ("a restricted session may do all", "Session/Admission.swift", "if table[slot].access.isRestricted {", "if false {", None),
    ("a restricted session may negotiate", "Session/Admission.swift", "case .serviceRequest, .subscribePresenceRequest: return .whileAskedByMessage", "case .serviceRequest, .subscribePresenceRequest: return .whileAsked", None),
    ("what was not agreed is done", "Session/Admission.swift", "} else if !admission.has(.answers), !isAgreed(primitive, in: slot) {", "} else if false {", None),
    ("the level does not count", "Session/Admission.swift", "FunctionSet.offered.intersection(table[slot].access.level)", "FunctionSet.offered", None),
    ("who is told to go goes on", "Session/Admission.swift", "if table[slot].closing != 0 {\n            throw", "if false {\n            throw", None),
    ("sessions do not end", "Session/SessionTimers.swift", "if table[slot].expiresAt <= turn.now {", "if false {", None),
    ("sessions end early", "Session/KeepAlive.swift", "UInt64(keepAliveSeconds) + UInt64(keepAliveSeconds) / 5", "UInt64(keepAliveSeconds)", None),
    ("a poll does not prolong", "Session/KeepAlive.swift", "        table[slot].lastSeen = now\n", "        if true { return }\n        table[slot].lastSeen = now\n", None),
    ("keep-alive without bound", "Session/KeepAlive.swift", "max(keepAliveMin, UInt32(min(proposal, UInt64(keepAliveMax))))", "UInt32(clamping: proposal)", None),
    ("one session more", "Session/Login.swift", "guard count >= most, let oldest else { return }", "guard count > most, let oldest else { return }", None),
    ("the newest session goes", "Session/Login.swift", "? table[slot].number < table[other].number : table[slot].lastSeen < table[other].lastSeen", "? table[slot].number < table[other].number : table[slot].lastSeen > table[other].lastSeen", None),
    ("anybody takes a place", "Session/SessionTable.swift", "guard let greediest, greediest != network, let place", "guard let greediest, let place", None),
    ("a half is most", "Session/SessionTable.swift", "            Int(networks[place].count) * 2 > slots.count\n", "            Int(networks[place].count) * 2 >= slots.count\n", None),
    ("repeats are done again", "Transactions.swift", "if let slot, hash != 0, sessions.replayAnswer(", "if let slot, hash == 1, sessions.replayAnswer(", None),
    ("repeats for ever", "Session/Answers.swift", "now.seconds &- kept.answer.at <= records.settings.answerSeconds", "kept.answer.at <= .max", None),
    ("answers stay behind", "Session/Logout.swift", "        forgetAnswers(of: slot, &records)\n", "", None),
    ("a session that ended goes on", "Transactions.swift", "if let current = slot, !sessions.hasSession(current, number) { slot = nil }\n            switch", "switch", None),
    ("a login without number is repeated", "Session/Login.swift", "let hash = hash == 0 ? 0 : max(1, hash", "let hash = hash == 0 ? 7 : max(1, hash", None),
    ("one recipient more", "Messaging/SendMessage.swift", "guard count < items.count else { throw Refusal(.badParameter, \"too many recipients\") }", "guard count < items.count - 1 else { throw Refusal(.badParameter, \"too many recipients\") }", None),
    ("content one more", "Messaging/SendMessage.swift", "guard byteCount <= Int(records.settings.messageByteCountMax) else {", "guard byteCount <= Int(records.settings.messageByteCountMax) + 1 else {", None),
    ("messages do not expire", "Messaging/Expiry.swift", "return expiry <= wall.secondsSince1970", "return expiry + 5 <= wall.secondsSince1970", None),
    ("validity does not count", "Records/MessageRecord.swift", "sent + (validity > 0 ? min(UInt64(validity), lifetime) : lifetime)", "sent + lifetime", None),
    ("nobody is told of expiry", "Messaging/Expiry.swift", "            report(.messageExpired, about: sequence, to: user, &sessions, &records, turn.wall)\n", "", None),
    ("nobody is told of rejection", "Messaging/RejectMessage.swift", "report(.messageRejected, about: sequence", "report(.success, about: sequence", None),
    ("reports nobody asked for", "Messaging/DeliveryReport.swift", "guard records.wantsReport(message), let header = records.messageHeader(message) else { return }", "guard let header = records.messageHeader(message) else { return }", None),
    ("sent again too soon", "Messaging/Outstanding.swift", "{ now.seconds &- sentAt >= guardSeconds }", "{ now.seconds &- sentAt >= guardSeconds / 2 }", None),
    ("sent once more", "Messaging/Outstanding.swift", "outstanding.isOverdue(now, guardSeconds: guardSeconds), outstanding.deliveries < deliveriesMax", "outstanding.isOverdue(now, guardSeconds: guardSeconds), outstanding.deliveries <= deliveriesMax", None),
    ("the window is larger", "Messaging/Outstanding.swift", "return open < multiTrans", "return open <= multiTrans", None),
    ("in vain once more", "Messaging/Unanswered.swift", "guard entry.deliveries >= records.settings.deliveriesMax else { return }", "guard entry.deliveries > records.settings.deliveriesMax else { return }", None),
    ("a denial is forgotten", "SystemMessage/Campaign.swift", "return wall.isTrusted && entry.at + UInt64(tryAgain) > wall.secondsSince1970", "return false", None),
    ("no answer, no end", "SystemMessage/OnlineQuestions.swift", "guard let end = sessions[slot].access.answerBy, end <= turn.now else { return }", "guard let end = sessions[slot].access.answerBy, end.adding(seconds: 600) <= turn.now else { return }", None),
    ("reminders do not come", "SystemMessage/OnlineQuestions.swift", "access.remindAt.map { $0 <= now } ?? false", "access.remindAt.map { $0.adding(seconds: 600) <= now } ?? false", None),
    ("a wrong option is taken", "SystemMessage/SystemMessageUser.swift", "guard chosen <= UInt64(UInt16.max), let found = records.option(id: UInt16(chosen), of: campaign) else {", "guard let found = records.option(id: UInt16(chosen), of: campaign) ?? records.option(0, of: campaign) else {", None),
    ("who declines is in", "SystemMessage/SystemMessageUser.swift", "entry.state = entry.grant.isAdmitted ? .answered : .denied", "entry.state = .answered", None),
    ("an answer for another generation", "SystemMessage/SystemMessageUser.swift", "guard campaign.generation == id.generation, var entry", "guard var entry", None),
    ("the level is not applied", "SystemMessage/OnlineQuestions.swift", "            sessions[slot].access.level = level.functions\n            sessions.storeSession", "            sessions.storeSession", None),
    ("what waited comes twice", "Messaging/Delivery.swift", "sessions[slot].delivery.sentUpTo = max(sessions[slot].delivery.sentUpTo, sequence)", "_ = sequence", None),
    ("what was held back stays back", "Messaging/SessionDelivery.swift", "        passedBy = 0\n", "", None),
    ("a wait is no wait", "Accounts/Throttle.swift", "guard excess >= 0 else { return 0 }", "guard excess > 0 else { return 0 }", None),
    ("help comes late", "SystemMessage/Help.swift", "if errors.count >= records.settings.helpErrors, !errors.isHelped {", "if errors.count > records.settings.helpErrors, !errors.isHelped {", None),
    ("shows what is not permitted", "People/PresenceValue.swift", "let visible = wanted.intersection(permitted)", "let visible = wanted", None),
    ("shows the blocked", "People/Permission.swift", "guard letsThrough(watcher, to: user) else { return .none }", "", None),
    ("forgets who comes and goes", "People/Visibility.swift", "if isThere(user) != wasThere {", "if false {", None),
    ("shows who is asked", "People/Visibility.swift", "isOpen && closing == 0 && !access.isRestricted && access.epoch != 0", "isOpen && closing == 0", None),
    ("hears of what it may not see", "People/Visibility.swift", "guard !wanted.intersection(changed).intersection(visible).isEmpty else { continue }", "", None),
    ("drops what is not answered", "People/PresenceNotification.swift", "marks.recall(table[slot].presence)", "marks.removeSent(&table[slot].presence)", None),
    ("notifies who did not ask", "Messaging/Delivery.swift", "sessions[slot].access.isRestricted || !sessions[slot].presence.isNotified", "sessions[slot].access.isRestricted", None),
    ("keeps notifications of nobody", "People/Notification.swift", "guard !isNotified(user) else { return }", "return", None),
    ("does not notify after a restart", "People/Visibility.swift", "records.target(.notification, of: slot, after: nil) != nil", "false", None),
    ("a dry run is none", "Operator/PeopleControl.swift", "guard !isRehearsal else { return }", "", "ImportTests"),
    ("does not sweep after a restart", "People/Visibility.swift", "            }\n        }\n        sweepAll()", "            }\n        }", None),
    ("tells nobody of a permission", "People/Permission.swift", "sessions.mark(user, ofWatcher: watcher, changed: nil, records)", "", None),
    ("grants more than was asked", "People/PresenceAuthUser.swift", "isNamed || !isAsked ? wanted : authorization.granted.union(authorization.wanted)", "wanted", None),
    ("loses who is on no list", "People/Subscription.swift", "if !isContact(user, of: owner) { store(UInt8(1), for: Key.listed(user, by: owner, 0)) }", "", None),
    ("does not sweep when there is no room", "People/Visibility.swift", "            table[slot].presence.beginSweep()\n        }\n        call(slot)", "        }\n        call(slot)", None),
    ("forgets whom a session leaves untold", "Session/Logout.swift", "if end != .deleted, first(of: user) == nil {", "if false {", None),
    ("tells who is there", "Notifier/Notifier.swift", "guard sessions.first(of: user) == nil, let waiting", "guard let waiting", None),
    ("tells twice at once", "Notifier/Notifier.swift", "if isUnderWay(user) { return nil }", "", None),
    ("forgets what came meanwhile", "Notifier/Notifier.swift", "notification.told = order.sequence", "notification.told = .max", None),
    ("nags", "Notifier/Notifier.swift", "notification.told = order.sequence", "", None),
    ("wakes people", "Notifier/Notifier.swift", "if quiet > 0 {", "if false {", None),
    ("begins each look anew", "Notifier/Notifier.swift", "self.scan = scan\n        deadline.schedule", "deadline.schedule", None),
    ("looks at the same for ever", "Notifier/Notifier.swift", "notification.nextFrom = turn.wall.secondsSince1970 + Notifier.notToldSeconds", "", None),
    ("a link to a question opens", "Session/Login.swift", "                if login.isForAnswer {\n", "                if false {\n", None),
    ("an answer by a link opens", "Accounts/Authentication.swift", "return campaign != 0 ? .mayAnswer(campaign) : .authenticated", "return .authenticated", None),
    ("a link outlives a restart as a login", "SystemMessage/PendingLogin.swift", "campaign = reader.isAtEnd ? 0 : reader.integer()", "campaign = 0", None),
    ("a link outlives the password", "Accounts/AnswerLink.swift", "        _ = facts.append(account.credential.span)\n", "", None),
    ("a link outlives the question", "Accounts/AnswerLink.swift", "            _ = facts.append(UInt8(truncatingIfNeeded: UInt32(campaign.generation) >> shift))\n", "", None),
    ("a link is for every question", "SystemMessage/SystemMessageUser.swift", "guard number == 0 || id.campaign == number else { return Refusal(.invalidMessageID) }", "", None),
    ("a link shows every question", "SystemMessage/LoginQuestions.swift", "            if login.isForAnswer, campaigns[place].number != login.campaign { continue }\n", "", None),
    ("a link becomes a login", "SystemMessage/PendingLogin.swift", " || pendingLogins[place].campaign != login.campaign {", " {", None),
    ("calls each session of a user", "Session/CIR.swift", "shortMessageCalls.note(table[slot].user, now)", "", None),
    ("calls by short messages each time", "Session/CIR.swift", "guard from <= now, shortMessageCalls.append(slot)", "guard shortMessageCalls.append(slot)", None),
    ("calls by short messages first", "Session/CIR.swift", "return !methods.hasDatagrams ||", "return methods.hasShortMessages ||", None),
    ("forgets a call that was not sent", "Session/CIR.swift", "        table[call.slot].calling.shortMessageFrom = time\n", "", None),
    ("asks a dead gateway for everybody", "Notifier/Notifier.swift", "if isDown { pause(order.section, turn.now) }", "", None),
    ("guests are let in unasked", "SystemMessage/Guests.swift", "guard case .open = gate else { return false }", "", None),
    ("answers of guests are passed on", "RelayLogin.swift", "                continue\n            }\n            if !isOpen", "            }\n            if !isOpen", None),
    ("another's answer is taken", "RelayAnswer.swift", "guard relay.hasAsked(id) else { return false }", "", None),
    ("another session's answer is taken", "RelayAnswer.swift", "guard Hash64(id).value == relay.sessionHash else { return false }", "_ = id", "aServiceThatFailsIsToldOf"),
    ("relays are not given back", "RelayAnswer.swift", "        gateway.relays[place] = Relay()\n        gateway.noteAnswer", "        gateway.noteAnswer", None),
    ("a refused login opens", "RelayLogin.swift", "guard code == UInt64(StatusCode.success.rawValue), let id", "guard code != 1, let id", "strangersAnswerForNobody"),
    ("answers of guests are forgotten", "SystemMessage/Guests.swift", "        set(entry, of: user, &records)\n    }\n\n    /// Whether an answer", "    }\n\n    /// Whether an answer", None),
    ("relayed sessions are forgotten", "RelayLogin.swift", "        records.keep(record, of: slot)\n", "", None),
]

PACKAGE = """// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [.enableExperimentalFeature("Lifetimes")]
let package = Package(
    name: "mutants",
    targets: [
        .systemLibrary(name: "CMbedTLS"),
        .target(name: "Octets", swiftSettings: settings),
        .target(name: "Digests", dependencies: ["Octets", "CMbedTLS"], swiftSettings: settings),
        .target(name: "Wire", dependencies: ["Octets"], exclude: ["Tables"], swiftSettings: settings),
        .target(name: "CSP", dependencies: ["Wire"], exclude: ["Tables"], swiftSettings: settings),
        .target(name: "IMPSEngine", dependencies: ["CSP", "Digests"], swiftSettings: settings),
        .testTarget(
            name: "IMPSEngineTests", dependencies: ["IMPSEngine"], swiftSettings: settings,
            linkerSettings: [.linkedLibrary("mbedcrypto")]),
    ])
"""

FAST = "AdmissionTests|ImpoliteTests|TimeTests|LimitTests|NonceTests|DeliveryTests|ProofTests|NoticeTests|MessageContentTests|NotifierRuleTests|AnswerLinkRuleTests"


def kill_session(session):
    """Kills all processes of a session; those that the tests start have process groups of their own."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
                if int(fields[3]) == session:
                    os.kill(int(name), 9)
            except OSError:
                pass


def run(folder, arguments, seconds):
    """The exit code of a command in a session of its own, which ends with it; None when it took too long."""
    with open(os.path.join(folder, "log"), "w") as log:
        process = subprocess.Popen(arguments, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            kill_session(process.pid)
            process.wait()
            return None


def noticed_by(folder):
    """What notices the change that is made in `folder`; None when nothing does."""
    if run(folder, ["swift", "build", "--build-tests"], 900) != 0:
        return "the compiler"
    if run(folder, ["swift", "test", "--skip-build", "--filter", FAST], 60) != 0:
        return "unit tests"
    if run(folder, ["swift", "test", "--skip-build", "--skip", FAST], 300) != 0:
        return "simulation"
    return None


def main():
    wanted = sys.argv[1:]
    folder = tempfile.mkdtemp(prefix="mutants-")
    for part in ("Sources", "Tests/IMPSEngineTests"):
        shutil.copytree(os.path.join(ROOT, part), os.path.join(folder, part))
    with open(os.path.join(folder, "Package.swift"), "w") as file:
        file.write(PACKAGE)
    try:
        if noticed_by(folder) is not None:
            sys.exit("mutants: the tests fail without any change; " + open(os.path.join(folder, "log")).read()[-2000:])
        count = 0
        gaps = []
        for name, path, text, other, acceptance in MUTANTS:
            if wanted and name not in wanted:
                continue
            path = os.path.join(folder, ENGINE, path)
            with open(path) as file:
                source = file.read()
            if source.count(text) != 1:
                sys.exit(f"mutants: {name}: the text is {source.count(text)} times in {path}")
            with open(path, "w") as file:
                file.write(source.replace(text, other))
            found = noticed_by(folder)
            with open(path, "w") as file:
                file.write(source)
            count += 1
            if found == "the compiler":
                sys.exit(f"mutants: {name} does not compile\n" + open(os.path.join(folder, "log")).read()[-2000:])
            if found is None:
                gaps.append((name, acceptance))
            print(f"{name}: {found or 'NOT NOTICED; ' + (acceptance or 'a gap')}", flush=True)
        print(f"mutants: {count} changes, {count - len(gaps)} noticed by unit tests and simulation")
        if len(gaps) * 10 > count:
            sys.exit("mutants: fewer than nine in ten are noticed")
    finally:
        shutil.rmtree(folder)


main()
