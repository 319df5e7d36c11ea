#!/usr/bin/env python3
"""A server that notifications are sent to: polite or not, by the first part of the path.

    gateway.py FOLDER    writes its port to FOLDER/port, and each request as a line of JSON to FOLDER/requests
"""
import json
import os
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

folder = sys.argv[1]
lock = threading.Lock()
seen = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"ok", **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def take(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        line = {"method": self.command, "path": self.path, "fields": dict(self.headers.items()),
                "body": body.decode("utf-8", "replace"), "time": time.time()}
        with lock:
            seen[self.path] = seen.get(self.path, 0) + 1
            count = seen[self.path]
            with open(folder + "/requests", "a") as file:
                file.write(json.dumps(line) + "\n")
        kind = self.path.split("/")[1].split("?")[0]
        if kind == "slow":
            time.sleep(10)
            self.answer(200)
        elif kind == "never":
            time.sleep(3600)
        elif kind == "refuse":
            self.answer(403, b"no")
        elif kind == "error":
            self.answer(500, b"later")
        elif kind == "once":
            self.answer(503 if count == 1 else 200)
        elif kind == "redirect":
            self.answer(302, b"", Location="http://127.0.0.1:9/")
        elif kind == "garbage":
            self.wfile.write(b"\x00\xff no answer \r\n\r\n")
        elif kind == "huge":
            self.answer(200, b"x" * 1000000)
        elif kind == "half":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            self.close_connection = True
        elif kind == "push":
            self.answer(202, b'<pap><badmessage-response code="2000" desc="no"></badmessage-response></pap>')
        else:
            self.answer(200)

    do_GET = do_POST = take

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", 0), Handler)
with open(folder + "/port.new", "w") as file:
    file.write(str(server.server_address[1]))
os.rename(folder + "/port.new", folder + "/port")
server.serve_forever()
