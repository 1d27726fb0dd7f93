"""The operators' console: lists of all users and conversations, and the devices of single users."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

from talkwire.core.commands.command import Page
from talkwire.core.commands.server.console import (
    BrowseConversations,
    BrowseUsers,
    ConversationRecord,
    EndConnection,
    EndLogin,
    GetPushState,
    GetTotals,
    ListLoginsOf,
    ListLostNodes,
    LostNode,
    PushState,
    Totals,
    UserRecord,
)
from talkwire.core.domain.access import must_be_trusted
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import LoginEnded
from talkwire.core.domain.model import Actor, LoginSession, User, is_valid_id
from talkwire.core.domain.pages import PAGE_MAX, key_of_cursor, list_cursor
from talkwire.core.domain.search.name_search import NameKey, found_part, search_name
from talkwire.core.domain.texts import NAME_MAX_LENGTH, check_id, check_text
from talkwire.core.features.users.handles import handle_prefix
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.stores import LOST_KEPT_MS
from talkwire.core.ports.transaction import Snapshot, Transaction

CONSOLE_TEXT_MAX_LENGTH = max(NAME_MAX_LENGTH, 255)
"""Longest text by which the console searches, in characters: long enough for a name, an id and an e-mail address."""


class AgeKey(NamedTuple):
    """The sort key of an entry in a list ordered by time of creation, in milliseconds since 1970. A cursor encodes the
    key of a page's last entry."""

    created_ms: int
    id: str


def browse_users(snapshot: Snapshot, actor: Actor, query: BrowseUsers) -> Page[UserRecord]:
    must_be_trusted(actor)
    text = _searched("q", query.text)
    after = None if query.cursor is None else key_of_cursor(query.cursor, NameKey)
    limit = _limit(query.limit)
    folded = search_name(text)
    users, next_ = snapshot.console.users(folded, after, limit, banned=query.banned)
    if after is None and text:
        others = {user.id: user for user in _unnamed(snapshot, text, limit) if _is_wanted(user, query.banned)}
        users = [*(user for user in others.values() if found_part(search_name(user.name), folded) is None), *users]
    return Page(tuple(_user_records(snapshot, users)), None if next_ is None else list_cursor(next_))


def _unnamed(snapshot: Snapshot, text: str, limit: int) -> list[User]:
    """Returns the users whose id or e-mail address is the text, or whose handle starts with it."""
    by_id = snapshot.user(text) if is_valid_id(text) else None
    account = snapshot.account_record(text.casefold()) if "@" in text else None
    prefix = handle_prefix(text)
    with_handles = () if prefix is None else snapshot.users_with_handles(prefix, limit)
    first = [user for user in (by_id, None if account is None else account.user) if user is not None]
    return [*first, *with_handles]


def _is_wanted(user: User, banned: bool | None) -> bool:  # noqa: FBT001 (a filter of three values)
    return banned is None or (user.banned and not user.erased) is banned


def _user_records(snapshot: Snapshot, users: Sequence[User]) -> list[UserRecord]:
    ids = [user.id for user in users]
    seen = snapshot.presence.records(ids)
    # No node has an empty id, so this finds the users who are connected to any node.
    online = snapshot.presence.connected_elsewhere(ids, "", snapshot.now_ms)
    return [
        UserRecord(user, seen[user.id].last_seen_ms if user.id in seen else None, user.id in online) for user in users
    ]


def browse_conversations(snapshot: Snapshot, actor: Actor, query: BrowseConversations) -> Page[ConversationRecord]:
    must_be_trusted(actor)
    text = _searched("q", query.text)
    limit = _limit(query.limit)
    if text:
        return _conversations_named(snapshot, query, text, limit)
    before = None if query.cursor is None else key_of_cursor(query.cursor, AgeKey)
    found = snapshot.console.conversations_by_age(query.kind, before, limit + 1)
    last = found[limit - 1].conversation if len(found) > limit else None
    return Page(tuple(found[:limit]), None if last is None else list_cursor((last.created_ms, last.id)))


def _conversations_named(
    snapshot: Snapshot, query: BrowseConversations, text: str, limit: int
) -> Page[ConversationRecord]:
    after = None if query.cursor is None else key_of_cursor(query.cursor, NameKey)
    items, next_ = snapshot.console.conversations_by_name(search_name(text), query.kind, after, limit)
    if after is None:
        by_id = snapshot.console.conversation(text) if is_valid_id(text) else None
        if by_id is not None and query.kind in {None, by_id.conversation.kind}:
            items = [by_id, *(each for each in items if each.conversation.id != text)]
    return Page(tuple(items), None if next_ is None else list_cursor(next_))


def _searched(name: str, text: str) -> str:
    check_text(name, text)
    if len(text) > CONSOLE_TEXT_MAX_LENGTH:
        raise invalid(name, f"must have at most {CONSOLE_TEXT_MAX_LENGTH} characters")
    return text.strip()


def _limit(limit: int) -> int:
    return max(1, min(limit, PAGE_MAX))


def get_totals(snapshot: Snapshot, actor: Actor, query: GetTotals) -> Totals:
    must_be_trusted(actor)
    return snapshot.console.totals()


def list_lost_nodes(snapshot: Snapshot, actor: Actor, query: ListLostNodes) -> tuple[LostNode, ...]:
    must_be_trusted(actor)
    return tuple(snapshot.console.lost_nodes(snapshot.now_ms - LOST_KEPT_MS, PAGE_MAX))


def get_push_state(snapshot: Snapshot, actor: Actor, query: GetPushState) -> PushState:
    must_be_trusted(actor)
    return snapshot.console.push_state(PAGE_MAX)


# --- devices and sockets of others ----------------------------------------------------------------------------------


def list_logins_of(snapshot: Snapshot, actor: Actor, query: ListLoginsOf) -> tuple[LoginSession, ...]:
    must_be_trusted(actor)
    check_id("userId", query.user_id)
    if snapshot.user(query.user_id) is None:
        raise ChatError("not_found", "No such user.")
    return tuple(snapshot.logins_of(query.user_id, snapshot.now_ms))


def check_end_login(command: EndLogin) -> None:
    check_id("userId", command.user_id)
    check_text("sessionId", command.session_id)


def end_login(tx: Transaction, actor: Actor, command: EndLogin) -> None:
    must_be_trusted(actor)
    session = tx.login(command.session_id)
    if session is None or session.user_id != command.user_id:
        raise ChatError("not_found", "This user has no such signed-in device.")
    tx.drop_login(session.id)
    tx.record(LoginEnded(tx.next_pos(), tx.now_ms, session.user_id, session.id))


def end_connection(tx: Transaction, actor: Actor, command: EndConnection) -> None:
    """Checks that the actor may close a socket of another user, and raises `forbidden` otherwise. Changes nothing: the
    caller closes the socket afterwards. It is a change so that the audit log gets an entry in the same transaction."""
    must_be_trusted(actor)


CHANGES: Changes = MappingProxyType(
    {
        EndLogin: ChangeHandler(end_login, check_end_login),
        EndConnection: ChangeHandler(end_connection),
    }
)

QUERIES: Queries = MappingProxyType(
    {
        BrowseUsers: browse_users,
        BrowseConversations: browse_conversations,
        GetTotals: get_totals,
        ListLostNodes: list_lost_nodes,
        GetPushState: get_push_state,
        ListLoginsOf: list_logins_of,
    }
)
