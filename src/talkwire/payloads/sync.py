"""Payloads of synchronisation, with which a client loads its current state, or the events after a cursor."""

from __future__ import annotations

from typing import Any

from talkwire.payloads.conversations import ConversationPayload
from talkwire.payloads.payload import Payload
from talkwire.payloads.presence import PresencePayload


class EventPayload(Payload, frozen=True):
    """An event of the log (the ordered list of committed events), as a connected socket received it: its position in
    the log, its name and its payload."""

    pos: int
    event: str
    data: Any


class SyncPayload(Payload, frozen=True):
    """The response of synchronisation. Without `after`: `conversations`, `presence` and the `cursor` to continue from;
    `next` is the cursor of `listConversations` for further conversations. With `after`: `events`, the `cursor` to
    continue from, `more` if more events may follow, and `presence` if the client requested it."""

    cursor: str
    conversations: tuple[ConversationPayload, ...] | None = None
    presence: tuple[PresencePayload, ...] | None = None
    next: str | None = None
    events: tuple[EventPayload, ...] | None = None
    more: bool | None = None
