"""Search for users and profiles. The setting `directory` decides which users others can find.

The backend and admins find everyone. Depending on the setting, other users find everyone, only users with whom they
share a conversation, or nobody. Members of a conversation always see each other in it, so they can also read each
other's profiles.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from functools import partial
from types import MappingProxyType

import msgspec

from talkwire.core.commands.accounts import GetUser, SearchUsers
from talkwire.core.commands.blocks import ListBlocked
from talkwire.core.commands.command import Page
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.model import Actor, User, is_valid_id
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.domain.texts import NAME_MAX_LENGTH, check_id, check_text
from talkwire.core.features.users.handles import handle_prefix
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot

REACH_MAX = 2000
"""The maximum total number of members in the searcher's conversations for searching these members directly.

Above it, a search reads users in the order of their names and keeps those who share a conversation: with so many
contacts, it finds enough of them soon.
"""

BLOCK = 500
EFFORT_MAX = 5000
"""How many users one request examines. A page may therefore be short or empty and still have a next page."""

_NameKey = tuple[str, str]


def queries(policy: AccessPolicy) -> Queries:
    """Returns the handlers of the queries that show users to others. They use the operator's `policy`, which contains
    the setting `directory`."""
    return MappingProxyType(
        {
            GetUser: partial(get_user, policy),
            SearchUsers: partial(search_users, policy),
            ListBlocked: partial(list_blocked, policy),
        }
    )


def get_user(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, query: GetUser) -> User:
    """Returns a user's profile, without e-mail address and metadata for other ordinary users. Raises `forbidden` for a
    user whom the actor may not see, even if that user does not exist."""
    check_id("userId", query.user_id)
    is_own = actor.user_id == query.user_id
    if not (is_own or _sees_everybody(policy, actor)) and not _known_to(snapshot, actor, [query.user_id]):
        raise forbidden()
    user = snapshot.user(query.user_id)
    if user is None:
        raise ChatError("not_found", "No such user.")
    return user if is_own or actor.is_trusted else _as_others_see(user)


def search_users(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, query: SearchUsers) -> Page[User]:
    """Returns a page of users whose names start with the query's text, in the order of names.

    A user whose id is the text comes first, then users whose handles start with the text and whose names do not.
    """
    check_text("query", query.text)
    if len(query.text) > NAME_MAX_LENGTH:
        raise invalid("query", f"must have at most {NAME_MAX_LENGTH} characters")
    after = None if query.cursor is None else _key_in(query.cursor)
    if policy.directory == "off" and not actor.is_trusted:
        return Page((), None)
    prefix = query.text.strip().casefold()
    limit = max(1, min(query.limit, PAGE_MAX))
    search = prefix, after, limit
    users, next_ = _named(policy, snapshot, actor, search)
    if after is None:
        others = [*_by_id(policy, snapshot, actor, query.text.strip()), *_by_handle(policy, snapshot, actor, search)]
        unnamed = {user.id: user for user in others if not user.name.casefold().startswith(prefix)}
        users = [*unnamed.values(), *users]
    shown = users if actor.is_trusted else map(_as_others_see, users)
    return Page(tuple(shown), None if next_ is None else _cursor_of(next_))


def list_blocked(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, query: ListBlocked) -> Page[User]:
    """Returns a page of the users whom the actor has blocked, in the order of ids. Of users whom the actor may not see,
    only the id is returned."""
    if query.cursor is not None:
        check_id("cursor", query.cursor)
    limit = max(1, min(query.limit, PAGE_MAX))
    found = snapshot.blocked_by(actor.user_id, query.cursor, limit + 1)
    users = found[:limit]
    known = {user.id for user in users}
    if not _sees_everybody(policy, actor):
        known = set(_known_to(snapshot, actor, [user.id for user in users]))
    shown = tuple(_as_others_see(user) if user.id in known else User(user.id, user.id, 0) for user in users)
    return Page(shown, users[-1].id if len(found) > limit else None)


def _sees_everybody(policy: AccessPolicy, actor: Actor) -> bool:
    return actor.is_trusted or policy.directory == "everyone"


def _known_to(snapshot: Snapshot, actor: Actor, user_ids: Sequence[str]) -> set[str]:
    return set(snapshot.sharing_with(actor.user_id, user_ids))


_Search = tuple[str, _NameKey | None, int]
"""A search's name prefix, the (name, id) to continue after, and the maximum number of users."""


def _named(
    policy: AccessPolicy, snapshot: Snapshot, actor: Actor, search: _Search
) -> tuple[list[User], _NameKey | None]:
    """Returns a page of the users whose names start with the search's prefix and whom the actor may find, and the
    (name, id) after which the next page starts, or None."""
    prefix, after, limit = search
    if _sees_everybody(policy, actor):
        return _page(snapshot.users_named(prefix, after, limit + 1, with_banned=actor.is_trusted), limit)
    contacts = snapshot.contacts_named(actor.user_id, REACH_MAX, prefix, after, limit + 1)
    if contacts is not None:
        return _page(contacts, limit)
    return _contacts_among_all(snapshot, actor, search)


def _contacts_among_all(snapshot: Snapshot, actor: Actor, search: _Search) -> tuple[list[User], _NameKey | None]:
    prefix, after, limit = search
    found: list[User] = []
    for _ in range(EFFORT_MAX // BLOCK):
        users = snapshot.users_named(prefix, after, BLOCK)
        known = _known_to(snapshot, actor, [user.id for user in users])
        found += [user for user in users if user.id in known]
        if len(found) > limit or len(users) < BLOCK:
            return _page(found, limit)
        after = _key_of(users[-1])
    return found, after


def _page(found: Sequence[User], limit: int) -> tuple[list[User], _NameKey | None]:
    """Returns the first `limit` of the found users, and the (name, id) after which the next page starts; None if
    `found` has no more."""
    page = list(found[:limit])
    return page, _key_of(page[-1]) if len(found) > limit else None


def _by_id(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, user_id: str) -> list[User]:
    user = snapshot.user(user_id) if is_valid_id(user_id) else None
    return [] if user is None else _found_by(policy, snapshot, actor, [user])


def _by_handle(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, search: _Search) -> list[User]:
    text, _, limit = search
    prefix = handle_prefix(text)
    if prefix is None:
        return []
    most = limit if _sees_everybody(policy, actor) else BLOCK
    return _found_by(policy, snapshot, actor, snapshot.users_with_handles(prefix, most))[:limit]


def _found_by(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, users: Sequence[User]) -> list[User]:
    """Returns those of the users whom the actor may find; banned users only for the backend and admins."""
    found = [user for user in users if actor.is_trusted or not user.banned]
    if found and not _sees_everybody(policy, actor):
        known = _known_to(snapshot, actor, [user.id for user in found])
        found = [user for user in found if user.id in known]
    return found


def _as_others_see(user: User) -> User:
    return msgspec.structs.replace(user, email=None, metadata=None)


def _key_of(user: User) -> _NameKey:
    return user.name.casefold(), user.id


def _cursor_of(key: _NameKey) -> str:
    """Returns a cursor that contains the casefolded name and the id of a user; it stays valid when the user is
    renamed."""
    return urlsafe_b64encode(msgspec.json.encode(key)).decode()


def _key_in(cursor: str) -> _NameKey:
    try:
        name, user_id = msgspec.json.decode(urlsafe_b64decode(cursor), type=_NameKey)
        check_text("cursor", name + user_id)
    except (ValueError, ChatError):
        raise invalid("cursor", "is not a cursor of this list") from None
    return name, user_id
