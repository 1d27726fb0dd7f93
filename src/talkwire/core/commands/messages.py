"""Commands about messages.

`message_id` and other ids from clients may be any text; a text that is no valid id is treated as an unknown message.
`sender_id`, in commands that have it, is the user in whose name the role `service` acts; nobody else may name another
user.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.commands.meanings import a_text
from talkwire.core.domain.cards.card import AskedCard
from talkwire.core.domain.cards.card_text import text_of_asked
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import ID_MAX_LENGTH, AttachedKind, Message, Place, SavedMessage
from talkwire.core.domain.parts.message_parts import MessagePart, content_of, file_ids_of

MODEL_MAX_LENGTH = 128
"""Longest name of the model that generated a message, in characters."""

Model = Annotated[str, a_text("The name of the model.", longest=MODEL_MAX_LENGTH, shortest=1)]
BehalfOf = Annotated[
    str, a_text("The user in whose name the agent writes: its owner.", longest=ID_MAX_LENGTH, shortest=1)
]


InTurn = Annotated[
    str, a_text("The token of the turn in which the agent writes: the message answers it, and ends it.", longest=64)
]
More = Annotated[bool, Meta(description="Whether the agent keeps the turn after this message")]


class MessagePage(msgspec.Struct, frozen=True):
    """One page of messages in ascending order of their numbers. `has_more` says whether there are more in the requested
    direction: newer ones for `after`, else older ones."""

    items: tuple[Message, ...]
    has_more: bool
    next: str | None


class ThreadMark(msgspec.Struct, frozen=True):
    """A user's state in a thread: whether they follow it, the message number (`read_seq`) up to which they have read
    it, and how many replies of other users come after that, at most `THREAD_UNREAD_MAX`."""

    conversation_id: str
    root_id: int
    following: bool
    read_seq: int
    unread_count: int


THREAD_UNREAD_MAX = 100
"""Largest number of unread replies of a thread that is counted."""


class Thread(msgspec.Struct, frozen=True):
    """A thread's root message, one page of its replies, and the reader's read position in it."""

    root: Message
    replies: MessagePage
    mark: ThreadMark


class FollowedThread(msgspec.Struct, frozen=True):
    """A thread that a user follows: its root message and the user's read position in it."""

    root: Message
    mark: ThreadMark


class FollowedThreads(msgspec.Struct, frozen=True):
    """A page of the threads that a user follows. `unread` is how many of all these threads, not only of this page, have
    unread replies."""

    items: tuple[FollowedThread, ...]
    next: str | None
    unread: int


class MessageVersion(msgspec.Struct, frozen=True):
    """One version of an edited message's text and parts, which was written at `written_ms`. The first version has the
    number 1."""

    number: int
    content: str
    written_ms: int
    parts: tuple[MessagePart, ...] = ()


class AttachmentRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reference to something to attach to a message: an uploaded file by its `id`, a geographic `place`, or a `url`
    with a name.

    `kind` is the type that clients display for the attachment. `duration_ms` and `waveform` (values from 0 to 100)
    describe a voice message, `width` and `height` the frames of a film in pixels.
    """

    id: str | None = None
    url: str | None = None
    name: str | None = None
    kind: AttachedKind | None = None
    place: Place | None = None
    duration_ms: int | None = None
    waveform: tuple[int, ...] = ()
    width: int | None = None
    height: int | None = None


class FetchedPreview(msgspec.Struct, frozen=True, omit_defaults=True):
    """A preview of a web page that a message links to, before it is stored: the title, description, site name and image
    that the page states. `image_id` is the id of the image, which was stored as an uploaded file."""

    url: str
    title: str
    description: str | None = None
    site_name: str | None = None
    image_id: str | None = None


class GivenReaction(msgspec.Struct, frozen=True):
    """The users who reacted with one emoji to an imported message, in the order of their reactions."""

    emoji: str
    user_ids: tuple[str, ...]


class ImportedParts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened to an imported message in the system that it comes from: when it was edited, the reactions to it,
    and whether it is pinned."""

    edited_ms: int | None = None
    reactions: tuple[GivenReaction, ...] = ()
    pinned: bool = False


class ConversationChanged(msgspec.Struct, frozen=True):
    """The details of the `conflict` with which a conditional message is refused: the conversation's `last_seq`, and the
    newest messages after the number that the sender expected there, as far as the sender may see them, in ascending
    order. There are at most `CHANGED_MAX`, and fewer if they are large. `handler_id` is the user who handles the
    conversation, None for nobody; not set for a conversation without teams."""

    last_seq: int
    messages: tuple[Message, ...]
    handler_id: str | UnsetType | None = UNSET


CHANGED_MAX = 20
"""Most newer messages that a refusal of an agent's message lists."""


class GivenGenerated(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an agent states about how it wrote a message: the name of the `model`."""

    model: Model | None = None


class SendMessage(Change[Message], frozen=True, tag="SendMessage"):
    """Sends a message and returns it.

    Each message of a sender in a conversation needs another `client_message_id`: a second command with the same one is
    a retry and returns the first message. `content` may be empty if there are attachments. If a hook (a function of the
    application) has changed the message, `sent_hash` is the hash of what the client sent, because a retry repeats that.

    With `created_ms`, the backend or an admin imports a message that was sent at that time; `imported` may then say how
    it was edited, pinned and reacted to, and may differ in a retry. Only the backend and admins send `system` messages,
    and only the backend sends in the name of another user (`sender_id`).

    With `if_last_seq`, the message is stored only if that is the number of the conversation's newest message then, and
    0 means that it has no message. Otherwise it is refused as `conflict` with `ConversationChanged`. A retry with the
    `client_message_id` of a stored message returns that message all the same, and may have another `if_last_seq`. The
    same is true of `if_handler`, the user who is to handle the conversation then, None for nobody.

    Only agents may say how a message was `generated`, and that they write `on_behalf_of` their owner.

    A message has `parts` or a `card` instead of a `content`, which then follows from them.

    With `turn`, an agent writes it in a turn, which ends with the message; with a card it waits for the decision, and
    with `more` the agent keeps it.

    With `stream`, hooks receive a message that is written while others read it, before it opens or before it ends. Such
    a command is never executed.
    """

    conversation_id: str
    content: str = ""
    client_message_id: str | None = None
    metadata: dict[str, object] | None = None
    sender_id: str | None = None
    attachments: tuple[AttachmentRef, ...] = ()
    reply_to_id: str | None = None
    thread_id: str | None = None
    sent_hash: int | None = None
    created_ms: int | None = None
    imported: ImportedParts | None = None
    system: bool = False
    if_last_seq: int | None = None
    generated: GivenGenerated | None = None
    on_behalf_of: BehalfOf | None = None
    if_handler: Annotated[
        str | UnsetType | None,
        Meta(description="The message is stored only if this user handles the conversation then, or nobody for null"),
    ] = UNSET
    parts: tuple[MessagePart, ...] = ()
    stream: Literal["opens", "ends"] | None = None
    card: AskedCard | None = None
    turn: InTurn | None = None
    more: More = False

    @property
    def text(self) -> str:
        """Returns the `content` that the message will have."""
        if self.card is not None:
            return text_of_asked(self.card)
        return content_of(self.parts) if self.parts else self.content

    @property
    def attached(self) -> tuple[AttachmentRef, ...]:
        """Returns what the message will have attached: `attachments`, and the files that are sources."""
        if not self.parts:
            return self.attachments
        ids = {ref.id for ref in self.attachments}
        return (*self.attachments, *(AttachmentRef(id_) for id_ in file_ids_of(self.parts, ids)))

    @property
    def is_plain(self) -> bool:
        """Returns whether the message is only a text, without attachments, parts, a card, an `@`, a reply or a thread.
        Storing such a message needs no lookup of files, members or other messages."""
        if self.attachments or self.parts or self.reply_to_id is not None or self.thread_id is not None or self.card:
            return False
        return "@" not in self.content and "\uff20" not in self.content


class SendMessages(Change[tuple[Message | ChatError, ...]], frozen=True, tag="SendMessages"):
    """Sends or imports messages, one after the other, for the backend or an admin.

    Returns the stored message or the refusal of each, in order. The first refusal ends the sending and is the last item
    of the result, unless `skip_refused` is set. So a refused message can be corrected and sent again before the later
    ones: a message cannot be imported after one with a later time.
    """

    messages: tuple[SendMessage, ...]
    skip_refused: bool = False


class ForwardMessage(Change[tuple[Message, ...]], frozen=True, tag="ForwardMessage"):
    """Forwards a message to 1 to `TARGETS_MAX` conversations and returns the new messages: to all conversations, or to
    none if one is refused."""

    message_id: str
    conversation_ids: tuple[str, ...]
    sender_id: str | None = None


class EditMessage(Change[Message], frozen=True, tag="EditMessage"):
    """Changes a message's text, its metadata or both, and returns the message. A field that is not set stays the same;
    at least one must be set.

    `parts` replace the message's text and all its parts. `content` replaces its texts by one and keeps its other parts.
    Only one of both may be set. A new text makes a version and an edited message. New `metadata` alone does not; it
    replaces all of the former metadata, and None removes that.
    """

    message_id: str
    content: str | UnsetType = UNSET
    sender_id: str | None = None
    metadata: dict[str, object] | UnsetType | None = UNSET
    parts: tuple[MessagePart, ...] | UnsetType = UNSET

    @property
    def changes_text(self) -> bool:
        """Returns whether the command gives the message a text or parts."""
        return self.content is not UNSET or self.parts is not UNSET


class DeleteMessage(Change[None], frozen=True, tag="DeleteMessage"):
    message_id: str


class SetLinkPreviews(Change[None], frozen=True, tag="SetLinkPreviews"):
    """Internal, with an operator as the actor: stores the previews of a message's links.

    Does nothing if the message was deleted, has another text than `content`, or has had its previews removed by a user.
    A preview's image is shown only if the file `image_id` belongs to the message's sender.
    """

    message_id: int
    content: str
    previews: tuple[FetchedPreview, ...]


class RemoveLinkPreviews(Change[Message], frozen=True, tag="RemoveLinkPreviews"):
    """Removes the previews of a message's links permanently and returns the message. Users may do so for their own
    messages, the backend and admins for any. Repeating the command is no error."""

    message_id: str


class React(Change[Message], frozen=True, tag="React"):
    """Adds the actor's reaction to a message and returns the message. `emoji` is an emoji, or a custom one as `:name:`.
    Repeating the command is no error."""

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

    `before`, `after` and `around` are message ids. `around_seq` is a message's number, which may be that of a deleted
    message. At most one of the four may be set. `without_replies` leaves out the replies in threads, `finished_only`
    streams that have not ended once.
    """

    conversation_id: str
    before: str | None = None
    after: str | None = None
    around: str | None = None
    limit: int = 50
    around_seq: int | None = None
    without_replies: bool = False
    finished_only: bool = False


class GetThread(Query[Thread], frozen=True, tag="GetThread"):
    """Returns the thread of a root message or of one of its replies, with a page of replies.

    `before` and `after` are ids of replies; without them, the page is the newest one.
    """

    message_id: str
    before: str | None = None
    after: str | None = None
    limit: int = 50


class FollowThread(Change[ThreadMark], frozen=True, tag="FollowThread"):
    """Makes the actor follow the thread of a root message or of one of its replies, i.e. have a read position and
    unread count in it. Repeating the command is no error."""

    message_id: str


class UnfollowThread(Change[ThreadMark], frozen=True, tag="UnfollowThread"):
    """Makes the actor stop following a thread. Being mentioned in it does not make the actor follow it again; writing a
    reply does."""

    message_id: str


class MarkThreadRead(Change[ThreadMark], frozen=True, tag="MarkThreadRead"):
    """Marks a thread as read, up to the reply `reply_id`, or up to the newest reply if that is None. The read position
    only moves forward, and only in a thread that the actor follows; notifications of the read replies become read in
    any thread."""

    message_id: str
    reply_id: str | None = None


class ListThreads(Query[FollowedThreads], frozen=True, tag="ListThreads"):
    """Lists the threads that the actor follows, newest activity first. `cursor` is the `next` of the previous page."""

    cursor: str | None = None
    limit: int = 50


class CountThreads(Query[tuple[tuple[str, ThreadMark], ...]], frozen=True, tag="CountThreads"):
    """Internal: returns the read position and unread count of each follower of the threads with the root messages
    `root_ids`, as (user id, mark)."""

    root_ids: tuple[int, ...]


class ListPins(Query[Page[Message]], frozen=True, tag="ListPins"):
    """Lists the pinned messages of a conversation, newest pin first. The page continues after the pinned message with
    the id `before`; None returns the newest pins."""

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


# --- saved messages ---------------------------------------------------------------------------------------------------


class SaveMessage(Change[SavedMessage], frozen=True, tag="SaveMessage"):
    """Adds a message to the actor's saved messages. Saving it again changes nothing. Raises `invalid_request` if the
    actor has saved `SAVED_MAX` messages already."""

    message_id: str


class UnsaveMessage(Change[None], frozen=True, tag="UnsaveMessage"):
    """Removes a message from those that the actor has saved. Does nothing for a message that is not saved."""

    message_id: str


class ListSaved(Query[Page[SavedMessage]], frozen=True, tag="ListSaved"):
    """Lists the messages that the actor has saved and may see now, last saved first: all of them, or those of one
    conversation."""

    cursor: str | None = None
    limit: int = 50
    conversation_id: str | None = None
