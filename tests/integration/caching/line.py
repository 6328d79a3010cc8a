"""A line to a server that can be cut: what one process sees of a network that fails, while others see nothing of it."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_CHUNK = 65_536


class Line:
    """Hands bytes on between clients and a server on this machine, until it is cut.

    While it is cut, connections are accepted and nobody answers, as at a server that hangs.

    Attributes:
        port: where clients connect.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._there = ("127.0.0.1", urlsplit(url).port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        self._cut = False
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def url(self) -> str:
        """The server's URL by way of this line."""
        return self._url.replace(f":{self._there[1]}", f":{self.port}")

    def __enter__(self) -> Self:
        """Begin."""
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of everything."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        self._drop()
        for thread in self._threads:
            thread.join()

    def cut(self) -> None:
        """Hand nothing on from now on; what is under way is lost."""
        with self._lock:
            self._cut = True
        self._drop()

    def mend(self) -> None:
        """Hand on again."""
        with self._lock:
            self._cut = False
        self._drop()

    def _drop(self) -> None:
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            with self._lock:
                self._ends.append(client)
                if self._cut:
                    continue
                server = socket.create_connection(self._there)
                self._ends.append(server)
                pairs = [(client, server), (server, client)]
                threads = [threading.Thread(target=self._hand_on, args=pair) for pair in pairs]
                self._threads += threads
            for thread in threads:
                thread.start()

    @staticmethod
    def _hand_on(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):  # cut, or one of both has gone
            while data := source.recv(_CHUNK):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
