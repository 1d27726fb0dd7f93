"""The payload types of the Python client: written again after every change of a schema."""

from __future__ import annotations

from tests.chat.chat_server import ServerProcess
from tests.reference.python_payloads import TARGET, published_payloads


def test_the_python_clients_types_are_what_the_server_publishes(chat_server: ServerProcess) -> None:
    generated = published_payloads(chat_server.url)
    assert TARGET.read_text(encoding="utf-8") == generated, "a schema was changed: run make docs"
