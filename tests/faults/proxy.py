"""A proxy in front of a PostgreSQL server which loses the reply to a COMMIT, as a broken network would."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SOCKET_NAME = ".s.PGSQL.5432"


class LossyProxy:
    """Forwards bytes in both directions until `armed`; then holds back the reply to the next COMMIT and closes both
    sides.
    """

    def __init__(self, folder: Path, server_folder: Path) -> None:
        self.folder = folder
        self.armed = False
        self.lost = 0
        self._server_path = str(server_folder / _SOCKET_NAME)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / _SOCKET_NAME))
        self._listener.listen()
        self._open: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def close(self) -> None:
        for opened in self._open:
            _cut(opened)
        for thread in self._threads:
            thread.join()
        for opened in self._open:
            opened.close()

    def _start(self, target: object, *arguments: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                self._open += [client, server]
                server.connect(self._server_path)
                losing = threading.Event()
                self._start(self._pass_on_requests, client, server, losing)
                self._start(self._pass_on_replies, server, client, losing)

    def _pass_on_requests(self, client: socket.socket, server: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self.armed and b"COMMIT\x00" in data:
                    self.armed = False
                    losing.set()
                server.sendall(data)
        _cut(server)

    def _pass_on_replies(self, server: socket.socket, client: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if losing.is_set():
                    self.lost += 1
                    _cut(server)
                    break
                client.sendall(data)
        _cut(client)


@contextmanager
def lossy_proxy(server_folder: Path) -> Iterator[LossyProxy]:
    # A socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="tw-proxy-"))
    proxy = LossyProxy(folder, server_folder)
    try:
        yield proxy
    finally:
        proxy.close()
        shutil.rmtree(folder)


def _cut(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
