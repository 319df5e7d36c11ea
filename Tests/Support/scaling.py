#!/usr/bin/env python3
"""What the engine does for a request, as instructions, against how much there is: it may not grow by more than a fifth.

The built program runs under callgrind twice for each row, with few of the measured requests and with many; the difference
is what one of them takes. `make scaling` runs it; it takes about ten minutes."""

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.environ.get("IMPSD_PROGRAMS", os.path.join(ROOT, ".build/release"))
PLACE = "http://www.openmobilealliance.org/DTD/"


class Engine:
    """A running impsd with its data in a folder of its own."""

    def __init__(self, folder, counts=None):
        self.folder = folder
        self.counts = counts
        self.number = 0
        port = 20000 + os.getpid() % 20000
        options = {
            "listen": "127.0.0.1", "port": port, "domain": "home.test", "data_dir": folder + "/data",
            "control": folder + "/control", "clock": "trusted", "cir_port": "0", "login_failures": "0",
            "log_level": "err", "mem_kb": "131072", "max_sessions": "12000", "db_kb": "524288",
            "offline_max_msgs": "20000", "offline_max_kb": "100000",
        }
        self.configuration = folder + "/imps.conf"
        with open(self.configuration, "w") as file:
            file.write("config imps 'main'\n" + "".join(f"\toption {k} '{v}'\n" for k, v in options.items()))
        self.port = port

    def control(self, *arguments):
        subprocess.run(
            [PROGRAMS + "/impsctl", "--config", self.configuration, *arguments], check=True, capture_output=True)

    def add(self, count):
        with open(self.folder + "/accounts", "w") as file:
            file.writelines(f"u{number} righteous\n" for number in range(count))
        self.control("--offline", "user", "add", "--file", self.folder + "/accounts")

    def start(self):
        command = [PROGRAMS + "/impsd", "--config", self.configuration, "--allow-root"]
        if self.counts:
            # Callgrind keeps which functions they are in where `counts` says.
            command = ["valgrind", "--child-silent-after-fork=yes", "--tool=callgrind", f"--callgrind-out-file={self.counts}"] + command
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(1200):
            try:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port)
                self.connection.connect()
                return self
            except OSError:
                time.sleep(0.05)
        sys.exit("scaling: the engine does not start")

    def stop(self):
        """Ends it; the instructions that it took, when they are counted."""
        self.process.send_signal(signal.SIGTERM)
        text = self.process.communicate()[1].decode()
        found = re.search(r"Collected : (\d+)", text)
        return int(found.group(1)) if found else 0

    def say(self, content, session=None, version="1.2", mode="Request", transaction=None):
        self.number += 1
        names = ("IMPS-CSP1.3", "IMPS-TRC1.3") if version == "1.3" else ("WV-CSP1.2", "WV-TRC1.2")
        kind = (
            f"<SessionType>Inband</SessionType><SessionID>{session}</SessionID>" if session
            else "<SessionType>Outband</SessionType>")
        body = (
            f'<WV-CSP-Message xmlns="{PLACE}{names[0]}"><Session><SessionDescriptor>{kind}</SessionDescriptor>'
            f"<Transaction><TransactionDescriptor><TransactionMode>{mode}</TransactionMode><TransactionID>"
            f"{transaction or self.number}"
            f'</TransactionID></TransactionDescriptor><TransactionContent xmlns="{PLACE}{names[1]}">{content}'
            "</TransactionContent></Transaction></Session></WV-CSP-Message>")
        self.connection.request("POST", "/", body, {"Content-Type": "application/vnd.wv.csp.xml"})
        return self.connection.getresponse().read().decode()

    def log_in(self, user, version="1.2"):
        answer = self.say(
            f"<Login-Request><UserID>u{user}</UserID><ClientID><URL>c</URL></ClientID><Password>righteous</Password>"
            f"<TimeToLive>86400</TimeToLive><SessionCookie>c{user}</SessionCookie></Login-Request>", version=version)
        return re.search("<SessionID>(.*?)</SessionID>", answer).group(1)

    def send(self, session, user):
        answer = self.say(
            "<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><ContentType>text/plain</ContentType>"
            f"<Recipient><User><UserID>u{user}</UserID></User></Recipient></MessageInfo><ContentData>{'x' * 200}"
            "</ContentData></SendMessage-Request>", session)
        assert "<Code>200</Code>" in answer, answer

    def receive(self, session, times):
        """Takes messages, each with the confirmation of the one before."""
        answer = self.say("<Polling-Request/>", session)
        for _ in range(times):
            found = re.search("<TransactionID>(.*?)</TransactionID>.*<MessageID>(.*?)</MessageID>", answer)
            assert found, answer
            answer = self.say(
                f"<MessageDelivered><MessageID>{found.group(2)}</MessageID></MessageDelivered>", session,
                mode="Response", transaction=found.group(1))


def difference(prepare, act, few, many):
    """Instructions of one `act`, after `prepare` without counting."""
    counts = []
    for times in (few, many):
        folder = tempfile.mkdtemp(prefix="scaling-")
        try:
            engine = Engine(folder)
            prepare(engine)
            engine.counts = "/dev/null"
            engine.start()
            act(engine, times)
            counts.append(engine.stop())
        finally:
            shutil.rmtree(folder)
    return (counts[1] - counts[0]) // (many - few)


def accounts(count):
    return lambda engine: engine.add(count)


def sessions(count):
    def prepare(engine):
        engine.add(count + 200)
        engine.start()
        for user in range(count):
            engine.log_in(200 + user)
        engine.stop()
    return prepare


def waiting(count):
    def prepare(engine):
        engine.add(2)
        engine.start()
        session = engine.log_in(0)
        for _ in range(count):
            engine.send(session, 1)
        engine.stop()
    return prepare


def log_in(engine, times, version="1.2"):
    for user in range(times):
        engine.log_in(user, version)


def send(engine, times):
    session = engine.log_in(0)
    for user in range(times):
        engine.send(session, 1 + user)


def log_in_again(engine, times):
    for _ in range(times):
        engine.log_in(1, "1.3")


def deliver(engine, times):
    engine.receive(engine.log_in(1), times)


ROWS = [
    ("login, accounts", accounts, log_in, (1000, 100_000)),
    ("send, accounts", accounts, send, (1000, 100_000)),
    ("login, sessions", sessions, log_in, (100, 10_000)),
    ("1.3 login, waiting", waiting, log_in_again, (10, 10_000)),
    ("delivery, waiting", waiting, deliver, (25, 10_000)),
]


def start_cost(count):
    """Instructions of a start for each session that is stored."""
    folder = tempfile.mkdtemp(prefix="scaling-")
    try:
        engine = Engine(folder)
        sessions(count)(engine)
        engine.counts = "/dev/null"
        return engine.start().stop()
    finally:
        shutil.rmtree(folder)


def main():
    failed = False
    print("what, against how much          little       much    ratio")
    for name, prepare, act, sizes in ROWS:
        few, many = (4, 20) if act is deliver else (20, 120)
        little, much = (difference(prepare(size), act, few, many) for size in sizes)
        print(f"{name:24} {sizes[0]:>6} {little:>8} {much:>10} {much / little:8.2f}", flush=True)
        failed = failed or much > little * 1.2
    base = start_cost(0)
    little, much = ((start_cost(count) - base) // count for count in (1000, 10_000))
    print(f"start, a session         {1000:>6} {little:>8} {much:>10} {much / little:8.2f}", flush=True)
    if failed or much > little * 1.2:
        sys.exit("scaling: something grows by more than a fifth")


if __name__ == "__main__":
    main()
