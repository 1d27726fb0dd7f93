"""Commands about messages.

`message_id` and other ids from clients may be any text; a text that is no valid id is treated as an unknown message.
`sender_id`, where there is one, is the user in whose name the role `service` acts; nobody else may name another user.
"""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import AttachedKind, Message, Place


class MessagePage(msgspec.Struct, frozen=True):
    """Messages in ascending `seq`. `has_more` says whether there are more in the requested direction."""

    items: tuple[Message, ...]
    has_more: bool
    next: str | None


class Thread(msgspec.Struct, frozen=True):
    """A thread's root message and one page of its replies."""

    root: Message
    replies: MessagePage


class MessageVersion(msgspec.Struct, frozen=True):
    """A message's text from the time `written_ms` on; the first version has the number 1."""

    number: int
    content: str
    written_ms: int


class AttachmentRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reference to something to attach: an uploaded file by its `id`, a `place`, or a `url` with a name.

    `kind` is the type that clients display for the message.
    """

    id: str | None = None
    url: str | None = None
    name: str | None = None
    kind: AttachedKind | None = None
    place: Place | None = None


class SendMessage(Change[Message], frozen=True, tag="SendMessage"):
    """Sends a message.

    `client_message_id` must be unique for conversation and sender; a second message with it is a retry. `content` may
    be empty if there are attachments. If a hook has changed the message, `sent_hash` is the hash of what the client
    sent, because a retry repeats that. With `created_ms`, the backend or an admin imports a message that was sent at
    that time.
    """

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
        """Whether it is only a text, without anything to look up: attachments, mentions, a reply or a thread."""
        return not self.attachments and self.reply_to_id is None and self.thread_id is None and "@" not in self.content


class ForwardMessage(Change[tuple[Message, ...]], frozen=True, tag="ForwardMessage"):
    """Forwards a message to all of these conversations, or to none if one is refused."""

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
    """Adds a reaction: an emoji, or a custom one as `:name:`. Repeating it is no error."""

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
    """Lists messages of a conversation, the newest page by default.

    `before`, `after` and `around` are message ids. `around_seq` is a `seq`, of which the message may have been deleted.
    Only one of them may be set.
    """

    conversation_id: str
    before: str | None = None
    after: str | None = None
    around: str | None = None
    limit: int = 50
    around_seq: int | None = None


class GetThread(Query[Thread], frozen=True, tag="GetThread"):
    """Returns the thread of a root message or of one of its replies.

    `before` and `after` are ids of replies; without them it returns the newest page.
    """

    message_id: str
    before: str | None = None
    after: str | None = None
    limit: int = 50


class ListPins(Query[Page[Message]], frozen=True, tag="ListPins"):
    """Lists the pinned messages of a conversation, newest pin first. `before` is the id of a pinned message."""

    conversation_id: str
    before: str | None = None
    limit: int = 50


class ListVersions(Query[Page[MessageVersion]], frozen=True, tag="ListVersions"):
    """Lists the versions of a message's text in ascending order, including the current one.

    `before` is a version's number; None returns the newest page.
    """

    message_id: str
    before: str | None = None
    limit: int = 50
