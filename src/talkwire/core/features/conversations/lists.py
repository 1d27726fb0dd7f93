"""Lists conversations: the actor's own, and for the backend and admins those of all users; all of them, or those that
filters select.

A cursor continues only the list and the order that it comes from:

- A number continues the actor's own conversations without filters and order. `sync` returns such cursors too.
- `after:` with an id continues a list of all users' conversations in the order of ids.
- Any other cursor names its list and order (`list_cursor`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

from talkwire.core.commands.command import Page
from talkwire.core.commands.conversations import ConversationView, ListConversations, ListOrder
from talkwire.core.domain.access import must_be_trusted
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import Actor, Conversation
from talkwire.core.domain.pages import PAGE_MAX, key_of_cursor, list_cursor
from talkwire.core.domain.search.metadata_keys import METADATA_KEY_MAX_LENGTH, VALUE_MAX_LENGTH, KeyedText, text_of
from talkwire.core.domain.search.search_terms import SearchTerms, terms_of
from talkwire.core.domain.texts import check_id, check_text
from talkwire.core.features.conversations.archive import archived_of
from talkwire.core.features.conversations.conversations import views_of
from talkwire.core.ports.handler import Queries
from talkwire.core.ports.stores import ConversationFilter, ListPlace
from talkwire.core.ports.transaction import Snapshot

NAMES_EXAMINED_MAX = 5000
"""Most conversation names that one request compares. A page may be short or empty and still have a next page."""

_AFTER = "after:"

Place = TypeVar("Place")


class _Source(NamedTuple, Generic[Place]):
    """Where the conversations of a page come from. `read` returns at most a number of conversations after a place in
    the list, each with its own place. The page begins after the place `after`, None for the first page. `cursor_of`
    returns the cursor of a place."""

    read: Callable[[Place | None, int], Sequence[tuple[Conversation, Place]]]
    after: Place | None
    cursor_of: Callable[[Place], str]


def queries(policy: AccessPolicy) -> Queries:
    """Returns the handler of the query. It uses the operator's `policy`, which contains the setting
    `conversation_keys`."""
    return MappingProxyType({ListConversations: partial(list_conversations, policy)})


def list_conversations(
    policy: AccessPolicy, snapshot: Snapshot, actor: Actor, query: ListConversations
) -> Page[ConversationView]:
    """Returns a page of the actor's own conversations. If the query asks for those of all users, which only the backend
    and admins may do, returns a page of these. Of a team's conversations, the backend and admins list all, and other
    users those in which they are.

    A cursor from a page of the actor's own conversations continues that list, even if the query asks for those of all
    users without filters and order: clients use the cursors of `sync` with either list.
    """
    is_own = not (query.of_everybody or query.member_id is not None or query.text is not None)
    is_own = is_own and not (query.team_id is not None and actor.is_trusted)
    if not is_own:
        must_be_trusted(actor)
    is_plain = _is_plain(query)
    if is_plain and (is_own or (query.cursor is not None and not query.cursor.startswith(_AFTER))):
        return own_conversations(snapshot, actor, query)
    wanted = _filter_of(actor, query)
    if query.metadata is not None:
        wanted = wanted._replace(keyed=_keyed(policy, snapshot, query.metadata))
    if is_own:
        wanted = wanted._replace(member_id=actor.user_id, as_member=True, archived=query.archived is True)
        return _own_page(snapshot, actor, query, _in_order(snapshot, wanted, query.order or "updatedAt", query.cursor))
    if query.order is not None:
        return _page_of_all(snapshot, actor, query, _in_order(snapshot, wanted, query.order, query.cursor))
    return _page_of_all(snapshot, actor, query, _by_id(snapshot, None if is_plain else wanted, query))


def own_conversations(snapshot: Snapshot, actor: Actor, query: ListConversations) -> Page[ConversationView]:
    """Returns a page of all conversations of the actor, the one with the newest message or offer first. Of the query,
    only the cursor, the limits and `archived` apply."""
    if query.cursor is not None and not (query.cursor.isascii() and query.cursor.isdigit() and len(query.cursor) < 19):
        raise _wrong_cursor()
    before = None if query.cursor is None else int(query.cursor)

    def read(before: int | None, limit: int) -> Sequence[tuple[Conversation, int]]:
        return snapshot.conversations_of(actor.user_id, before, limit, archived=query.archived is True)

    return _own_page(snapshot, actor, query, _Source(read, before, str))


# --- what a query selects ---------------------------------------------------------------------------------------------

_SELECTING: Mapping[str, str] = MappingProxyType(
    {"team_id": "teamId", "handler": "handler", "state": "state", "order": "order", "metadata": "metadata"}
)
"""Names for clients of a query's fields that select or sort conversations by `ConversationLists`, by the field."""


def check_public(query: ListConversations) -> None:
    """Raises `invalid_request` if a query that searches public conversations by name has a filter or an order, which
    such a search lacks."""
    for field, name in _SELECTING.items():
        if getattr(query, field) is not None:
            raise invalid(name, 'cannot be combined with "query"')


def _is_plain(query: ListConversations) -> bool:
    return all(getattr(query, field) is None for field in _SELECTING)


def _filter_of(actor: Actor, query: ListConversations) -> ConversationFilter:
    """Returns the conditions of a query. Raises `invalid_request` for a filter that selects nothing by its form."""
    handler_id = actor.user_id if query.handler == "me" else query.handler
    if query.handler == "me" and actor.is_service:
        raise invalid("handler", '"me" is a user: the back end names the id of one')
    for path, id_ in (("teamId", query.team_id), ("memberId", query.member_id), ("handler", handler_id)):
        if id_ is not None:
            check_id(path, id_)
    return ConversationFilter(
        member_id=query.member_id,
        team_id=query.team_id,
        handler_id=None if query.handler == "none" else handler_id,
        is_unhandled=query.handler == "none",
        closed=None if query.state is None else query.state == "closed",
    )


def _keyed(policy: AccessPolicy, snapshot: Snapshot, metadata: Mapping[str, str | float]) -> KeyedText:
    """Returns the key and the text of a filter on metadata. Raises `invalid_request` for a key that lists cannot be
    filtered by or a value that is too long, and `unavailable` until all conversations are indexed by the key."""
    if len(metadata) != 1:
        raise invalid("metadata", "must have exactly one key")
    ((key, value),) = metadata.items()
    path = f"metadata.{key[:METADATA_KEY_MAX_LENGTH]}"
    if key not in policy.conversation_keys:
        known = ", ".join(policy.conversation_keys) or "none"
        raise invalid(path, f"is not one of the keys that the setting conversation_keys names: {known}")
    text = text_of(value)
    if text is None:
        raise invalid(path, f"must have at most {VALUE_MAX_LENGTH} characters")
    check_text(path, text)
    if not snapshot.lists.is_indexed(key):
        raise ChatError("unavailable", f"{path}: the conversations are being indexed by this key. Try again later.")
    return KeyedText(key, text)


# --- places in a list -------------------------------------------------------------------------------------------------


def _by_id(snapshot: Snapshot, wanted: ConversationFilter | None, query: ListConversations) -> _Source[str]:
    """Returns the list of all users' conversations in the order of ids: those that `wanted` selects, or with None those
    of the query's member."""
    if query.cursor is not None and not query.cursor.startswith(_AFTER):
        raise _wrong_cursor()
    after_id = None if query.cursor is None else query.cursor.removeprefix(_AFTER)
    for path, id_ in (("cursor", after_id), ("memberId", query.member_id)):
        if id_ is not None:
            check_id(path, id_)

    def read(after_id: str | None, limit: int) -> Sequence[tuple[Conversation, str]]:
        if wanted is None:
            found = snapshot.all_conversations(query.member_id, after_id, limit)
        else:
            found = snapshot.lists.by_id(wanted, after_id, limit)
        return [(each, each.id) for each in found]

    return _Source(read, after_id, lambda id_: _AFTER + id_)


def _in_order(
    snapshot: Snapshot, wanted: ConversationFilter, order: ListOrder, cursor: str | None
) -> _Source[ListPlace]:
    name = f"{'own' if wanted.as_member else 'all'} {order}"

    def read(after: ListPlace | None, limit: int) -> Sequence[tuple[Conversation, ListPlace]]:
        return snapshot.lists.in_order(wanted, order, after, limit)

    after = None if cursor is None else _place_in(cursor, name)
    return _Source(read, after, lambda place: list_cursor((name, *place)))


def _place_in(cursor: str, name: str) -> ListPlace:
    """Returns the place that a cursor encodes. Raises `invalid_request` unless it is of the list and order `name`."""
    of_list, waiting_ms, pos, id_ = key_of_cursor(cursor, tuple[str, int, int, str])
    if of_list != name:
        raise _wrong_cursor()
    return ListPlace(waiting_ms, pos, id_)


def _wrong_cursor() -> ChatError:
    return invalid("cursor", "is not a cursor of this list")


# --- pages ------------------------------------------------------------------------------------------------------------


def _limit_of(query: ListConversations) -> int:
    return max(1, min(query.limit, PAGE_MAX))


def _own_page(
    snapshot: Snapshot, actor: Actor, query: ListConversations, source: _Source[Place]
) -> Page[ConversationView]:
    """Returns a page of the actor's conversations. The database does not store which of them are archived, so several
    reads may be needed to fill the page if the query selects these or the others."""
    limit = _limit_of(query)
    read, after, cursor_of = source
    shown: list[tuple[Conversation, Place]] = []
    while True:
        found = read(after, limit + 1)
        shown += found if query.archived is None else _archived(snapshot, actor.user_id, found, wanted=query.archived)
        if len(found) <= limit or len(shown) > limit:
            break
        after = found[-1][1]
    page = shown[:limit]
    views = views_of(snapshot, actor.user_id, [each for each, _ in page], members_max=query.members_max)
    return Page(tuple(views), cursor_of(page[-1][1]) if len(shown) > limit else None)


def _archived(
    snapshot: Snapshot, user_id: str, found: Sequence[tuple[Conversation, Place]], *, wanted: bool
) -> list[tuple[Conversation, Place]]:
    """Returns those of the user's conversations that are archived, or with `wanted` False the others."""
    conversations = [each for each, _ in found]
    members = snapshot.memberships(user_id, [each.id for each in conversations])
    ids = archived_of(snapshot, user_id, conversations, members)
    return [each for each in found if (each[0].id in ids) is wanted]


def _page_of_all(
    snapshot: Snapshot, actor: Actor, query: ListConversations, source: _Source[Place]
) -> Page[ConversationView]:
    """Returns a page of all users' conversations whose names contain the words of the query's text."""
    limit = _limit_of(query)
    read, after, cursor_of = source
    terms = terms_of("query", query.text) if query.text is not None and query.text.strip() else SearchTerms(())
    most = NAMES_EXAMINED_MAX if terms.phrases else limit + 1
    examined = read(after, most)
    matching = (each for each in examined if not terms.phrases or _is_named(each[0], terms))
    found = list(islice(matching, limit + 1))
    views = views_of(snapshot, actor.user_id, [each for each, _ in found[:limit]], members_max=query.members_max)
    if len(found) > limit:
        return Page(tuple(views), cursor_of(found[limit - 1][1]))
    return Page(tuple(views), cursor_of(examined[-1][1]) if len(examined) == NAMES_EXAMINED_MAX else None)


def _is_named(conversation: Conversation, terms: SearchTerms) -> bool:
    return conversation.name is not None and terms.are_in(conversation.name)
