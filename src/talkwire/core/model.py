"""The things a chat is made of. Times are integer milliseconds since 1970 UTC (`…_ms`).

Ids: users and conversations are texts, given by the application or made by us; messages are integers. Ours carry the
log position of the event that created them, so that two nodes can never make the same one (contract, section 2).
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

MESSAGE_ID_BASE = 10**12
OWN_ID_BASE = 8 * 10**15
"""Ids that we make for users and conversations start here: above any plausible row number, still a safe integer in
JavaScript."""

ID_MAX_LENGTH = 128
RESERVED_IDS = frozenset({"me", "online"})
_ID = re.compile(r"[^\s/\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,128}")

ConversationKind = Literal["direct", "group"]
MemberRole = Literal["owner", "admin", "member"]
ActorRole = Literal["user", "service", "admin"]


def is_valid_id(value: str) -> bool:
    """1 to 128 characters, no `/`, white space or control character, and not a word that routes use."""
    return _ID.fullmatch(value) is not None and value not in RESERVED_IDS


def is_own_id(value: str) -> bool:
    """Whether an id lies in the range that only we give out."""
    return value.isascii() and value.isdigit() and OWN_ID_BASE <= int(value) < OWN_ID_BASE + 10**15


class Actor(msgspec.Struct, frozen=True):
    """Who asks: a user by a token, the application's backend (`service`), or a moderator (`admin`)."""

    user_id: str
    name: str
    role: ActorRole = "user"

    @property
    def is_service(self) -> bool:
        return self.role == "service"


class User(msgspec.Struct, frozen=True):
    id: str
    name: str
    created_ms: int
    email: str | None = None
    banned: bool = False
    avatar: str | None = None

    def may_become(self, name: str | None) -> bool:
        """Whether a token's name is news: nobody has named this user but by the id."""
        return self.name == self.id and name is not None and name != self.id


class Account(msgspec.Struct, frozen=True):
    """What an own account signs in with; never leaves the server."""

    user_id: str
    email: str
    password_hash: str


class LoginSession(msgspec.Struct, frozen=True):
    """One signed-in device: a family of refresh tokens of which only the newest (`token_hash`) is good."""

    id: str
    user_id: str
    token_hash: str
    created_ms: int
    expires_ms: int


class Conversation(msgspec.Struct, frozen=True):
    id: str
    kind: ConversationKind
    name: str | None
    owner_id: str | None
    member_count: int
    last_seq: int
    created_ms: int
    updated_ms: int


class Member(msgspec.Struct, frozen=True):
    conversation_id: str
    user_id: str
    role: MemberRole
    joined_ms: int


class Message(msgspec.Struct, frozen=True):
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
