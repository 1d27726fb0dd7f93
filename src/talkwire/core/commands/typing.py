"""The commands with which a client says that its user is typing, and sends custom signals to a conversation."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from talkwire.core.commands.command import Query, SocketSignal
from talkwire.core.commands.meanings import a_pattern

SIGNAL_NAME = "[A-Za-z0-9._:-]{1,64}"

SIGNAL_DATA_MAX_BYTES = 4 * 1024
"""Largest data of a signal, as JSON in UTF-8, in bytes."""


class SetTyping(SocketSignal[None], frozen=True, tag="SetTyping"):
    """Starts or stops showing others that the actor is typing in a conversation. Typing also stops when the socket
    `source` closes."""

    conversation_id: str
    is_typing: bool


class SendSignal(SocketSignal[None], frozen=True, tag="SendSignal"):
    """Sends a signal of the application's own to the members of a conversation who are connected, except the socket
    `source`. It is never stored.

    `sender_id` is the member in whose name the role `service` sends; without it, the signal is the backend's own.
    """

    conversation_id: str
    name: Annotated[str, a_pattern("The signal's name, which the application chooses", f"^{SIGNAL_NAME}$")]
    data: Annotated[object, Meta(description="Any JSON of at most 4 KiB")] = None
    sender_id: str | None = None


class CheckSignal(Query[str], frozen=True, tag="CheckSignal"):
    """Internal: returns the id of the user in whose name a signal is sent. Raises a refusal if that user, or the actor,
    may not send signals to the conversation."""

    conversation_id: str
    sender_id: str | None = None
