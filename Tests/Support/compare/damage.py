#!/usr/bin/env python3
"""What is left of a damaged store of Debian's Mosquitto, as `make torture-store` asks it of impsd: 300 messages for 20 people who
are not there, copies of the file that are damaged in the same ways, a start, and what each person then gets."""

import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

PEOPLE = ["person%d" % number for number in range(20)]
MESSAGES = 300
COPIES = int(sys.argv[1]) if len(sys.argv) > 1 else 42
PAGE = 4096


class Client:
    """A client of MQTT 3.1.1 that keeps its session."""

    def __init__(self, port, name):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=2)
        self.input = b""
        header = b"\x00\x04MQTT\x04\x00\x00\x3c" + self.text(name)
        self.send(0x10, header)
        assert self.packet(2)[0] == 0x20

    @staticmethod
    def text(words):
        octets = words.encode()
        return struct.pack(">H", len(octets)) + octets

    def send(self, kind, body):
        count, rest = b"", len(body)
        while True:
            count += bytes([rest % 128 | (0x80 if rest > 127 else 0)])
            rest //= 128
            if rest == 0:
                break
        self.socket.sendall(bytes([kind]) + count + body)

    def fill(self, seconds):
        self.socket.settimeout(seconds)
        octets = self.socket.recv(65536)
        if not octets:
            raise ConnectionError
        self.input += octets

    def packet(self, seconds):
        while True:
            count, shift, place = 0, 0, 1
            while place < len(self.input):
                count |= (self.input[place] & 0x7F) << shift
                shift += 7
                place += 1
                if self.input[place - 1] < 128:
                    if len(self.input) >= place + count:
                        kind, body = self.input[0], self.input[place:place + count]
                        self.input = self.input[place + count:]
                        return kind, body
                    break
            self.fill(seconds)

    def subscribe(self, topic):
        self.send(0x82, b"\x00\x01" + self.text(topic) + b"\x01")
        assert self.packet(2)[0] == 0x90

    def publish(self, topic, words, number):
        self.send(0x32, self.text(topic) + struct.pack(">H", number) + words.encode())
        assert self.packet(2)[0] == 0x40

    def receive_all(self):
        texts = []
        try:
            while True:
                kind, body = self.packet(0.15)
                if kind >> 4 != 3:
                    continue
                end = 2 + struct.unpack(">H", body[:2])[0]
                self.send(0x40, body[end:end + 2])
                texts.append(body[end + 2:])
        except (TimeoutError, ConnectionError, OSError):
            return texts


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Broker:
    def __init__(self, folder):
        self.port = free_port()
        with open(folder + "/conf", "w") as file:
            file.write("listener %d 127.0.0.1\nallow_anonymous true\npersistence true\nuser root\n" % self.port)
            file.write("persistence_location %s/\nmax_queued_messages 0\nmax_inflight_messages 0\n" % folder)
        self.process = subprocess.Popen(
            ["/usr/sbin/mosquitto", "-c", folder + "/conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.time() + 3
        while time.time() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)

    def is_running(self):
        return self.process.poll() is None

    def end(self, number=signal.SIGKILL):
        if self.is_running():
            self.process.send_signal(number)
        self.process.wait()


def damage(octets, kind, random):
    octets = bytearray(octets)
    pages = max(1, len(octets) // PAGE)
    page = random.randrange(pages) * PAGE
    if kind == "20 flipped bits":
        for _ in range(20):
            octets[random.randrange(len(octets))] ^= 1 << random.randrange(8)
    elif kind == "a page of zeros":
        octets[page:page + PAGE] = bytes(PAGE)
    elif kind == "a page of ones":
        octets[page:page + PAGE] = b"\xff" * PAGE
    elif kind == "64 octets of ones":
        start = random.randrange(len(octets) - 64)
        octets[start:start + 64] = b"\xff" * 64
    elif kind == "the file cut anywhere":
        del octets[random.randrange(1, len(octets)):]
    return bytes(octets)


def main():
    folder = tempfile.mkdtemp()
    try:
        broker = Broker(folder)
        for name in PEOPLE:
            Client(broker.port, name).subscribe("to/" + name)
        sender = Client(broker.port, "alice")
        for number in range(MESSAGES):
            name = PEOPLE[number % len(PEOPLE)]
            sender.publish("to/" + name, "%d for %s %s" % (number, name, "x" * (number % 400)), number + 1)
        broker.end(signal.SIGTERM)
        with open(folder + "/mosquitto.db", "rb") as file:
            whole = file.read()
        kinds = ["nothing", "20 flipped bits", "a page of zeros", "a page of ones", "64 octets of ones", "the file cut anywhere"]
        for kind in kinds:
            copies = 1 if kind == "nothing" else COPIES
            started = received = altered = 0
            for number in range(copies):
                with open(folder + "/mosquitto.db", "wb") as file:
                    file.write(damage(whole, kind, random.Random(number)))
                broker = Broker(folder)
                if broker.is_running():
                    started += 1
                for name in PEOPLE:
                    try:
                        texts = set(Client(broker.port, name).receive_all())
                    except (OSError, AssertionError):
                        continue
                    for text in texts:
                        words = text.split(b" ")
                        right = len(words) == 4 and words[0].isdigit() and words[2].decode("latin1") == name
                        right = right and words[3] == b"x" * (int(words[0]) % 400)
                        received += right
                        altered += not right
                broker.end()
            total = copies * MESSAGES / 100
            print("mosquitto, %s: %d copies, %d start, %.1f %% of the messages, %d altered ones" % (
                kind, copies, started, received / total, altered), flush=True)
    finally:
        shutil.rmtree(folder)


main()
