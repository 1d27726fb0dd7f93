"""Search for users and profiles. The setting `directory` decides which users others can find.

The backend and admins find everyone. Depending on the setting, other users find everyone, only users with whom they
share a conversation, or nobody. Members of a conversation always see each other in it, so they can also read each
other's profiles.
"""

from __future__ import annotations

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
from talkwire.core.domain.pages import PAGE_MAX, key_of_cursor, list_cursor
from talkwire.core.domain.search.name_search import NameKey, NamePage, found_part, search_name
from talkwire.core.domain.texts import NAME_MAX_LENGTH, check_id, check_text
from talkwire.core.features.users.handles import handle_prefix
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot

REACH_MAX = 2000
"""Largest total number of members in the searcher's conversations with which these members are searched directly.

Above it, a search reads users in the order of their names and keeps those who share a conversation: with so many
contacts, it finds enough of them soon.
"""

USERS_AT_ONCE = 500
"""Number of users that a search reads at once."""

USERS_EXAMINED_MAX = 5000
"""Most users that one request examines. A page may therefore be short or empty and still have a next page."""


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
    """Returns a user's profile, without e-mail address and metadata if it is of another user and the actor is an
    ordinary user. Raises `forbidden` for a user whom the actor may not see, whether that user exists or not; for actors
    who see everybody, `not_found` for an unknown user."""
    check_id("userId", query.user_id)
    is_own = actor.user_id == query.user_id
    if not (is_own or _sees_everybody(policy, actor)) and not _may_see(snapshot, actor, query.user_id):
        raise forbidden("not_found")
    user = snapshot.user(query.user_id)
    if user is None:
        raise ChatError("not_found", "No such user.")
    return user if is_own or actor.is_trusted else _as_others_see(user)


def search_users(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, query: SearchUsers) -> Page[User]:
    """Returns a page of the users in whose names a word starts with the query's text, sorted by the part of the name
    that begins with this word. Finds only users whom the setting `directory` lets the actor find.

    The first page begins with users whose id is the text or whose handle starts with it and whose names do not; then
    come up to `limit` users with whom the actor shares a conversation. Both are in addition to the page's limit.
    """
    check_text("query", query.text)
    if len(query.text) > NAME_MAX_LENGTH:
        raise invalid("query", f"must have at most {NAME_MAX_LENGTH} characters")
    after = None if query.cursor is None else key_of_cursor(query.cursor, NameKey)
    if policy.directory == "off" and not actor.is_trusted:
        return Page((), None)
    folded = search_name(query.text)
    limit = max(1, min(query.limit, PAGE_MAX))
    search = folded, after, limit
    users, next_ = _named(policy, snapshot, actor, search)
    contacts = _contacts_first(policy, snapshot, actor, search)
    users = [user for user in users if user.id not in contacts]
    if after is None:
        users = [*contacts.values(), *users]
        text = query.text.strip()
        others = [*_by_id(policy, snapshot, actor, text), *_by_handle(policy, snapshot, actor, text, limit)]
        unnamed = {user.id: user for user in others if found_part(search_name(user.name), folded) is None}
        users = [*unnamed.values(), *users]
    shown = users if actor.is_trusted else map(_as_others_see, users)
    return Page(tuple(shown), None if next_ is None else list_cursor(next_))


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


def _may_see(snapshot: Snapshot, actor: Actor, user_id: str) -> bool:
    """Returns whether a user shares a conversation with the actor, or is somebody whose id a desk shows the actor."""
    return bool(_known_to(snapshot, actor, [user_id])) or snapshot.teams.serves(user_id, actor.user_id)


_Search = tuple[str, NameKey | None, int]
"""Triple of a search's folded text (`search_name`), the key to continue after, and the maximum number of users."""


def _named(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, search: _Search) -> NamePage[User]:
    """Returns a page of the users that the search's text finds by their names and whom the actor may find."""
    text, after, limit = search
    if _sees_everybody(policy, actor):
        return snapshot.users_named(text, after, limit, only_offered=not actor.is_trusted)
    contacts = snapshot.contacts_named(actor.user_id, REACH_MAX, text, after, limit)
    return _contacts_among_all(snapshot, actor, search) if contacts is None else contacts


def _contacts_first(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, search: _Search) -> dict[str, User]:
    """Returns id -> user of the users that the first page shows before all others: the first ones with whom the actor
    shares a conversation, unless there are too many to search."""
    text, _, limit = search
    if actor.is_trusted or policy.directory != "everyone":
        return {}
    found = snapshot.contacts_named(actor.user_id, REACH_MAX, text, None, limit)
    return {} if found is None else {user.id: user for user in found.items}


def _contacts_among_all(snapshot: Snapshot, actor: Actor, search: _Search) -> NamePage[User]:
    text, after, limit = search
    found: list[User] = []
    for _ in range(USERS_EXAMINED_MAX // USERS_AT_ONCE):
        users, after = snapshot.users_named(text, after, USERS_AT_ONCE, only_offered=True)
        known = _known_to(snapshot, actor, [user.id for user in users])
        found += [user for user in users if user.id in known]
        if len(found) > limit:
            last = found[limit - 1]
            part = found_part(search_name(last.name), text)
            return NamePage(found[:limit], NameKey(part or "", last.id))
        if after is None:
            break
    return NamePage(found, after)


def _by_id(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, user_id: str) -> list[User]:
    user = snapshot.user(user_id) if is_valid_id(user_id) else None
    return [] if user is None else _found_by(policy, snapshot, actor, [user])


def _by_handle(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, text: str, limit: int) -> list[User]:
    prefix = handle_prefix(text)
    if prefix is None:
        return []
    most = limit if _sees_everybody(policy, actor) else USERS_AT_ONCE
    return _found_by(policy, snapshot, actor, snapshot.users_with_handles(prefix, most))[:limit]


def _found_by(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, users: Sequence[User]) -> list[User]:
    """Returns those of the users whom the actor may find: all for the backend and admins, otherwise users who are
    offered (`User.is_offered`) and whom the setting `directory` lets the actor see."""
    found = [user for user in users if actor.is_trusted or user.is_offered]
    if found and not _sees_everybody(policy, actor):
        known = _known_to(snapshot, actor, [user.id for user in found])
        found = [user for user in found if user.id in known]
    return found


def _as_others_see(user: User) -> User:
    return msgspec.structs.replace(user, email=None, metadata=None)
