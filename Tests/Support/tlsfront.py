#!/usr/bin/env python3
"""Takes connections in plain and passes them on by TLS, so that clients that have none drive an encrypted door.

    tlsfront.py PORT FILE    the port by TLS; the file gets the port in plain
"""
import asyncio
import os
import ssl
import sys

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.maximum_version = ssl.TLSVersion.TLSv1_2


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (OSError, ssl.SSLError):
        pass
    finally:
        try:
            # TLS has no half of a connection to close: what one side ended is at its end.
            writer.close()
        except (OSError, ssl.SSLError):
            pass


async def serve(plain, out):
    try:
        # From where the client is: the engine looks at that.
        place = out.get_extra_info("peername")[0]
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(sys.argv[1]), ssl=context, local_addr=(place, 0))
    except (OSError, ssl.SSLError):
        out.close()
        return
    await asyncio.gather(pump(plain, writer), pump(reader, out))


async def main():
    # It ends with the tests that started it.
    parent = os.getppid()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1000)
    port = server.sockets[0].getsockname()[1]
    with open(sys.argv[2] + ".new", "w") as file:
        file.write(str(port))
    os.rename(sys.argv[2] + ".new", sys.argv[2])
    while os.getppid() == parent:
        await asyncio.sleep(0.5)


asyncio.run(main())
