"""Makes the fixtures of the chat tests, a server and its users, available to these tests."""

from __future__ import annotations

from tests.chat.conftest import chat_server, world

__all__ = ["chat_server", "world"]
