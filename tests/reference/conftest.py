"""A server, and people on it, as the chat's tests have them."""

from __future__ import annotations

from tests.chat.conftest import chat_server, world

__all__ = ["chat_server", "world"]
