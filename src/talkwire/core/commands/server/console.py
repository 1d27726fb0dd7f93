"""Commands of the operators' console, a web page that shows and manages the server, for the application's backend and
admins."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import Conversation, ConversationKind, LoginSession, User


class UserRecord(msgspec.Struct, frozen=True):
    """A user with the data that operators see. `online` says that the user has a socket on a living node, or had one a
    moment ago."""

    user: User
    last_seen_ms: int | None
    online: bool


class ConversationRecord(msgspec.Struct, frozen=True):
    """A conversation with the data that operators see. `last_message_ms` is the time of its newest message, None
    without any."""

    conversation: Conversation
    last_message_ms: int | None


class Totals(msgspec.Struct, frozen=True):
    """The numbers of users, conversations and messages in the database, and its size in bytes. Erased users and deleted
    conversations do not count; deleted messages do."""

    users: int
    conversations: int
    messages: int
    size_bytes: int


class LostNode(msgspec.Struct, frozen=True):
    """A node (server process) that died: its lease ended without the node having been stopped. `host` is the name of
    its machine, None for a node of an older version. It renewed its lease last at `seen_ms`, in milliseconds since
    1970, and `users` were connected to it."""

    id: str
    host: str | None
    seen_ms: int
    users: int


class FailingPush(msgspec.Struct, frozen=True):
    """A device whose last pushes failed: `failures` attempts since one succeeded. `service` is the scheme, host and
    port of its push service."""

    id: str
    user_id: str
    kind: str
    service: str
    failures: int
    next_ms: int | None


class PushState(msgspec.Struct, frozen=True):
    """Statistics of pushes: the number of devices that receive them, by kind; how many of these have a push waiting;
    and at most `PAGE_MAX` of the devices whose last pushes failed."""

    registrations: dict[str, int]
    waiting: int
    failing: tuple[FailingPush, ...]


class BrowseUsers(Query[Page[UserRecord]], frozen=True, tag="BrowseUsers"):
    """Lists users in the order of their names; with a `text`, only those in whose names a word starts with `text`. Only
    for the backend and admins.

    The users whose id or e-mail address is `text` come first, then those whose handles start with it. `banned` selects
    users that are banned (true) or not (false).
    """

    text: str = ""
    banned: bool | None = None
    cursor: str | None = None
    limit: int = 50


class BrowseConversations(Query[Page[ConversationRecord]], frozen=True, tag="BrowseConversations"):
    """Lists conversations, the newest first, of all kinds or only of one `kind`. Only for the backend and admins.

    With a `text`, lists only the conversation whose id is `text` and those in whose names a word starts with `text`.
    They are sorted by the part of the name that begins with this word.
    """

    text: str = ""
    kind: ConversationKind | None = None
    cursor: str | None = None
    limit: int = 50


class GetTotals(Query[Totals], frozen=True, tag="GetTotals"):
    """Returns the numbers of users, conversations and messages in the database, and its size. Only for the backend and
    admins."""


class ListLostNodes(Query[tuple[LostNode, ...]], frozen=True, tag="ListLostNodes"):
    """Lists up to `PAGE_MAX` nodes that died during the last day and have not come back, the most recent first. Only
    for the backend and admins."""


class GetPushState(Query[PushState], frozen=True, tag="GetPushState"):
    """Returns how many devices receive pushes, and at most `PAGE_MAX` of those whose last pushes failed. Only for the
    backend and admins."""


class ListLoginsOf(Query[tuple[LoginSession, ...]], frozen=True, tag="ListLoginsOf"):
    """Lists the signed-in devices of a user, most recently used first. Only for the backend and admins. Raises
    `not_found` for an unknown user."""

    user_id: str


class EndLogin(Change[None], frozen=True, tag="EndLogin"):
    """Signs out the device `session_id` of the user `user_id`, and closes the device's sockets. Only for the backend
    and admins. Raises `not_found` for a device that is unknown or of another user."""

    user_id: str
    session_id: str


class EndConnection(Change[None], frozen=True, tag="EndConnection"):
    """Checks that the actor is the backend or an admin, and records in the audit log that they close a socket of
    another user. The caller closes the socket after that: the command does not."""

    user_id: str
    socket_id: str
