#!/usr/bin/env python3
"""A modem on a pseudo-terminal, polite or not.

    modem.py FOLDER KIND    writes its device to FOLDER/device; what it was told to FOLDER/said, and each short message that it
                            took, as a line of JSON, to FOLDER/messages

Kinds: ok, noecho (refuses ATE0), pin (1234), wrongpin (refuses every PIN), locked (wants a PUK), full (CMS ERROR 322), silent,
deaf (hears the third AT), quiet (says nothing after the prompt), noise (rings and prints nonsense between its answers), gone
(is pulled out at the prompt).
"""
import json
import os
import pty
import select
import sys
import termios
import time
import tty

folder, kind = sys.argv[1:]
parent, child = pty.openpty()
tty.setraw(child)
os.symlink(os.ttyname(child), folder + "/line")
with open(folder + "/device.new", "w") as file:
    file.write(os.ttyname(child))
os.rename(folder + "/device.new", folder + "/device")

ALPHABET = ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
            "¿abcdefghijklmnopqrstuvwxyzäöñüà")
MORE = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€"}


def septets(data, count, skip):
    bits = int.from_bytes(data, "little")
    return [bits >> 7 * index & 0x7F for index in range(skip, count)]


def decode(hexadecimal, length):
    """What SMS-SUBMIT says; an AssertionError when it is none."""
    data = bytes.fromhex(hexadecimal)
    centre = data[0]
    assert len(data) - 1 - centre == length, "length"
    data = data[1 + centre:]
    first, digits = data[0], data[2]
    assert first & 3 == 1 and data[3] == 0x91
    octets = (digits + 1) // 2
    number = "".join("%X%X" % (octet & 15, octet >> 4) for octet in data[4:4 + octets])[:digits]
    rest = data[4 + octets:]
    coding, count, content = rest[1], rest[2], rest[3:]
    part = port = None
    skip = 0
    if first & 0x40:
        header = content[:content[0] + 1]
        if header[1:3] == b"\0\3":
            part = list(header[3:6])
        else:
            assert header[1:3] == b"\5\4"
            port = header[3] << 8 | header[4]
        skip = (len(header) * 8 + 6) // 7 if coding == 0 else len(header)
    if coding == 4:
        assert len(content) == count <= 140
        text = content[skip:].hex()
    elif coding == 8:
        assert len(content) == count <= 140
        text = content[skip:].decode("utf-16-be")
    else:
        assert coding == 0 and count <= 160 and len(content) == (count * 7 + 7) // 8
        text, escaped = "", False
        for septet in septets(content, count, skip):
            if escaped:
                text, escaped = text + MORE[septet], False
            elif septet == 0x1B:
                escaped = True
            else:
                text += ALPHABET[septet]
        assert not escaped
    return {"to": "+" + number, "text": text, "part": part, "port": port, "coding": coding}


def say(words):
    os.write(parent, ("\r\n" + words + "\r\n").encode())


def said(words):
    with open(folder + "/said", "a") as file:
        file.write(words + "\n")


echo, isText, unlocked, asked, command, attentions = True, False, kind not in ("pin", "wrongpin", "locked"), None, b"", 0


def answer(words):
    global echo, isText, unlocked, asked, attentions
    said(words)
    if kind == "silent":
        return
    if kind == "noise":
        os.write(parent, b"\r\nRING\r\n\r\n+CMTI: \"SM\",1\r\n\xff\xfe\x00>\x80 OKAY \r\n" + b"x" * 300 + b"\r\n")
    if words == "AT":
        attentions += 1
        if kind == "deaf" and attentions < 3:
            return
        say("OK")
    elif words == "ATE0":
        echo = kind == "noecho"
        say("ERROR" if kind == "noecho" else "OK")
    elif words == "AT+CPIN?":
        say("+CPIN: " + ("READY" if unlocked else "SIM PUK" if kind == "locked" else "SIM PIN"))
        say("OK")
    elif words.startswith("AT+CPIN="):
        unlocked = kind == "pin" and words == 'AT+CPIN="1234"'
        say("OK" if unlocked else "+CME ERROR: 16")
    elif words in ("AT+CMGF=0", "AT+CMGF=1"):
        isText = words.endswith("1")
        say("OK")
    elif words.startswith("AT+CMGS="):
        if kind == "full":
            say("+CMS ERROR: 322")
            return
        asked = words[8:]
        os.write(parent, b"\r\n> ")
        if kind == "gone":
            os.close(parent)
            sys.exit()
    else:
        say("ERROR")


def message(text):
    global asked
    said(text)
    if kind == "quiet":
        asked = None
        return
    try:
        line = {"to": asked.strip('"'), "text": text, "part": None} if isText else decode(text, int(asked))
    except Exception as error:
        line = {"error": repr(error), "pdu": text}
    asked = None
    with open(folder + "/messages", "a") as file:
        file.write(json.dumps(line) + "\n")
    time.sleep(0.05)
    say("+CMGS: 7")
    say("OK")


while True:
    try:
        data = os.read(parent, 4096)
    except OSError:
        # Nobody has the line open.
        time.sleep(0.05)
        continue
    for octet in data:
        octet = bytes([octet])
        if octet == b"\x1b":
            command, asked = b"", None
        elif asked is not None and octet == b"\x1a":
            text, command = command.decode(), b""
            message(text)
        elif asked is None and octet == b"\r":
            if echo:
                os.write(parent, command + b"\r")
            text, command = command.decode("latin-1"), b""
            if text:
                answer(text)
        else:
            command += octet
