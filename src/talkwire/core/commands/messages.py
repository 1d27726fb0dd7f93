"""What is asked about messages."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Query
from talkwire.core.model import Message


class MessagePage(msgspec.Struct, frozen=True):
    """Messages in ascending `seq`; `has_more` says whether there are more in the direction that was asked for."""

    items: tuple[Message, ...]
    has_more: bool
    next: str | None


class SendMessage(Change[Message], frozen=True, tag="SendMessage"):
    """`client_message_id` is unique per conversation and sender for ever. `sender_id` is for the role `service`."""

    conversation_id: str
    content: str
    client_message_id: str | None = None
    metadata: dict[str, object] | None = None
    sender_id: str | None = None


class GetMessage(Query[Message], frozen=True, tag="GetMessage"):
    message_id: str


class ListMessages(Query[MessagePage], frozen=True, tag="ListMessages"):
    """`before`, `after` and `around` are message ids, at most one of them; without them the newest page."""

    conversation_id: str
    before: str | None = None
    after: str | None = None
    around: str | None = None
    limit: int = 50
