#!/usr/bin/env python3
"""Puts the same work on impsd and on other servers of messages, in turns, and prints one table: `make compare`.

Messages of 200 octets for a thousand people who are not there: accepted with many under way on sixteen connections, taken
when the people come, accepted one at a time; what of the acknowledged is left when the server is killed half-way; memory,
start and size. The load is a program of its own (`load.c`), whose processor time is printed beside. `--rounds N` says how
often (5), a word which of the servers."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PROGRAMS = os.environ.get("IMPSD_PROGRAMS", os.path.join(ROOT, ".build/release"))
LOAD = os.path.join(ROOT, ".build/compare-load")
PEOPLE, SENDERS, DEPTH, MESSAGES, ALONE = 1000, 16, 32, 20_480, 2_000
TEXT = "x" * 200
PLACE = "http://www.openmobilealliance.org/DTD/"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def connect(port):
    deadline = time.monotonic() + 30
    while True:
        try:
            line = socket.create_connection(("127.0.0.1", port))
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return line
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.001)


class Server:
    """A server in a folder of its own."""
    rule = "http"
    environment = None
    # Messages in a document of those that can have several.
    several = 1

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="compare-")
        self.port = free_port()
        self.process = None
        self.prepare()

    def prepare(self):
        """Writes what the server is told."""

    def start(self):
        begin = time.monotonic()
        self.process = subprocess.Popen(
            self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, env=self.environment)
        connect(self.port).close()
        return (time.monotonic() - begin) * 1000

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def end(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def written(self):
        """KB that it gave to the disk; what the store of impsd writes itself is told by `status`."""
        with open(f"/proc/{self.process.pid}/io") as file:
            return int(re.search(r"(?m)^write_bytes: (\d+)", file.read()).group(1)) / 1024

    def load(self, kind, depth, lines, files, seconds=0):
        """What the load saw; after so many seconds without anything it is satisfied with less."""
        words = [LOAD, kind, self.rule, str(depth), str(seconds)]
        for place, line in enumerate(lines):
            words += [str(line.fileno()), files[place]]
            line.setblocking(False)
        done = subprocess.run(words, pass_fds=[line.fileno() for line in lines], capture_output=True, timeout=300)
        if done.returncode:
            raise RuntimeError(f"{type(self).__name__}: {done.stderr.decode()}")
        return json.loads(done.stdout)

    def write_requests(self, requests):
        """A file for each connection."""
        files = []
        for number, own in enumerate(requests):
            files.append(f"{self.folder}/requests-{number}")
            with open(files[-1], "wb") as file:
                for octets in own:
                    file.write(struct.pack(">I", len(octets)) + octets)
        return files


class IMPS(Server):
    syntax = "xml"
    pairs = ("WV-CSP1.2", "WV-TRC1.2")
    content_type = "application/vnd.wv.csp."

    def prepare(self):
        self.configuration = self.folder + "/imps.conf"
        self.call_port = free_port()
        options = {
            "listen": "127.0.0.1", "port": self.port, "domain": "home.test", "data_dir": self.folder + "/data",
            "control": self.folder + "/control", "clock": "trusted", "cir_port": self.call_port, "login_failures": "0",
            "log_level": "err", "mem_kb": "32768", "max_sessions": "8000", "db_kb": "65536", "poll_min": "1",
            "offline_max_msgs": "100000", "offline_max_kb": "100000", "sessions_per_user": "64",
            "max_connections_per_address": "16000", "max_connections": "3000",
        }
        with open(self.configuration, "w") as file:
            file.write("config imps 'main'\n" + "".join(f"\toption {k} '{v}'\n" for k, v in options.items()))
        accounts = self.folder + "/accounts"
        with open(accounts, "w") as file:
            file.writelines(f"u{number} righteous\n" for number in range(PEOPLE + SENDERS))
        self.control("--offline", "user", "add", "--file", accounts)

    def control(self, *words):
        return subprocess.run(
            [PROGRAMS + "/impsctl", "--config", self.configuration, *words], check=True, capture_output=True
        ).stdout.decode()

    def command(self):
        return [PROGRAMS + "/impsd", "--config", self.configuration, "--allow-root"]

    def written(self):
        return int(re.search(r"\bwritten_kb=(\d+)", self.control("--raw", "status")).group(1))

    def document(self, content, session, transaction, mode="Request", count=1):
        kind = (
            f"<SessionType>Inband</SessionType><SessionID>{session}</SessionID>" if session
            else "<SessionType>Outband</SessionType>")
        transactions = (
            f"<Transaction><TransactionDescriptor><TransactionMode>{mode}</TransactionMode><TransactionID>{transaction}"
            f'</TransactionID></TransactionDescriptor><TransactionContent xmlns="{PLACE}{self.pairs[1]}">{content}'
            "</TransactionContent></Transaction>") * count
        return (
            f'<WV-CSP-Message xmlns="{PLACE}{self.pairs[0]}"><Session><SessionDescriptor>{kind}</SessionDescriptor>'
            f"{transactions}</Session></WV-CSP-Message>").encode()

    def encoded(self, document):
        if self.syntax == "xml":
            return document
        return subprocess.run(
            [PROGRAMS + "/imps", "encode", "/dev/stdin"], input=document, check=True, capture_output=True).stdout

    def request(self, body, syntax="xml"):
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {self.content_type}{syntax}\r\nContent-Length: "
        return f"{head}{len(body)}\r\n\r\n".encode() + body

    def say(self, line, content, session=None):
        line.setblocking(True)
        line.sendall(self.request(self.document(content, session, "t1")))
        answer = b""
        while b"</WV-CSP-Message>" not in answer:
            got = line.recv(65536)
            assert got, "the engine closed the connection"
            answer += got
        return answer.decode()

    def log_in(self, number):
        line = connect(self.port)
        answer = self.say(
            line, f"<Login-Request><UserID>u{number}</UserID><ClientID><URL>c</URL></ClientID><Password>righteous"
            f"</Password><TimeToLive>86400</TimeToLive><SessionCookie>c{number}</SessionCookie></Login-Request>")
        return line, re.search("<SessionID>(.*?)</SessionID>", answer).group(1)

    def senders(self, counts):
        """Connections, and for each a file of messages."""
        several = self.several
        lines, requests = [], []
        for place, count in enumerate(counts):
            line, session = self.log_in(PEOPLE + place)
            content = (
                "<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><ContentType>text/plain</ContentType>"
                f"<Recipient><User><UserID>uRRRR</UserID></User></Recipient></MessageInfo><ContentData>{TEXT}"
                "</ContentData></SendMessage-Request>")
            body = self.encoded(self.document(content, session, "TTTTTT", count=several))
            base = self.request(body, self.syntax)
            requests.append([])
            for number in range(0, count, several):
                request = base
                for one in range(number, number + several):
                    # White space behind a name is not part of it, and all requests are as long.
                    request = request.replace(b"TTTTTT", b"%06d" % one, 1)
                    request = request.replace(b"uRRRR", self.person(place + one * len(counts)), 1)
                requests[-1].append(request)
            lines.append(line)
        return lines, self.write_requests(requests)

    def person(self, number):
        return (b"u%d" % (number % PEOPLE)).ljust(5)

    def round_trips(self, times):
        """Microseconds from a message posted to its content with somebody who is called: microseconds each."""
        line, session = self.log_in(1)
        other, own = self.log_in(PEOPLE)
        self.say(
            line, "<ClientCapability-Request><CapabilityList><ClientType>MOBILE_PHONE</ClientType><InitialDeliveryMethod>P"
            "</InitialDeliveryMethod><SupportedBearer>HTTP</SupportedBearer><SupportedCIRMethod>STCP</SupportedCIRMethod>"
            "</CapabilityList></ClientCapability-Request>", session)
        channel = connect(self.call_port)
        channel.sendall(f"HELO {session}\r\n".encode())
        assert channel.recv(100) == b"OK\r\n"
        poll = self.request(self.document("<Polling-Request/>", session, "p"))
        found = []
        for number in range(times):
            message = self.request(self.document(
                "<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo><ContentType>text/plain</ContentType>"
                f"<Recipient><User><UserID>u1</UserID></User></Recipient></MessageInfo><ContentData>{TEXT}</ContentData>"
                "</SendMessage-Request>", own, f"r{number}"))
            begin = time.perf_counter()
            other.sendall(message)
            channel.recv(1000)
            line.sendall(poll)
            answer = line.recv(65536)
            found.append((time.perf_counter() - begin) * 1e6)
            other.recv(65536)
            ids = re.search(rb"<TransactionID>(.*?)</TransactionID>.*<MessageID>(.*?)</MessageID>", answer)
            line.sendall(self.request(self.document(
                f"<MessageDelivered><MessageID>{ids.group(2).decode()}</MessageID></MessageDelivered>", session,
                ids.group(1).decode(), "Response")))
            line.recv(65536)
        return found

    def take(self, wanted, seconds=0):
        lines, requests = [], []
        content = "<MessageDelivered><MessageID>MESSAGE</MessageID></MessageDelivered>"
        for number in range(PEOPLE):
            line, session = self.log_in(number)
            once, twice = (
                self.encoded(self.document(content, session, "TRANSACTION", "Response", count)) for count in (1, 2))
            # What stands in the second one twice is what a message takes.
            size = len(twice) - len(once)
            place = next(p for p in range(len(once)) if twice[p:p + size] == twice[p + size:p + 2 * size])
            begin = self.request(once, self.syntax)
            begin = begin.replace(b"Content-Length: %d\r\n" % len(once), b"Content-Length: LLLLL\r\n")
            begin = begin[:len(begin) - len(once) + place]
            marks = [b"<MessageID>", b"<TransactionID>", b"<"]
            if self.syntax == "wbxml":
                # A tag with a text inside, which ends with 0.
                marks = [once[once.index(mark) - 2:once.index(mark)] for mark in (b"MESSAGE", b"TRANSACTION")] + [b"\0"]
            poll = self.request(self.encoded(self.document("<Polling-Request/>", session, "p")), self.syntax)
            requests.append([poll, begin, once[place:place + size], once[place + size:], *marks])
            lines.append(line)
        return self.load("poll", wanted, lines, self.write_requests(requests), seconds)


class IMPSBinary(IMPS):
    syntax = "wbxml"


class IMPSSeveral(IMPSBinary):
    """With eight transactions in a document, both ways."""
    pairs = ("IMPS-CSP1.3", "IMPS-TRC1.3")
    content_type = "application/vnd.wv.csp+"
    several = 8

    def log_in(self, number):
        line, session = super().log_in(number)
        answer = self.say(
            line, "<ClientCapability-Request><CapabilityList><ClientType>MOBILE_PHONE</ClientType><InitialDeliveryMethod>P"
            f"</InitialDeliveryMethod><SupportedBearer>HTTP</SupportedBearer><MultiTrans>{self.several}</MultiTrans>"
            f"<MultiTransPerMessage>{self.several}</MultiTransPerMessage></CapabilityList></ClientCapability-Request>", session)
        assert "<MultiTransPerMessage>" in answer, answer
        return line, session


class Mosquitto(Server):
    rule = "mqtt"
    options = ""

    def prepare(self):
        with open(self.folder + "/mosquitto.conf", "w") as file:
            file.write(
                f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
                f"persistence_location {self.folder}/\nmax_queued_messages 0\nmax_inflight_messages 0\n"
                f"set_tcp_nodelay true\nuser root\n{self.options}")

    def command(self):
        return ["mosquitto", "-c", self.folder + "/mosquitto.conf"]

    @staticmethod
    def string(text):
        return struct.pack(">H", len(text)) + text

    @staticmethod
    def packet(kind, body):
        length, count = b"", len(body)
        while True:
            length += bytes([count & 127 | (128 if count > 127 else 0)])
            count >>= 7
            if not count:
                return bytes([kind]) + length + body

    def hello(self, name):
        return self.packet(0x10, self.string(b"MQTT") + bytes([4, 0]) + struct.pack(">H", 600) + self.string(name))

    def come(self, name, subscribes=False):
        line = connect(self.port)
        line.sendall(self.hello(name))
        assert line.recv(4)[0] == 0x20
        if subscribes:
            line.sendall(self.packet(0x82, b"\0\1" + self.string(name) + b"\1"))
            assert line.recv(5)[0] == 0x90
        return line

    def start(self):
        milliseconds = super().start()
        if not os.path.exists(self.folder + "/subscribed"):
            for number in range(PEOPLE):
                line = self.come(b"u%d" % number, subscribes=True)
                line.sendall(b"\xe0\0")
                line.close()
            # What it knows of the people has to outlive a kill; what comes later is its own matter.
            self.process.send_signal(signal.SIGUSR1)
            time.sleep(0.3)
            open(self.folder + "/subscribed", "w").close()
        return milliseconds

    def senders(self, counts):
        lines = [self.come(b"s%d" % place) for place in range(len(counts))]
        requests = [
            [self.packet(0x32, self.string(b"u%d" % ((place + number * len(counts)) % PEOPLE))
                         + struct.pack(">H", number % 65535 + 1) + TEXT.encode()) for number in range(count)]
            for place, count in enumerate(counts)]
        return lines, self.write_requests(requests)

    def round_trips(self, times):
        line, other = self.come(b"there", subscribes=True), self.come(b"here")
        message = self.packet(0x32, self.string(b"there") + b"\0\1" + TEXT.encode())
        found = []
        for _ in range(times):
            begin = time.perf_counter()
            other.sendall(message)
            packet = line.recv(65536)
            found.append((time.perf_counter() - begin) * 1e6)
            place = 3 + 2 + 5
            line.sendall(b"\x40\2" + packet[place:place + 2])
            other.recv(100)
        return found

    def take(self, wanted, seconds=0):
        # They are told at once, so they come when the load begins.
        lines = [connect(self.port) for _ in range(PEOPLE)]
        return self.load("take", wanted, lines, self.write_requests([[self.hello(b"u%d" % n)] for n in range(PEOPLE)]), seconds)


class MosquittoSaving(Mosquitto):
    options = "autosave_on_changes true\nautosave_interval 1\n"


class Prosody(Server):
    rule = "xmpp"

    def prepare(self):
        with open(self.folder + "/prosody.cfg.lua", "w") as file:
            file.write(
                f'run_as_root = true\nallow_unencrypted_plain_auth = true\nauthentication = "internal_plain"\n'
                f'storage = "internal"\ndata_path = "{self.folder}/data"\npidfile = "{self.folder}/pid"\n'
                'modules_enabled = { "saslauth", "offline", "smacks", "disco", "roster", "presence", "message" }\n'
                'modules_disabled = { "s2s", "tls" }\nc2s_require_encryption = false\nlimits = {}\n'
                f'c2s_ports = {{ {self.port} }}\nc2s_interfaces = {{ "127.0.0.1" }}\n'
                f'log = {{ {{ levels = {{ min = "error" }}, to = "file", filename = "{self.folder}/log" }} }}\n'
                'VirtualHost "home.test"\n')
        accounts = self.folder + "/data/home%2etest/accounts"
        os.makedirs(accounts)
        for number in range(PEOPLE + SENDERS):
            with open(f"{accounts}/u{number}.dat", "w") as file:
                file.write('return { ["password"] = "secret"; };\n')

    def command(self):
        return ["prosody", "-F", "--config", self.folder + "/prosody.cfg.lua"]

    def log_in(self, name):
        line = connect(self.port)

        def ask(text, mark):
            line.sendall(text.encode())
            answer = b""
            while mark.encode() not in answer:
                got = line.recv(65536)
                assert got, f"closed after {answer.decode()}"
                answer += got
            return answer

        opening = (
            "<?xml version='1.0'?><stream:stream to='home.test' version='1.0' xmlns='jabber:client' "
            "xmlns:stream='http://etherx.jabber.org/streams'>")
        ask(opening, "</stream:features>")
        proof = base64.b64encode(b"\0" + name.encode() + b"\0secret").decode()
        ask(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{proof}</auth>", "<success")
        ask(opening, "</stream:features>")
        ask("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "</iq>")
        return line, ask

    def senders(self, counts):
        lines, requests = [], []
        for place, count in enumerate(counts):
            line, ask = self.log_in(f"u{PEOPLE + place}")
            ask("<enable xmlns='urn:xmpp:sm:3'/>", "<enabled")
            requests.append([
                f"<message to='u{(place + number * len(counts)) % PEOPLE}@home.test' type='chat' id='m{number}'><body>"
                f"{TEXT}</body></message><r xmlns='urn:xmpp:sm:3'/>".encode() for number in range(count)])
            lines.append(line)
        return lines, self.write_requests(requests)

    def round_trips(self, times):
        (line, _), (other, _) = self.log_in("u1"), self.log_in(f"u{PEOPLE}")
        line.sendall(b"<presence/>")
        time.sleep(0.2)
        line.recv(65536)
        found = []
        for number in range(times):
            begin = time.perf_counter()
            other.sendall(f"<message to='u1@home.test' type='chat' id='r{number}'><body>{TEXT}</body></message>".encode())
            answer = b""
            while b"</message>" not in answer:
                answer += line.recv(65536)
            found.append((time.perf_counter() - begin) * 1e6)
        return found

    def take(self, wanted, seconds=0):
        lines = []
        for number in range(PEOPLE):
            line, _ = self.log_in(f"u{number}")
            lines.append(line)
        return self.load("take", wanted, lines, self.write_requests([[b"<presence/>"]] * PEOPLE), seconds)


class Ejabberd(Prosody):
    """With everybody of the right password as an account."""

    def prepare(self):
        with open(self.folder + "/server.yml", "w") as file:
            file.write(
                f'hosts: [home.test]\nloglevel: error\nlisten:\n  - {{port: {self.port}, ip: "127.0.0.1", '
                'module: ejabberd_c2s, max_stanza_size: 65536, shaper: none, access: all}\n'
                f'auth_method: external\nextauth_program: "{ROOT}/Tests/Support/everybody.py"\nauth_use_cache: true\n'
                'shaper_rules: {max_user_offline_messages: infinity}\n'
                'modules: {mod_roster: {}, mod_offline: {access_max_user_messages: max_user_offline_messages}, '
                'mod_stream_mgmt: {max_ack_queue: infinity}}\n')

    def start(self):
        self.environment = {
            **os.environ, "EJABBERD_CONFIG_PATH": self.folder + "/server.yml", "EJABBERD_LOG_PATH": self.folder + "/log",
            "HOME": self.folder,
        }
        return super().start()

    def command(self):
        library = subprocess.run(
            "ls -d /usr/lib/*/ejabberd-*/ebin", shell=True, check=True, capture_output=True).stdout.decode().split()[0]
        return ["erl", "-noinput", "-pa", library, "-mnesia", "dir", f'"{self.folder}/data"', "-s", "ejabberd"]


SERVERS = {
    "impsd-wbxml": IMPSBinary, "impsd-wbxml-8": IMPSSeveral, "impsd-xml": IMPS, "mosquitto": Mosquitto, "mosquitto-saving": MosquittoSaving,
    "prosody": Prosody, "ejabberd": Ejabberd,
}
ROWS = [
    ("accepted a second", "accepted", 0), ("processor, µs each", "cpu", 1), ("written, KB each", "written", 2),
    ("load's processor, of its time", "own", 2), ("taken at login a second", "taken", 0),
    ("one at a time, p50 µs", "p50", 0), ("one at a time, p99 µs", "p99", 0), ("written alone, KB each", "alone", 2),
    ("to somebody who is there, p50 µs", "there", 0), ("to somebody who is there, p99 µs", "there99", 0),
    ("lost of the acknowledged, %", "lost", 2), ("resident at start, KB", "resident", 0), ("start, ms", "start", 1),
]


def shares(count, parts):
    return [count // parts] * parts


def work(kind):
    """All that one server is asked, as figures."""
    figures = {}
    server = SERVERS[kind]()
    saves = kind in ("mosquitto-saving", "prosody", "ejabberd")
    messages = MESSAGES // 10 if saves else MESSAGES
    alone = ALONE // 10 if saves else ALONE
    try:
        server.start()
        server.kill()
        figures["start"] = server.start()
        figures["resident"] = server.resident()
        lines, files = server.senders(shares(messages, SENDERS))
        cpu, written = server.cpu(), server.written()
        done = server.load("post", DEPTH, lines, files)
        assert done["count"] * server.several == messages, done
        figures["accepted"] = messages / done["seconds"]
        figures["own"] = done["own"] / done["seconds"]
        figures["cpu"] = (server.cpu() - cpu) / messages * 1e6
        figures["written"] = (server.written() - written) / messages
        done = server.take(messages)
        figures["taken"] = messages / done["seconds"]
        if server.several > 1:
            return figures
        lines, files = server.senders([alone])
        written = server.written()
        done = server.load("post", 1, lines, files)
        figures["p50"], figures["p99"] = done["p50"], done["p99"]
        figures["alone"] = (server.written() - written) / alone
        found = sorted(server.round_trips(alone // 2))
        figures["there"], figures["there99"] = found[len(found) // 2], found[len(found) * 99 // 100]
        # Killed at once: what was acknowledged is to be there.
        server.kill()
        server.start()
        figures["lost"] = 100 - 100 * server.take(alone, seconds=5)["count"] / alone
        return figures
    finally:
        server.end()


def main():
    words = sys.argv[1:]
    rounds = 5
    if "--rounds" in words:
        place = words.index("--rounds")
        rounds = int(words[place + 1])
        del words[place:place + 2]
    kinds = words or list(SERVERS)
    subprocess.run(["cc", "-O2", "-o", LOAD, os.path.join(os.path.dirname(__file__), "load.c")], check=True)
    figures = {kind: [] for kind in kinds}
    commits = []
    for number in range(rounds):
        commit = subprocess.run([PROGRAMS + "/bench", "commits"], check=True, capture_output=True)
        commits.append(1e6 / float(commit.stdout))
        for kind in kinds:
            figures[kind].append(work(kind))
            print(f"round {number + 1}, {kind}: " + json.dumps(
                {key: round(value, 2) for key, value in figures[kind][-1].items()}), file=sys.stderr, flush=True)
    print("| |" + "".join(f" {kind} |" for kind in kinds))
    print("|---|" + "---|" * len(kinds))
    for words, key, digits in ROWS:
        cells = []
        for kind in kinds:
            values = [one[key] for one in figures[kind] if key in one]
            cells.append(f"{statistics.median(values):,.{digits}f}" if values else "")
        print(f"| {words} | " + " | ".join(cells) + " |")
    print(f"\nOne synced commit of LMDB alone: {statistics.median(commits):.0f} µs. Medians of {rounds} rounds.")
    print(f"{versions(kinds)}; {processor()}, {time.strftime('%Y-%m-%d')}.")


def versions(kinds):
    names = [name for name in ("mosquitto", "prosody", "ejabberd") if any(kind.startswith(name) for kind in kinds)]
    found = [
        subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}", name], capture_output=True).stdout.decode()
        for name in names]
    return ", ".join(found)


def processor():
    with open("/proc/cpuinfo") as file:
        name = re.search(r"model name\s*: (.*)", file.read()).group(1)
    return f"{os.cpu_count()} x {name}"


if __name__ == "__main__":
    main()
