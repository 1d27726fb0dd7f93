"""What `--demo` fills an empty server with: the users and conversations that the documented client snippets name."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from types import MappingProxyType

from talkwire.core.chat import Chat
from talkwire.core.commands.accounts import FindAccount
from talkwire.core.commands.conversations import CreateConversation, GetConversation
from talkwire.core.errors import ChatError
from talkwire.core.model import Actor
from talkwire.identity.accounts import Accounts

ACCOUNT_EMAIL = "user@example.com"
ACCOUNT_PASSWORD = "password"  # noqa: S105 (the demo's, which listens on loopback only)
ACCOUNT_ID = "user"

USERS = ("alice", "bob", "carol", "user-123", "test", "123")
CONVERSATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "talk-123": (ACCOUNT_ID, "alice", "bob"),
        "conv-456": ("user-123", "alice", "bob"),
        "test-conv": ("test", "alice", "bob"),
        "1": ("123", "alice", "bob"),
        "general": (*USERS, ACCOUNT_ID),
    }
)

_BACKEND = Actor("demo", "Demo", "service")
_OPERATOR = Actor("demo", "Demo", "admin")


async def fill(chat: Chat, accounts: Accounts) -> None:
    """Makes what is not there yet."""
    if await chat.execute(_BACKEND, FindAccount(ACCOUNT_EMAIL)) is None:
        with contextlib.suppress(ChatError):  # somebody has that id already
            await accounts.create(_OPERATOR, ACCOUNT_EMAIL, ACCOUNT_PASSWORD, "Demo user", ACCOUNT_ID)
    for conversation_id, member_ids in CONVERSATIONS.items():
        if not await _exists(chat, conversation_id):
            await chat.execute(
                _BACKEND,
                CreateConversation("group", member_ids, conversation_id, conversation_id, owner_id=member_ids[0]),
            )


async def _exists(chat: Chat, conversation_id: str) -> bool:
    try:
        await chat.execute(_BACKEND, GetConversation(conversation_id))
    except ChatError:
        return False
    return True
