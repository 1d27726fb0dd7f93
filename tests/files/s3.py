"""A server that speaks S3, with one bucket in it, and the variables that programs for S3 read."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from tests.waiting import DEADLINE_S

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BUCKET = "s3://bucket"


def variables(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
    }


class Refusals:
    """Refuses requests to an application as S3 does. `refused` maps a method, `POST ?delete` for DeleteObjects or `*`
    to the status, the code and the message."""

    def __init__(self) -> None:
        self.refused: dict[str, tuple[str, str, str]] = {}
        self._application = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        kind = environ["REQUEST_METHOD"] + (" ?delete" if environ["QUERY_STRING"].startswith("delete") else "")
        found = self.refused.get(kind) or self.refused.get("*")
        if found is None:
            answer: Iterable[bytes] = self._application(environ, start_response)
            return answer
        status, code, message = found
        start_response(status, [("Content-Type", "application/xml")])
        ids = "<AWSAccessKeyId>id-of-the-key</AWSAccessKeyId><RequestId>1</RequestId>"
        return [f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{ids}</Error>'.encode()]


@contextmanager
def s3_server(refusals: Refusals | None = None) -> Iterator[str]:
    """Yields its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, refusals or Refusals(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.port}"
    try:
        httpx.put(f"{endpoint}/bucket", trust_env=False, timeout=DEADLINE_S).raise_for_status()
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
