#!/usr/bin/env python3
"""Counts what the engine does for a request: instructions of the program (under callgrind), changes of the store, octets
written and turns made durable. They are the same on every machine, so they are compared with what they were
(`Tests/Support/bench/BASELINE.tsv`): more than three percent more is a failure. `counts.py --keep` writes them there;
`counts.py --annotate ROW` shows which functions the instructions of a row are in."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scaling  # noqa: E402

BASELINE = os.path.join(scaling.ROOT, "Tests/Support/bench/BASELINE.tsv")
USERS = 1000
PLACES = {"xml": "application/vnd.wv.csp.xml", "wbxml": "application/vnd.wv.csp.wbxml"}
# The code 200: a number of two octets in WBXML has its count before it.
SUCCESS = {"xml": b"<Code>200</Code>", "wbxml": b"\xc3\x01\xc8"}
FIGURES = ["instructions", "changes", "written", "turns"]


class Counted(scaling.Engine):
    """An engine that is asked for more than instructions."""

    def figures(self):
        text = subprocess.run(
            [scaling.PROGRAMS + "/impsctl", "--config", self.configuration, "--raw", "status"], check=True,
            capture_output=True).stdout.decode()
        changes, written, turns = (
            int(re.search(rf"\b{name}=(\d+)", text).group(1)) for name in ("changes", "written_kb", "commits"))
        return [changes, written * 1024, turns]


def document(content, session, transaction, mode="Request"):
    return (
        f'<WV-CSP-Message xmlns="{scaling.PLACE}WV-CSP1.2"><Session><SessionDescriptor><SessionType>Inband</SessionType>'
        f"<SessionID>{session}</SessionID></SessionDescriptor><Transaction><TransactionDescriptor><TransactionMode>{mode}"
        f"</TransactionMode><TransactionID>{transaction}</TransactionID></TransactionDescriptor><TransactionContent "
        f'xmlns="{scaling.PLACE}WV-TRC1.2">{content}</TransactionContent></Transaction></Session></WV-CSP-Message>').encode()


def encoded(octets, syntax):
    if syntax == "xml":
        return octets
    return subprocess.run([scaling.PROGRAMS + "/imps", "encode", "/dev/stdin"], input=octets, check=True, capture_output=True).stdout


class Line:
    """One connection on which requests may be under way one behind the other."""

    def __init__(self, port, syntax):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.head = f"POST / HTTP/1.1\r\nHost: gateway\r\nContent-Type: {PLACES[syntax]}\r\nContent-Length: "
        self.octets = b""

    def post(self, bodies):
        self.socket.sendall(b"".join(f"{self.head}{len(body)}\r\n\r\n".encode() + body for body in bodies))
        return [self.answer() for _ in bodies]

    def answer(self):
        while b"\r\n\r\n" not in self.octets:
            self.more()
        head, rest = self.octets.split(b"\r\n\r\n", 1)
        count = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        self.octets = rest
        while len(self.octets) < count:
            self.more()
        body, self.octets = self.octets[:count], self.octets[count:]
        return body

    def more(self):
        octets = self.socket.recv(65536)
        assert octets, "the engine closed the connection"
        self.octets += octets


def accept(syntax, depth):
    """Messages of 200 octets for people who are not there."""
    def act(engine, times):
        session = engine.log_in(0)
        content = (
            "<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><ContentType>text/plain</ContentType>"
            f"<Recipient><User><UserID>uRRR</UserID></User></Recipient></MessageInfo><ContentData>{'x' * 200}"
            "</ContentData></SendMessage-Request>")
        body = encoded(document(content, session, "TTTTTT"), syntax)
        bodies = [
            body.replace(b"TTTTTT", b"%06d" % (100_000 + number)).replace(b"uRRR", b"u%03d" % (100 + number * 7 % 900))
            for number in range(times)]
        line = Line(engine.port, syntax)
        for start in range(0, times, depth):
            for answer in line.post(bodies[start:start + depth]):
                assert SUCCESS[syntax] in answer, answer
    return act


def deliver(engine, times):
    """Messages that waited, each confirmed with the request for the next one."""
    engine.receive(engine.log_in(1), times)


def poll(engine, times):
    body = document("<Polling-Request/>", engine.log_in(0), "1")
    line = Line(engine.port, "xml")
    for _ in range(times):
        assert line.post([body]) == [b""]


def come_and_go(engine, times):
    for user in range(times):
        session = engine.log_in(user)
        answer = engine.say("<Logout-Request/>", session)
        assert "<Code>200</Code>" in answer, answer


ROWS = {
    "accepted, XML, alone": (None, accept("xml", 1), 128, 640),
    "accepted, WBXML, alone": (None, accept("wbxml", 1), 128, 640),
    "accepted, XML, 64 a turn": (None, accept("xml", 64), 640, 3200),
    "accepted, WBXML, 64 a turn": (None, accept("wbxml", 64), 640, 3200),
    "delivered and confirmed, XML": (scaling.waiting(700), deliver, 100, 600),
    "empty poll": (None, poll, 100, 1100),
    "login and logout": (None, come_and_go, 20, 220),
}


def run(prepare, act, times, annotation=None):
    folder = tempfile.mkdtemp(prefix="counts-")
    engine = Counted(folder)
    try:
        (prepare or scaling.accounts(USERS))(engine)
        engine.counts = annotation or "/dev/null"
        engine.start()
        before = engine.figures()
        act(engine, times)
        after = engine.figures()
        return [engine.stop()] + [b - a for a, b in zip(before, after)]
    finally:
        process = getattr(engine, "process", None)
        if process and process.poll() is None:
            process.kill()
        shutil.rmtree(folder)


def measure(row, annotation=None):
    prepare, act, few, many = ROWS[row]
    little, much = run(prepare, act, few), run(prepare, act, many, annotation)
    return [(b - a) / (many - few) for a, b in zip(little, much)]


def main():
    if sys.argv[1:2] == ["--annotate"]:
        measure(sys.argv[2], "/tmp/counts.out")
        return subprocess.run(["callgrind_annotate", "--threshold=95", "/tmp/counts.out"])
    names = [name for name in ROWS if not sys.argv[1:] or sys.argv[1] in ("--keep", name)]
    known = {}
    if os.path.exists(BASELINE):
        with open(BASELINE) as file:
            for line in file.read().splitlines()[1:]:
                name, *figures = line.split("\t")
                known[name] = [float(figure) for figure in figures]
    print(f"{'each':30}" + "".join(f"{name:>14}" for name in FIGURES))
    failed, kept = [], []
    for name in names:
        figures = measure(name)
        print(f"{name:30}" + "".join(f"{figure:14.2f}" for figure in figures), flush=True)
        kept.append("\t".join([name] + [f"{figure:.2f}" for figure in figures]))
        for figure, before, what in zip(figures, known.get(name, figures), FIGURES):
            if figure > before * 1.03 + 0.01:
                failed.append(f"{name}: {figure:.2f} {what}, before {before:.2f}")
    if sys.argv[1:2] == ["--keep"]:
        with open(BASELINE, "w") as file:
            file.write("\t".join(["each"] + FIGURES) + "\n" + "".join(line + "\n" for line in kept))
    elif failed:
        sys.exit("counts: more than three percent more than before\n  " + "\n  ".join(failed))


if __name__ == "__main__":
    main()
