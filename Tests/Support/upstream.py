#!/usr/bin/env python3
"""A third party between a gateway and the service behind it: keeps what the gateway sends, and answers as FOLDER/mode says.

    upstream.py SERVICE_PORT FOLDER

FOLDER/port gets the port where it listens, FOLDER/requests every octet that came. The modes: pass, stall, reset, truncate,
other (another's TransactionID), session (another's SessionID), huge (10 MB), close (after each answer), twice, nonsense,
status (HTTP 500), chunked, slow (an octet at a time).
"""
import http.client
import os
import re
import socket
import struct
import sys
import threading
import time

service, folder = int(sys.argv[1]), sys.argv[2]
lock = threading.Lock()


def mode():
    try:
        with open(folder + "/mode") as file:
            return file.read().strip()
    except FileNotFoundError:
        return "pass"


def keep(octets):
    with lock, open(folder + "/requests", "ab") as file:
        file.write(octets)


def read_request(connection):
    octets = b""
    while b"\r\n\r\n" not in octets:
        piece = connection.recv(65536)
        if not piece:
            return None
        keep(piece)
        octets += piece
    head, body = octets.split(b"\r\n\r\n", 1)
    length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            return None
        keep(piece)
        body += piece
    return head, body


def forward(head, body):
    fields = dict(
        line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:]
        if line.lower().startswith(("content-type", "user-agent")))
    onward = http.client.HTTPConnection("127.0.0.1", service, timeout=30)
    onward.request("POST", "/", body, fields)
    answer = onward.getresponse()
    content = answer.read()
    onward.close()
    return answer.getheader("Content-Type", ""), content


def say(connection, kind, content, status="200 OK"):
    connection.sendall(
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)


def serve(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        request = read_request(connection)
        if request is None:
            break
        now = mode()
        if now == "stall":
            connection.recv(1)
            break
        if now == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            break
        if now == "huge":
            try:
                say(connection, "application/vnd.wv.csp.xml", b"<x>" + b"y" * 10_000_000)
            except OSError:
                pass
            break
        if now == "status":
            say(connection, "text/plain", b"no", "500 Internal Server Error")
            continue
        if now == "nonsense":
            say(connection, "text/html", b"<html><body>It works!</body></html>")
            continue
        kind, content = forward(*request)
        if now == "other":
            content = re.sub(rb"<TransactionID>[^<]*", b"<TransactionID>not-yours", content)
        if now == "session":
            content = re.sub(rb"<SessionID>[^<]*", b"<SessionID>0000not-yours", content)
        if now == "truncate":
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode())
            connection.sendall(content[:len(content) // 2])
            break
        if now == "chunked":
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            for start in range(0, len(content), 100):
                piece = content[start:start + 100]
                connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
            continue
        if now == "slow":
            for octet in f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content:
                connection.sendall(bytes([octet]))
                time.sleep(0.0002)
            continue
        say(connection, kind, content)
        if now == "twice":
            say(connection, kind, content)
        if now == "close":
            break
    connection.close()


def serve_to_the_end(connection):
    try:
        serve(connection)
    except OSError:
        pass
    finally:
        connection.close()


listener = socket.create_server(("127.0.0.1", 0))
with open(folder + "/port.new", "w") as file:
    file.write(str(listener.getsockname()[1]))
os.rename(folder + "/port.new", folder + "/port")
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve_to_the_end, args=(accepted,), daemon=True).start()
