#!/usr/bin/env python3
"""Servers that a request of the engine may meet: polite ones, impolite ones, and those that are not who they say.

    peers.py FOLDER    makes certificates there, serves, and writes `ports` as JSON, which ends with the parent
"""
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

folder = sys.argv[1]


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def path(name):
    return os.path.join(folder, name)


def write(name, text):
    with open(path(name), "w") as file:
        file.write(text)


def read(name):
    with open(path(name)) as file:
        return file.read()


def key(name, kind):
    if kind == "rsa":
        openssl("genrsa", "-out", path(name + ".key"), "2048")
    else:
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path(name + ".key"))


def issue(name, issuer, extensions, kind="ec", days=("-days", "30")):
    key(name, kind)
    openssl("req", "-new", "-key", path(name + ".key"), "-subj", "/CN=" + name, "-out", path(name + ".csr"))
    write(name + ".ext", extensions)
    if days[0] == "-days":
        signer = ["-CA", path(issuer + ".pem"), "-CAkey", path(issuer + ".key"), "-CAcreateserial"]
        if issuer == name:
            signer = ["-signkey", path(name + ".key")]
        openssl("x509", "-req", "-in", path(name + ".csr"), *signer, "-sha256", *days, "-extfile", path(name + ".ext"),
                "-out", path(name + ".pem"))
    else:
        write("index", "")
        write("serial", "%08x\n" % (hash(name) & 0xFFFFFFF))
        write("ca.conf", "[ca]\ndefault_ca=x\n[x]\ndatabase=%s\nserial=%s\nnew_certs_dir=%s\ndefault_md=sha256\n"
              "policy=p\n[p]\ncommonName=supplied\n" % (path("index"), path("serial"), folder))
        openssl("ca", "-batch", "-notext", "-config", path("ca.conf"), "-cert", path(issuer + ".pem"), "-keyfile",
                path(issuer + ".key"), "-in", path(name + ".csr"), "-extfile", path(name + ".ext"), *days, "-out",
                path(name + ".pem"))


authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n"
local = "subjectAltName=DNS:localhost,DNS:*.service.example,IP:127.0.0.1\n"
issue("root", "root", authority, "rsa")
issue("between", "root", authority)
issue("stranger", "stranger", authority)
issue("good", "between", local)
issue("rsa", "root", local, "rsa")
issue("wrongname", "root", "subjectAltName=DNS:other.example\n")
issue("unknown", "stranger", local)
issue("expired", "root", local, days=("-startdate", "20200101000000Z", "-enddate", "20210101000000Z"))
issue("future", "root", local, days=("-startdate", "20490101000000Z", "-enddate", "20500101000000Z"))
issue("self", "self", local)
issue("forclients", "root", local + "extendedKeyUsage=clientAuth\n")
write("crlf.pem", read("root.pem").rstrip("\n").replace("\n", "\r\n"))


write("good.pem", read("good.pem") + read("between.pem"))
# A bundle of many, with the right one at its end, and what is no certificate before it.
try:
    bundle = open("/etc/ssl/certs/ca-certificates.crt").read()
except OSError:
    bundle = ""
write("bundle.pem", "# comment\n-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n" + bundle
      + "-----BEGIN CERTIFICATE-----\n" + "A" * 64 + "\n" + read("root.pem"))
write("empty.pem", "")

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def answer(words):
    def serve(connection):
        connection.recv(65536)
        connection.sendall(words)
    return serve


def silent(connection):
    while connection.recv(65536):
        pass


def dribble(connection):
    connection.recv(65536)
    while True:
        connection.sendall(b"x")
        time.sleep(0.2)


def endless(connection):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"y" * 65536)


def cut(connection):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nonly this")


def ragged(connection):
    """An end that was not said, of a body that ends with the connection."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nup to the end")
    os.close(os.dup(connection.fileno()))
    socket.socket(fileno=connection.detach()).close()


def chunked(connection):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for part in (b"hello", b", you all"):
        time.sleep(0.1)
        connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
    connection.sendall(b"0\r\n\r\n")


ports = {}


def listen(name, serve, certificate=None, version=None, suites=None, host="127.0.0.1"):
    listener = socket.create_server((host, 0), backlog=50)
    ports[name] = listener.getsockname()[1]
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path(certificate + ".pem"), path(certificate + ".key"))
        if version:
            context.minimum_version, context.maximum_version = version
        if suites:
            context.set_ciphers(suites)

    def talk(connection):
        try:
            if context:
                connection = context.wrap_socket(connection, server_side=True)
            serve(connection)
            if context and connection.fileno() >= 0:
                connection.unwrap()
        except (OSError, ValueError):
            pass
        connection.close()

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


listen("plain", answer(HELLO))
listen("nonsense", answer(b"SSH-2.0-OpenSSH_9\r\n"))
listen("hangup", lambda connection: None)
for name, serve in (("silent", silent), ("dribble", dribble), ("endless", endless), ("cut", cut), ("chunked", chunked)):
    listen(name, serve)
    listen("tls-" + name, serve, "good")
listen("tls-ragged", ragged, "good")
for name in ("good", "rsa", "forclients", "wrongname", "unknown", "expired", "future", "self"):
    listen(name, answer(HELLO), name)
TLS = ssl.TLSVersion
listen("tls12", answer(HELLO), "good", (TLS.TLSv1_2, TLS.TLSv1_2))
listen("tls13", answer(HELLO), "good", (TLS.TLSv1_3, TLS.TLSv1_3))
listen("tls11", answer(HELLO), "good", (TLS.TLSv1, TLS.TLSv1_1), "ALL:@SECLEVEL=0")
listen("oldsuites", answer(HELLO), "rsa", (TLS.TLSv1_2, TLS.TLSv1_2), "AES128-SHA:@SECLEVEL=0")

parent = os.getppid()
write("ports.new", json.dumps(ports))
os.rename(path("ports.new"), path("ports"))
while os.getppid() == parent:
    time.sleep(0.3)
