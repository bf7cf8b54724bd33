"""A web process, started, watched and replaced by gunicorn."""

import asyncio
import errno
import os
import signal
import socket
from types import FrameType
from typing import Any

import uvloop
from gunicorn.workers.base import Worker

ACCEPTED_AT_ONCE = 2
PAUSE_SECONDS = 0.001
"""Pause in seconds after accepting connections, which leaves the next ones to the other processes."""
FULL_SECONDS = 0.1
SOON_SECONDS = 0.02
FINISH_SECONDS = 5
"""Maximum seconds for current requests when the process is told to end."""

SEND_BUFFER = 131_072
"""Bytes the kernel buffers for a reader: by default it takes megabytes, and for a crowd all there are."""

NO_MORE_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class EventLoopWorker(Worker):
    """One event loop that accepts and reads connections, and a few threads for Django."""

    def init_signals(self) -> None:
        for signum in self.SIGNALS:
            signal.signal(signum, signal.SIG_DFL)
        signal.signal(signal.SIGABRT, self.handle_abort)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        self.alive = False
        os._exit(0)

    def run(self) -> None:
        # Only now is Django set up, and only here: gunicorn's own process needs none of it.
        from scheduler_project.web.connection import HttpConnection
        from scheduler_project.web.server import Server

        self.loop = uvloop.new_event_loop()
        asyncio.set_event_loop(self.loop)
        address = self.sockets[0].getsockname()
        name = (str(address[0]), str(address[1])) if isinstance(address, tuple) else ("localhost", "80")
        self.server = Server(self.loop, self.wsgi, name)
        self.protocol = lambda: HttpConnection(self.server)
        self.accepting: set[asyncio.Task[Any]] = set()
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1):
            self.loop.add_signal_handler(signum, self._signalled, signum)
        self.loop.run_until_complete(self._serve())
        self.server.threads.stop()
        self.loop.close()

    def _signalled(self, signum: int) -> None:
        if signum == signal.SIGUSR1:
            self.log.reopen_files()
        elif signum == signal.SIGTERM:
            self.alive = False
            self.stopping.set()
        else:
            os._exit(0)

    async def _serve(self) -> None:
        self.stopping = asyncio.Event()
        listeners = [each.sock for each in self.sockets]
        for listener in listeners:
            listener.setblocking(False)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            self.loop.add_reader(listener.fileno(), self._accept, listener)
        while not self.stopping.is_set():
            self.notify()
            if os.getppid() != self.ppid:
                self.log.info("The parent is gone.")
                break
            overdue = self.server.tick()
            try:
                await asyncio.wait_for(self.stopping.wait(), SOON_SECONDS if overdue else 1)
            except TimeoutError:
                continue
        for listener in listeners:
            self.loop.remove_reader(listener.fileno())
            listener.close()
        await self._finish()

    async def _finish(self) -> None:
        self.server.close()
        deadline = self.loop.time() + FINISH_SECONDS
        while self.server.number and self.loop.time() < deadline:
            self.server.tick()
            self.notify()
            await asyncio.sleep(0.05)

    def _accept(self, listener: socket.socket) -> None:
        pause = PAUSE_SECONDS
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                accepted, _address = listener.accept()
            except OSError as error:
                if error.errno in NO_MORE_FILES:
                    self.log.warning("Too few files may be open: %s", error)
                    self.server.most = min(self.server.most, max(self.server.number, 1))
                    pause = FULL_SECONDS
                break
            accepted.setblocking(False)
            self.server.make_room()
            task = self.loop.create_task(self._connect(accepted))
            self.accepting.add(task)
            task.add_done_callback(self.accepting.discard)
        self.loop.remove_reader(listener.fileno())
        self.loop.call_later(pause, self._accept_again, listener)

    def _accept_again(self, listener: socket.socket) -> None:
        if self.alive and listener.fileno() >= 0:
            self.loop.add_reader(listener.fileno(), self._accept, listener)

    async def _connect(self, accepted: socket.socket) -> None:
        try:
            await self.loop.connect_accepted_socket(self.protocol, accepted)
        except OSError:
            accepted.close()
