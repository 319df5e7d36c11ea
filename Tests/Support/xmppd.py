#!/usr/bin/env python3
"""An XMPP server as nobody would want it, for one component at a time: `xmppd.py FOLDER`.

Writes its port into `port`, all that it gets into `heard`, and how often somebody came into `streams`. What stands in `mode`
when a stream begins says how it behaves: `good` takes any secret and echoes what a component says to itself, `refuses` takes
none, `mute` says not a word, `deaf` takes the stream and never answers, `stuck` takes it and reads nothing more, `allergic` ends it when it hears of poison.
What is appended to `say` it says.
"""

import os
import re
import socket
import sys
import threading
import time

folder = sys.argv[1]


def path(name):
    return os.path.join(folder, name)


def read(name):
    try:
        with open(path(name)) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def write(name, text, how="w"):
    with open(path(name), how) as file:
        file.write(text)


def serve(connection, mode):
    connection.setblocking(False)
    heard, done, said, proven = b"", 0, len(read("say")), False
    if mode == "mute":
        time.sleep(60)
        return
    connection.send(b"<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' id='c0ffee' from='home.test'>")
    while True:
        time.sleep(0.01)
        text = read("say")
        if len(text) > said:
            connection.setblocking(True)
            connection.sendall(text[said:].encode())
            connection.setblocking(False)
            said = len(text)
        if mode == "stuck" and proven:
            continue
        try:
            octets = connection.recv(65536)
        except BlockingIOError:
            continue
        if not octets:
            return
        heard += octets
        if mode == "allergic" and b"poison" in heard:
            connection.send(b"<stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
            return
        with open(path("heard"), "ab") as file:
            file.write(octets)
        if not proven and b"</handshake>" in heard:
            proven = True
            if mode == "refuses":
                connection.send(b"<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
                return
            connection.send(b"<handshake/>")
        if mode in ("good", "allergic"):
            for echo in re.finditer(rb"<iq type='get' id='\d+' from='home.test' to='home.test'>.*?</iq>", heard[done:]):
                connection.send(echo.group())
                done += echo.end()


def serve_and_close(connection, mode):
    try:
        serve(connection, mode)
    except OSError:
        pass
    connection.close()


listener = socket.create_server(("127.0.0.1", 0))
write("port.new", str(listener.getsockname()[1]))
os.rename(path("port.new"), path("port"))
count = 0
while True:
    connection, _ = listener.accept()
    count += 1
    write("streams", str(count))
    threading.Thread(target=serve_and_close, args=(connection, read("mode").strip() or "good"), daemon=True).start()
