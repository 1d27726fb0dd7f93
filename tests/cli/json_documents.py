"""An HTTP server with documents of JSON, in threads of the test process: the keys or the metadata of a provider."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Documents = Callable[[str], Mapping[str, Any]]
"""Returns the documents by their paths, given the server's address."""


@contextmanager
def served_documents(documents: Documents, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Yields the address of a server that serves the documents; other paths are missing. `certificate` has its
    certificate's file for localhost and the key's; None for plain HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(documents(address).get(self.path)).encode()
            self.send_response(404 if body == b"null" else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            address = f"https://localhost:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield address
        finally:
            server.shutdown()
            serving.join()


def provider(metadata: Mapping[str, Any], keys: Mapping[str, Any]) -> Documents:
    """Returns the documents of an OpenID provider that has no sign-in."""

    def documents(issuer: str) -> Mapping[str, Any]:
        endpoints = dict.fromkeys(("authorization_endpoint", "token_endpoint"), f"{issuer}/unused")
        known = {"issuer": issuer, "jwks_uri": f"{issuer}/keys", **endpoints}
        return {"/.well-known/openid-configuration": {**known, **metadata}, "/keys": keys}

    return documents
