"""The things a chat is made of. Times are integer milliseconds since 1970 UTC (`…_ms`).

Ids: users and conversations are texts, given by the application or made by us; messages are integers. Ours carry the
log position of the event that created them, so that two nodes can never make the same one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

MESSAGE_ID_BASE = 10**12
OWN_ID_BASE = 8 * 10**15
"""Ids that we make for users and conversations start here: above any plausible row number, still a safe integer in
JavaScript."""

ID_MAX_LENGTH = 128
RESERVED_IDS = frozenset({"me", "online"})
_ID = re.compile(r"[^\s/\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,128}")

LARGE_CONVERSATION = 100
"""Beyond this many members not everybody is told of everything that everybody does."""

ConversationKind = Literal["direct", "group", "channel"]
MemberRole = Literal["owner", "admin", "member"]
History = Literal["all", "from-join"]
"""What a member sees of the time before they joined."""

Notify = Literal["all", "mentions", "none"]
"""Which messages of a conversation a member wants to be notified of."""

FOR_EVER_MS = 2**53
"""An end that never comes, where a time is asked for."""

SAFE_INTEGER_MAX = 2**53 - 1
"""The largest integer that every JSON reader keeps: JavaScript, and others that read numbers as doubles."""

SEQ_MAX = SAFE_INTEGER_MAX

ActorRole = Literal["user", "service", "admin"]


def is_valid_id(value: str) -> bool:
    """1 to 128 characters, no `/`, white space or control character, and not a word that routes use."""
    return _ID.fullmatch(value) is not None and value not in RESERVED_IDS


def is_own_id(value: str) -> bool:
    """Whether an id lies in the range that only we give out."""
    return value.isascii() and value.isdigit() and OWN_ID_BASE <= int(value) < OWN_ID_BASE + 10**15


def message_number(message_id: str) -> int | None:
    """A message's id as a number; None: no message has such an id."""
    if message_id.isascii() and message_id.isdigit() and len(message_id) < 19:
        return int(message_id)
    return None


NO_CLAIMS: Mapping[str, object] = MappingProxyType({})


class Actor(msgspec.Struct, frozen=True):
    """Who asks: a user by a token, the application's backend (`service`), or a moderator (`admin`).

    `claims` are those claims of the token that the application's hooks may read. They grant nothing; `role` does.
    """

    user_id: str
    name: str
    role: ActorRole = "user"
    claims: Mapping[str, object] = NO_CLAIMS

    @property
    def is_service(self) -> bool:
        return self.role == "service"

    @property
    def is_trusted(self) -> bool:
        """Whether the actor is the application's back end or an admin, whom the rules for users do not bind."""
        return self.role != "user"


class User(msgspec.Struct, frozen=True):
    """`text` is what the user says of themselves beside their presence. `metadata` is the application's own JSON, which
    only its back end and admins see. `named`: the back end or the user chose the id as the name, so no token changes
    it."""

    id: str
    name: str
    created_ms: int
    email: str | None = None
    banned: bool = False
    avatar: str | None = None
    text: str | None = None
    metadata: dict[str, object] | None = None
    named: bool = False

    def may_become(self, name: str | None) -> bool:
        """Whether a token's name is news: nobody has named this user but by the id. Banned users stay as they are."""
        unnamed = not self.banned and not self.named and self.name == self.id
        return unnamed and name is not None and name != self.id


class Account(msgspec.Struct, frozen=True):
    """What an own account signs in with; never leaves the server."""

    user_id: str
    email: str
    password_hash: str


class LoginSession(msgspec.Struct, frozen=True):
    """One signed-in device: a family of refresh tokens of which only the newest (`token_hash`) is good.

    `last_seen_ms` is when it signed in or last got a new token, `address` and `user_agent` where that came from.
    """

    id: str
    user_id: str
    token_hash: str
    created_ms: int
    expires_ms: int
    last_seen_ms: int = 0
    address: str = ""
    user_agent: str = ""


class Invitation(msgspec.Struct, frozen=True):
    """A link by which people come to the server and to conversations. The code itself is known to those it was given
    to; only its hash is kept.

    `creator_id` is empty where the application's backend made it. `expires_ms` and `max_uses` are None where it has no
    such limit.
    """

    id: str
    code_hash: str
    conversation_ids: tuple[str, ...]
    creator_id: str
    creator_role: ActorRole
    created_ms: int
    expires_ms: int | None = None
    max_uses: int | None = None
    uses: int = 0


class Conversation(msgspec.Struct, frozen=True):
    """`last_pos` is the position of its newest event of any kind, `active_pos` that of its creation or newest message.

    `blocked`: one of a direct conversation's two members has blocked the other. It is kept here so that sending looks
    nothing further up. `slow_mode_s`: how long a member waits between two messages; 0: not at all.
    """

    id: str
    kind: ConversationKind
    name: str | None
    owner_id: str | None
    member_count: int
    last_seq: int
    created_ms: int
    updated_ms: int
    avatar: str | None = None
    public: bool = False
    history: History = "all"
    slow_mode_s: int = 0
    metadata: dict[str, object] | None = None
    deleted_ms: int | None = None
    blocked: bool = False
    last_pos: int = 0
    active_pos: int = 0


class HistoryStart(msgspec.Struct, frozen=True):
    """From where on a member sees a conversation. Messages up to `seq`, and offers up to log position `pos`, are from
    before their time."""

    seq: int = 0
    pos: int = 0


WHOLE = HistoryStart()
"""The history of a reader that sees the whole conversation."""


NOT_MARKED = -1
"""The `Member.marked_at_seq` of a member who has not marked anything as unread."""


class Member(msgspec.Struct, frozen=True):
    """A user in a conversation, with their cursors and what they want to hear of it.

    `history_seq` and `history_pos` are `history`. `read_seq` and `delivered_seq` say how far they have read and
    received, `…_ms` when that last moved. `sent_count` is how many messages they have sent since they joined, and
    `read_sent` how many of these lie up to `read_seq`: what is unread follows from both without counting messages.
    `muted_until_ms` is a moderator's doing: until then they may not write.

    `read_seq` is what others see of the read position, and never moves back. A member who marks messages as unread
    moves back only their own position: it is `marked_seq`, with `marked_sent` own messages up to there, as long as
    `read_seq` is still `marked_at_seq`. A receipt that moves `read_seq` ends the mark by itself.
    """

    conversation_id: str
    user_id: str
    role: MemberRole
    joined_ms: int
    history_seq: int = 0
    read_seq: int = 0
    read_ms: int = 0
    delivered_seq: int = 0
    delivered_ms: int = 0
    sent_count: int = 0
    last_sent_ms: int = 0
    read_sent: int = 0
    muted_until_ms: int = 0
    muted: bool = False
    notify: Notify | None = None
    sound: str | None = None
    history_pos: int = 0
    marked_seq: int = 0
    marked_sent: int = 0
    marked_at_seq: int = NOT_MARKED

    @property
    def history(self) -> HistoryStart:
        return HistoryStart(self.history_seq, self.history_pos)

    @property
    def own_seq(self) -> int:
        """The read position as the member sees it."""
        return self.marked_seq if self.marked_at_seq == self.read_seq else self.read_seq

    @property
    def own_sent(self) -> int:
        """How many messages they have sent up to `own_seq`."""
        return self.marked_sent if self.marked_at_seq == self.read_seq else self.read_sent


AttachedKind = Literal["text", "image", "video", "audio", "document"]
"""What a client calls the message that an attachment belongs to; `text` is a text with something beside it."""


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place on Earth, in degrees."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class Attachment(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is attached to a message: an uploaded file (`id`), an address elsewhere, or a `place`, whose `url` is a map.

    `kind` is what the sender's client says. Without one, it follows from the content type.
    """

    url: str
    name: str
    id: str | None = None
    content_type: str | None = None
    size: int | None = None
    width: int | None = None
    height: int | None = None
    thumbnail_url: str | None = None
    kind: AttachedKind | None = None
    place: Place | None = None


class Quote(msgspec.Struct, frozen=True):
    """The message that another one replies to, as it is now: the beginning of its text, empty when it was deleted.

    `seq` decides which readers see the quote. 0 is for a quote from a node of an older version: it is shown only to
    readers that see the whole conversation.
    """

    id: int
    sender_id: str
    content: str
    seq: int = 0


class Origin(msgspec.Struct, frozen=True):
    """What a forwarded message was copied from."""

    id: int
    sender_id: str


class Reaction(msgspec.Struct, frozen=True):
    """One emoji below a message. `user_ids` are the first `REACTION_USERS_MAX` of the `count` who gave it."""

    emoji: str
    count: int
    user_ids: tuple[str, ...]


REACTION_USERS_MAX = 100

EXCERPT_LENGTH = 200
"""Characters of a quoted message's text."""


class Message(msgspec.Struct, frozen=True):
    """A deleted message stays as a tombstone: no content, and nothing attached to it. An `imported` message was sent
    somewhere else, at `created_ms`: nobody is notified of it, and it is never unread."""

    id: int
    conversation_id: str
    seq: int
    sender_id: str
    sender_name: str
    content: str
    created_ms: int
    sender_avatar: str | None = None
    client_message_id: str | None = None
    metadata: dict[str, object] | None = None
    command_hash: int | None = None
    """Hash of the command as it was sent; tells a retry from another message under the same client message id."""
    attachments: tuple[Attachment, ...] = ()
    mentions: tuple[str, ...] = ()
    mentions_all: bool = False
    reply_to: Quote | None = None
    thread_id: int | None = None
    forwarded_from: Origin | None = None
    reactions: tuple[Reaction, ...] = ()
    reply_count: int = 0
    pinned_ms: int | None = None
    edited_ms: int | None = None
    deleted_ms: int | None = None
    deleted_by: str | None = None
    imported: bool = False


RestrictionKind = Literal["mute", "ban"]


class Restriction(msgspec.Struct, frozen=True):
    """What a moderator has put on a user in one conversation: they may not write (`mute`), or not be in it (`ban`)."""

    conversation_id: str
    user_id: str
    kind: RestrictionKind
    until_ms: int
    by: str
    reason: str | None = None


ChosenStatus = Literal["online", "away", "dnd", "invisible"]
"""What a user says of themselves."""

ShownStatus = Literal["online", "away", "dnd", "invisible", "offline"]
"""What is shown of a user: `invisible` to their own devices only, `offline` to others then."""


class Presence(msgspec.Struct, frozen=True):
    """One user as somebody sees them. `last_seen_ms` is None while they are there, and for who never was."""

    user_id: str
    status: ShownStatus
    text: str | None
    last_seen_ms: int | None


class PresenceRecord(msgspec.Struct, frozen=True):
    """What is stored of a user: the status and the text that they chose last, and when others saw them last."""

    user_id: str
    status: ChosenStatus = "online"
    text: str | None = None
    last_seen_ms: int | None = None


CallEndReason = Literal["timeout", "rejected", "cancelled", "hangup", "gone", "left"]
"""Nobody answered; all who were called declined; the caller gave up before; a side hung up, or its last socket is gone;
or a side is no member of the conversation any more."""

OfferStatus = Literal["pending", "accepted", "rejected", "withdrawn", "expired", "countered"]


class Offer(msgspec.Struct, frozen=True):
    """A price that one member proposes to the others. `amount` is in the currency's smallest unit."""

    id: int
    conversation_id: str
    author_id: str
    title: str
    amount: int
    currency: str
    status: OfferStatus
    created_ms: int
    updated_ms: int
    description: str | None = None
    expires_ms: int | None = None
    counter_of: int | None = None
    metadata: dict[str, object] | None = None
    closed_by: str | None = None
    """Who accepted, rejected, withdrew or countered it; its time ends it without anybody."""


NotificationType = Literal["direct", "mention", "reply", "message", "offer", "invitation", "missed-call"]
"""What somebody is notified of. `message`: one in a group or channel of which they want to hear everything."""


class DoNotDisturb(msgspec.Struct, frozen=True):
    """Hours of the day in which a user wants quiet, by the clocks of their time zone (an IANA name).

    They begin at `start_minute` of each of `days` (0 is Monday), and end at `end_minute`, on the next day when that is
    not later.
    """

    enabled: bool = False
    start_minute: int = 22 * 60
    end_minute: int = 7 * 60
    time_zone: str = "UTC"
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)


class Preferences(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a user wants to be notified of: everything but the types in `off`. `sounds` are those that are not the
    default; None: no sound."""

    off: tuple[NotificationType, ...] = ()
    sounds: dict[NotificationType, str | None] = {}
    do_not_disturb: DoNotDisturb = DoNotDisturb()


class MemberPreferences(msgspec.Struct, frozen=True):
    """What a member wants to hear of one conversation; `notify` None: what is usual for its kind."""

    muted: bool = False
    notify: Notify | None = None
    sound: str | None = None


class Notification(msgspec.Struct, frozen=True):
    """What calls for one user's attention: `actor_id` did something that is in `body`, and is called `title`.

    The id is made of the causing event's position. `sound` None: quietly.
    """

    id: int
    user_id: str
    type: NotificationType
    title: str
    body: str
    conversation_id: str
    actor_id: str
    created_ms: int
    message_id: int | None = None
    offer_id: int | None = None
    sound: str | None = None
    read_ms: int | None = None


class Upload(msgspec.Struct, frozen=True):
    """A file on its way: `length` bytes are to come until `expires_ms`. `content_type` is what the client says.
    `folder_id`: the folder with its bytes; None: every node can reach them, or nobody knows."""

    id: str
    owner_id: str
    name: str
    content_type: str | None
    length: int
    created_ms: int
    expires_ms: int
    folder_id: str | None = None


class File(msgspec.Struct, frozen=True):
    """An uploaded file, of the upload's id. A picture, which was made safe, has sides (pixels) and a thumbnail; so its
    `size` may differ from what was uploaded. `digest` is the SHA-256 of its bytes, in hexadecimal digits.
    `folder_id` is as for an upload."""

    id: str
    owner_id: str
    name: str
    content_type: str
    size: int
    digest: str
    created_ms: int
    upload_length: int
    width: int | None = None
    height: int | None = None
    folder_id: str | None = None
