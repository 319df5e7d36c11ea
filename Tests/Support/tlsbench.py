#!/usr/bin/env python3
"""What TLS costs a running engine, beside the plain door, in one run.

    tlsbench.py PORT TLSPORT PID         prints names and values, one in a line
    tlsbench.py PORT TLSPORT PID COUNT   the same in instructions, which the file COUNT has (count.c)
"""
import os
import socket
import ssl
import statistics
import struct
import sys
import threading
import time

port, sealed, process = (int(word) for word in sys.argv[1:4])
counter = sys.argv[4] if len(sys.argv) > 4 else None
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.maximum_version = ssl.TLSVersion.TLSv1_2
BODY = (b'<WV-CSP-Message xmlns="http://www.openmobilealliance.org/DTD/WV-CSP1.2"><Session><SessionDescriptor><SessionType>Outband'
        b'</SessionType></SessionDescriptor><Transaction><TransactionDescriptor><TransactionMode>Request</TransactionMode>'
        b'<TransactionID>1</TransactionID></TransactionDescriptor><TransactionContent '
        b'xmlns="http://www.openmobilealliance.org/DTD/WV-TRC1.2"><WV-CSP-VersionDiscovery-Request/></TransactionContent>'
        b'</Transaction></Session></WV-CSP-Message>')
REQUEST = (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.wv.csp.xml\r\nContent-Length: %d\r\n\r\n"
           % len(BODY)) + BODY


def connect(where, **words):
    plain = socket.create_connection(("127.0.0.1", where), 20)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, **words) if where == sealed else plain


def ask(connection):
    begin = time.perf_counter()
    connection.sendall(REQUEST)
    data = b""
    while b"</WV-CSP-Message>" not in data:
        part = connection.recv(65536)
        if not part:
            raise OSError("the connection ended")
        data += part
    return (time.perf_counter() - begin) * 1e6


def cpu():
    """What the engine has done: milliseconds of its CPU, or instructions."""
    if counter:
        time.sleep(0.05)
        with open(counter, "rb") as file:
            return struct.unpack("Q", file.read(8))[0]
    with open("/proc/%d/schedstat" % process) as file:
        return int(file.read().split()[0]) / 1e6


def p50(values):
    return statistics.median(values)


def handshakes(count, session=None):
    cost, reused = cpu(), 0
    for _ in range(count):
        connection = connect(sealed, session=session)
        reused += connection.session_reused
        connection.close()
    return (cpu() - cost) / count, reused


plain, tls = connect(port), connect(sealed)
if counter:
    def cost(connection, count=100):
        ask(connection)
        begin = cpu()
        for _ in range(count):
            ask(connection)
        return (cpu() - begin) / count

    without, by = cost(plain), cost(tls)
    print("a small request in plain\t%d instructions" % without)
    print("the same by TLS on a kept connection\t%d instructions, %.2f times" % (by, by / without))
    full, _ = handshakes(20)
    resumed, reused = handshakes(20, tls.session)
    print("a whole handshake\t%d instructions" % full)
    print("a resumed one (%d of 20)\t%d instructions, %.2f times" % (reused, resumed, resumed / full))
    sys.exit()

# Side by side, so that what else the machine does meets both.
times = {plain: [], tls: []}
for turn in range(3000):
    for connection in (plain, tls):
        times[connection].append(ask(connection))
print("a small request in plain, p50\t%.0f µs" % p50(times[plain]))
print("the same by TLS on a kept connection, p50\t%.0f µs, %.2f times" % (p50(times[tls]), p50(times[tls]) / p50(times[plain])))


full, _ = handshakes(200)
first = connect(sealed)
ask(first)
resumed, reused = handshakes(200, first.session)
print("a whole handshake, CPU of the engine\t%.2f ms" % full)
print("a resumed one (%d of 200)\t%.2f ms, %.2f times" % (reused, resumed, resumed / full))

# Whole handshakes of another address, as many as 50 in a second, while a client asks in plain.
quiet = p50([ask(plain) for _ in range(3000)])
stop, done = threading.Event(), []


def flood():
    while not stop.is_set():
        begin = time.perf_counter()
        other = socket.create_connection(("127.0.0.1", sealed), 20, source_address=("127.0.0.9", 0))
        context.wrap_socket(other).close()
        done.append(1)
        time.sleep(max(0, 0.02 - (time.perf_counter() - begin)))


# The flood in a process of its own: threads of one Python wait for each other.
child = os.fork()
if child == 0:
    end = time.monotonic() + 5
    threading.Timer(5, stop.set).start()
    flood()
    os._exit(0)
time.sleep(0.5)
values, end = [], time.monotonic() + 4
while time.monotonic() < end:
    values.append(ask(plain))
os.waitpid(child, 0)
print("a small request in plain beside 50 handshakes a second, p50\t%.0f µs, %.2f times" % (p50(values), p50(values) / quiet))
