"""A route of an application that issues tokens which soon expire."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from talkwire.identity.issuer import TokenIssuer
from tests.chat.chat_server import SECRET


class TokenRoute(NamedTuple):
    """The route's URL, the paths that were requested, and the numbers of the requests that are to fail."""

    url: str
    asked: list[str]
    failing: set[int]


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, user_id: str, ttl_s: int, asked: list[str], failing: set[int], *arguments: object) -> None:
        self._user_id = user_id
        self._ttl_s = ttl_s
        self._asked = asked
        self._failing = failing
        super().__init__(*arguments)  # type: ignore[arg-type]  # as the server passes them on

    def do_GET(self) -> None:
        self._asked.append(self.path)
        if len(self._asked) in self._failing:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b"<h1>Back in a minute</h1>")
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(TokenIssuer(SECRET).issue(self._user_id, ttl_s=self._ttl_s).encode())

    def log_message(self, *arguments: object) -> None:
        """Logs nothing."""


@contextmanager
def running_token_route(user_id: str, ttl_s: int) -> Iterator[TokenRoute]:
    """Runs a route whose tokens are for one user and expire `ttl_s` seconds after their request."""
    asked: list[str] = []
    failing: set[int] = set()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, user_id, ttl_s, asked, failing)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield TokenRoute(f"http://127.0.0.1:{server.server_address[1]}/chat-token", asked, failing)
        finally:
            server.shutdown()
            thread.join()
