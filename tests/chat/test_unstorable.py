"""Characters that databases cannot store are refused in every path and query, on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.databases import Database
from tests.http_client import HttpClient

_PARAMETER = re.compile(r"\{[^}]+\}")


@pytest.fixture
def server(database: Database, tmp_path: Path) -> Iterator[ServerProcess]:
    address = database.url.render_as_string(hide_password=False)
    with running_chat(tmp_path, {"TALKWIRE_DATABASE": address}) as server:
        yield server
        assert server.logged_errors() == []


def test_a_null_character_in_an_address_is_refused_by_every_route(server: ServerProcess) -> None:
    headers = {"Authorization": f"Bearer {server.token('backend', role='service')}", "Idempotency-Key": "key"}
    with HttpClient(base_url=server.url, headers=headers) as http:
        wrong = []
        for method, address in _addresses(http.get("/openapi.json").json()):
            answer = http.request(method, address, json={} if method in {"post", "put", "patch"} else None)
            if answer.status_code != 422 or (method != "head" and "U+0000" not in answer.text):
                wrong.append((method, address, answer.status_code, answer.text))
        assert wrong == []


def _addresses(description: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields the method and path of each route, with the character in its path and in each query parameter."""
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if "{" in path:
                yield method, _PARAMETER.sub("a%00", path)
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query":
                    yield method, f"{_PARAMETER.sub('a', path)}?{parameter['name']}=%00"
