"""A target that answers every request with 200, and refuses while it is told to.

    failover_target.py ADDRESS PORT SOCKET

SOCKET is a UNIX datagram socket, which other networks reach, too: `refuse` closes the port, `serve`
opens it again. Each is answered with the moment at which it was done, by the clock of the wall.
"""

import asyncio
import socket
import sys
import time


async def answer(reader, writer):
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # Who asked went away.
    finally:
        writer.close()


async def main(address, port, path):
    orders = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    orders.bind(path)
    orders.setblocking(False)
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(answer, address, int(port), backlog=128)
    while True:
        order, who = await loop.sock_recvfrom(orders, 100)
        if order == b"refuse":
            server.close()
        elif order == b"serve":
            server = await asyncio.start_server(answer, address, int(port), backlog=128)
        orders.sendto(repr(time.time()).encode(), who)


asyncio.run(main(*sys.argv[1:]))
