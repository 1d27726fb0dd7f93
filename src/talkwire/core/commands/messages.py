"""What is asked about messages. Those that clients name by an id may be any text; what is no id names nothing.

Where a command has a `sender_id`, the role `service` says with it in whose name it acts; nobody else may name another.
"""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import AttachedKind, Message, Place


class MessagePage(msgspec.Struct, frozen=True):
    """Messages in ascending `seq`; `has_more` says whether there are more in the direction that was asked for."""

    items: tuple[Message, ...]
    has_more: bool
    next: str | None


class Thread(msgspec.Struct, frozen=True):
    """A thread's root and one page of the replies to it."""

    root: Message
    replies: MessagePage


class MessageVersion(msgspec.Struct, frozen=True):
    """What a message said from a time on; the first version is 1."""

    number: int
    content: str
    written_ms: int


class AttachmentRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something to attach: an uploaded file by its `id`, a `place`, or else what is at a `url`, under a name. `kind` is
    what the client calls a message with it."""

    id: str | None = None
    url: str | None = None
    name: str | None = None
    kind: AttachedKind | None = None
    place: Place | None = None


class SendMessage(Change[Message], frozen=True, tag="SendMessage"):
    """`client_message_id` is unique per conversation and sender for ever. `content` may be empty beside attachments.
    `sent_hash` is what the message is known by as it was sent, where a hook has changed it since: a retry sends it
    again as it was. With `created_ms` the back end or an admin imports a message that was sent at that time."""

    conversation_id: str
    content: str
    client_message_id: str | None = None
    metadata: dict[str, object] | None = None
    sender_id: str | None = None
    attachments: tuple[AttachmentRef, ...] = ()
    reply_to_id: str | None = None
    thread_id: str | None = None
    sent_hash: int | None = None
    created_ms: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is a text and nothing that anything has to be looked up for."""
        return not self.attachments and self.reply_to_id is None and self.thread_id is None and "@" not in self.content


class ForwardMessage(Change[tuple[Message, ...]], frozen=True, tag="ForwardMessage"):
    """Into all of the conversations, or into none."""

    message_id: str
    conversation_ids: tuple[str, ...]
    sender_id: str | None = None


class EditMessage(Change[Message], frozen=True, tag="EditMessage"):
    message_id: str
    content: str
    sender_id: str | None = None


class DeleteMessage(Change[None], frozen=True, tag="DeleteMessage"):
    message_id: str


class React(Change[Message], frozen=True, tag="React"):
    """Adds an emoji, or a custom one as `:name:`; doing so twice is no error."""

    message_id: str
    emoji: str
    sender_id: str | None = None


class Unreact(Change[Message], frozen=True, tag="Unreact"):
    message_id: str
    emoji: str
    sender_id: str | None = None


class PinMessage(Change[Message], frozen=True, tag="PinMessage"):
    message_id: str


class UnpinMessage(Change[Message], frozen=True, tag="UnpinMessage"):
    message_id: str


class GetMessage(Query[Message], frozen=True, tag="GetMessage"):
    message_id: str


class ListMessages(Query[MessagePage], frozen=True, tag="ListMessages"):
    """`before`, `after` and `around` are message ids; at `around_seq` there need not be a message any more. One of them
    at most; without them the newest page."""

    conversation_id: str
    before: str | None = None
    after: str | None = None
    around: str | None = None
    limit: int = 50
    around_seq: int | None = None


class GetThread(Query[Thread], frozen=True, tag="GetThread"):
    """Of a root or of a reply in it. `before` and `after` are ids of replies; without them the newest page."""

    message_id: str
    before: str | None = None
    after: str | None = None
    limit: int = 50


class ListPins(Query[Page[Message]], frozen=True, tag="ListPins"):
    """What is pinned in a conversation, the newest pin first; `before` is the id of a pinned message."""

    conversation_id: str
    before: str | None = None
    limit: int = 50


class ListVersions(Query[Page[MessageVersion]], frozen=True, tag="ListVersions"):
    """What a message said, in the order of time, up to now; `before` is a version's number, None: the newest page."""

    message_id: str
    before: str | None = None
    limit: int = 50
