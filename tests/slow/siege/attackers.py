"""`python -m tests.slow.siege.attackers PORT BODIES HEADS IDLE READERS`: connections that want nothing but to be held.

Bodies and heads of which one byte comes, connections that ask once and are kept, and readers who take a byte a second
of something large. Whatever the server closes connects again at once. Goes on until it is killed, and says once a
second how many connections stand and how many were closed so far.
"""

import asyncio
import itertools
import socket
import sys
import time

BODY = b"POST /api/token/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
HEAD = b"GET /api/slots HTTP/1.1\r\nHost: loc"
IDLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
READER = b"GET /static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"

RECEIVE_BUFFER = 2_048

standing = 0
closed = 0


async def hold(port: int, sent: bytes, *, slowly: bool, delay: float) -> None:
    """One connection, again and again."""
    global standing, closed  # noqa: PLW0603
    loop = asyncio.get_running_loop()
    await asyncio.sleep(delay)
    while True:
        with socket.socket() as connection:
            connection.setblocking(False)
            if slowly:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            try:
                await loop.sock_connect(connection, ("127.0.0.1", port))
                await loop.sock_sendall(connection, sent)
                standing += 1
                while await loop.sock_recv(connection, 1 if slowly else 65_536):
                    if slowly:
                        await asyncio.sleep(1)
                standing -= 1
            except OSError:
                standing -= 1
        closed += 1
        await asyncio.sleep(0.1)


async def besiege(port: int, bodies: int, heads: int, idle: int, readers: int) -> None:
    kinds = [(BODY, False)] * bodies + [(HEAD, False)] * heads + [(IDLE, False)] * idle + [(READER, True)] * readers
    delays = itertools.count(0, 0.0005)
    tasks = [asyncio.create_task(hold(port, sent, slowly=slow, delay=next(delays))) for sent, slow in kinds]
    began = time.monotonic()
    while tasks:
        await asyncio.sleep(1)
        print(f"{time.monotonic() - began:.0f} {standing} {closed}", flush=True)


if __name__ == "__main__":
    asyncio.run(besiege(*map(int, sys.argv[1:])))
