"""Which users a user finds and sees, by the setting `directory`.

The back end and admins find everybody. Others find everybody, those with whom they share a conversation, or nobody.
Whoever shares a conversation of any kind and size sees the other there as a member, so this is the one rule here too.
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
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.transaction import Snapshot

REACH_MAX = 2000
"""Members of all the searcher's conversations together, up to which these are looked through. Beyond that, users are
looked through in the order of their names: many of them are found then."""

BLOCK = 500
EFFORT_MAX = 5000
"""One request looks at so many users: a page may be short, or empty, and still have more behind it."""

_Place = tuple[str, str]


def queries(policy: AccessPolicy) -> Queries:
    """The queries that show users to others, as the policy allows them."""
    return MappingProxyType(
        {
            GetUser: partial(get_user, policy),
            SearchUsers: partial(search_users, policy),
            ListBlocked: partial(list_blocked, policy),
        }
    )


def get_user(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, query: GetUser) -> User:
    """Raises `forbidden` for a user whom the actor may not see, whether there is one or not."""
    check_id("userId", query.user_id)
    is_own = actor.user_id == query.user_id
    if not (is_own or _sees_everybody(policy, actor)) and not _known_to(snapshot, actor, [query.user_id]):
        raise forbidden()
    user = snapshot.user(query.user_id)
    if user is None:
        raise ChatError("not_found", "No such user.")
    return user if is_own or actor.is_trusted else _as_others_see(user)


def search_users(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, query: SearchUsers) -> Page[User]:
    """Users by the beginning of their name, in its order; before them the one whose id was given."""
    check_text("query", query.text)
    if len(query.text) > NAME_MAX_LENGTH:
        raise invalid("query", f"must have at most {NAME_MAX_LENGTH} characters")
    after = None if query.cursor is None else _place_of(query.cursor)
    if policy.directory == "off" and not actor.is_trusted:
        return Page((), None)
    prefix = query.text.strip().casefold()
    limit = max(1, min(query.limit, PAGE_MAX))
    users, next_ = _named(policy, snapshot, actor, (prefix, after, limit))
    by_id = _by_id(policy, snapshot, actor, query.text.strip()) if after is None else None
    if by_id is not None and by_id not in users and not by_id.name.casefold().startswith(prefix):
        users = [by_id, *users]
    shown = users if actor.is_trusted else map(_as_others_see, users)
    return Page(tuple(shown), None if next_ is None else _cursor_at(next_))


def list_blocked(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, query: ListBlocked) -> Page[User]:
    """Whom the actor has blocked, by id. Of those whom the actor may not see there is the id only."""
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


_Asked = tuple[str, _Place | None, int]
"""The beginning of a name, after which place in the order of names, and how many."""


def _named(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, asked: _Asked) -> tuple[list[User], _Place | None]:
    """Returns a page of users, and the place to continue behind."""
    prefix, after, limit = asked
    if _sees_everybody(policy, actor):
        return _page(snapshot.users_named(prefix, after, limit + 1, with_banned=actor.is_trusted), limit)
    contacts = snapshot.contacts_named(actor.user_id, REACH_MAX, prefix, after, limit + 1)
    if contacts is not None:
        return _page(contacts, limit)
    return _contacts_among_all(snapshot, actor, asked)


def _contacts_among_all(snapshot: Snapshot, actor: Actor, asked: _Asked) -> tuple[list[User], _Place | None]:
    prefix, after, limit = asked
    found: list[User] = []
    for _ in range(EFFORT_MAX // BLOCK):
        users = snapshot.users_named(prefix, after, BLOCK)
        known = _known_to(snapshot, actor, [user.id for user in users])
        found += [user for user in users if user.id in known]
        if len(found) > limit or len(users) < BLOCK:
            return _page(found, limit)
        after = _place(users[-1])
    return found, after


def _page(found: Sequence[User], limit: int) -> tuple[list[User], _Place | None]:
    """One more than the limit says that there is another page."""
    page = list(found[:limit])
    return page, _place(page[-1]) if len(found) > limit else None


def _by_id(policy: AccessPolicy, snapshot: Snapshot, actor: Actor, user_id: str) -> User | None:
    user = snapshot.user(user_id) if is_valid_id(user_id) else None
    if user is None or (user.banned and not actor.is_trusted):
        return None
    return user if _sees_everybody(policy, actor) or _known_to(snapshot, actor, [user_id]) else None


def _as_others_see(user: User) -> User:
    return msgspec.structs.replace(user, email=None, metadata=None)


def _place(user: User) -> _Place:
    return user.name.casefold(), user.id


def _cursor_at(place: _Place) -> str:
    """Names a place in the order of names, which stays valid when its user gets another name."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode()


def _place_of(cursor: str) -> _Place:
    try:
        name, user_id = msgspec.json.decode(urlsafe_b64decode(cursor), type=_Place)
        check_text("cursor", name + user_id)
    except (ValueError, ChatError):
        raise invalid("cursor", "is not a cursor of this list") from None
    return name, user_id
