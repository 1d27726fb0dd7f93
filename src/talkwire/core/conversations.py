"""Direct conversations, groups and channels: opened, changed, deleted, listed. Who is in them is in `members.py`."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from msgspec import UNSET
from msgspec.structs import asdict, replace

from talkwire.core.access import as_seen, blocked, history_for, may_delete, require
from talkwire.core.commands.command import Page
from talkwire.core.commands.conversations import (
    ConversationView,
    CreateConversation,
    DeleteConversation,
    GetConversation,
    ListConversations,
    MemberView,
    UpdateConversation,
)
from talkwire.core.errors import ChatError, forbidden, invalid
from talkwire.core.events import ConversationCreated, ConversationDeleted, ConversationUpdated
from talkwire.core.handler import ChangeHandler, Changes, Queries
from talkwire.core.members import (
    check_user_ids,
    check_users,
    find_conversation,
    make_unknown_users,
    newcomer,
    require_actor,
    require_managed,
)
from talkwire.core.messages import PAGE_MAX
from talkwire.core.model import (
    MESSAGE_ID_BASE,
    OWN_ID_BASE,
    WHOLE,
    Actor,
    Conversation,
    ConversationKind,
    Member,
    Message,
    is_own_id,
)
from talkwire.core.texts import check_avatar, check_id, check_metadata, check_name
from talkwire.core.transaction import Snapshot, Transaction

SLOW_MODE_MAX_S = 24 * 3600


# --- opening --------------------------------------------------------------------------------------------------------


def check_create(command: CreateConversation) -> None:
    """Refuses at the door what could not be a conversation."""
    _check_fields(command)
    _check_kind(command.kind, command)
    if command.id is not None:
        check_id("id", command.id)
        if is_own_id(command.id):
            raise invalid("id", "lies in the range of ids that the server gives out")
    check_user_ids("memberIds", command.member_ids)


def create_conversation(tx: Transaction, actor: Actor, command: CreateConversation) -> ConversationView:
    """Opens a conversation. The actor is a member too, except the application's backend, which names all of them."""
    require_actor(tx, actor)
    _may_create(actor, command)
    check_users(tx, actor, command.member_ids, "memberIds")
    user_ids = list(dict.fromkeys(command.member_ids))
    if not actor.is_service and actor.user_id not in user_ids:
        user_ids.insert(0, actor.user_id)
    if command.kind == "direct":
        existing = _existing_direct(tx, user_ids)
        if existing is not None:
            return _view_with_members(tx, existing, actor, user_ids)
    if command.id is not None and tx.conversation(command.id) is not None:
        raise ChatError("conflict", "A conversation with this id exists.")
    make_unknown_users(tx, user_ids)
    conversation = _new_conversation(command, user_ids, tx.next_pos(), tx.now_ms)
    members = tuple(
        newcomer(conversation, user_id, "owner" if user_id == conversation.owner_id else "member", tx.now_ms)
        for user_id in user_ids
    )
    by = "" if actor.is_service else actor.user_id
    tx.record(ConversationCreated(tx.next_pos(), tx.now_ms, conversation, members, by))
    return _view_with_members(tx, conversation, actor, user_ids)


def _may_create(actor: Actor, command: CreateConversation) -> None:
    if not actor.is_service and command.id is not None:
        raise ChatError("forbidden", "Only the application's backend gives conversations ids of its own.")
    if actor.is_service and not command.member_ids:
        raise invalid("memberIds", "must name every member")


def _existing_direct(tx: Transaction, user_ids: Sequence[str]) -> Conversation | None:
    """The one conversation of a pair. Raises `blocked` where there is none and may be none."""
    if len(user_ids) != 2:
        raise invalid("memberIds", "a direct conversation has exactly two members")
    one, other = user_ids
    existing = tx.direct_conversation(one, other)
    if existing is None and (tx.has_blocked(one, other) or tx.has_blocked(other, one)):
        raise blocked()
    return existing


def _new_conversation(command: CreateConversation, user_ids: Sequence[str], pos: int, now_ms: int) -> Conversation:
    return Conversation(
        id=command.id or str(OWN_ID_BASE + pos),
        kind=command.kind,
        name=command.name,
        owner_id=None if command.kind == "direct" else user_ids[0],
        member_count=len(user_ids),
        last_seq=0,
        created_ms=now_ms,
        updated_ms=now_ms,
        avatar=command.avatar,
        public=command.public,
        history=command.history,
        slow_mode_s=command.slow_mode_s,
        metadata=command.metadata,
        last_pos=pos,
        active_pos=pos,
    )


def _view_with_members(
    tx: Transaction, conversation: Conversation, actor: Actor, user_ids: Sequence[str]
) -> ConversationView:
    users = tx.users(user_ids)
    members = tx.members(conversation.id, user_ids)
    views = tuple(
        MemberView(members[user_id], users[user_id].name, users[user_id].avatar)
        for user_id in user_ids
        if user_id in members and user_id in users
    )
    return _view_for(tx, conversation, actor, views)


def _view_for(
    tx: Transaction, conversation: Conversation, actor: Actor, members: tuple[MemberView, ...] | None
) -> ConversationView:
    name, avatar = _shown_as(conversation, members or (), actor.user_id)
    reader = tx.member(conversation.id, actor.user_id)
    unread = None if reader is None else tx.unread(conversation.id, actor.user_id)
    return ConversationView(
        conversation, name, avatar, _last_message(tx, conversation, reader), members, reader, unread
    )


def _last_message(tx: Transaction, conversation: Conversation, reader: Member | None) -> Message | None:
    history = WHOLE if reader is None else reader.history
    if conversation.last_seq <= history.seq:
        return None
    message = tx.message(MESSAGE_ID_BASE + conversation.active_pos)
    return None if message is None else as_seen(message, history)


# --- changing and deleting ------------------------------------------------------------------------------------------


def check_update(command: UpdateConversation) -> None:
    check_id("conversationId", command.conversation_id)
    _check_fields(command)


def update_conversation(tx: Transaction, actor: Actor, command: UpdateConversation) -> ConversationView:
    """Changes what a group or channel is called and how it is run; nothing happens when nothing is different."""
    require_actor(tx, actor)
    conversation = require_managed(tx, actor, command.conversation_id)
    _check_kind(conversation.kind, command)
    given = {name: value for name, value in asdict(command).items() if value is not UNSET}
    del given["conversation_id"]
    if replace(conversation, **given) != conversation:
        conversation = replace(conversation, **given, updated_ms=tx.now_ms, last_pos=tx.next_pos())
        tx.record(ConversationUpdated(tx.next_pos(), tx.now_ms, conversation))
    return _view_for(tx, conversation, actor, None)


def _check_fields(command: CreateConversation | UpdateConversation) -> None:
    if isinstance(command.name, str):
        check_name("name", command.name)
    if isinstance(command.avatar, str):
        check_avatar("avatar", command.avatar)
    if isinstance(command.metadata, dict):
        check_metadata("metadata", command.metadata)
    if isinstance(command.slow_mode_s, int) and not 0 <= command.slow_mode_s <= SLOW_MODE_MAX_S:
        raise invalid("slowModeS", f"must be 0 to {SLOW_MODE_MAX_S} seconds")


def _check_kind(kind: ConversationKind, command: CreateConversation | UpdateConversation) -> None:
    """What only some kinds have."""
    if kind != "channel" and command.public is True:
        raise invalid("public", "only a channel is public")
    if kind == "direct":
        if isinstance(command.name, str):
            raise invalid("name", "a direct conversation is named after the other member")
        if isinstance(command.avatar, str):
            raise invalid("avatar", "a direct conversation looks like the other member")
        if command.slow_mode_s:
            raise invalid("slowModeS", "a direct conversation has no slow mode")
        if command.history == "from-join":
            raise invalid("history", "both were in a direct conversation from the start")


def check_delete(command: DeleteConversation) -> None:
    check_id("conversationId", command.conversation_id)


def delete_conversation(tx: Transaction, actor: Actor, command: DeleteConversation) -> None:
    """Nobody is in it any more, and its messages are nobody's to see."""
    require_actor(tx, actor)
    conversation = find_conversation(tx, command.conversation_id)
    require(may_delete(actor, conversation, tx.member(command.conversation_id, actor.user_id)))
    tx.record(ConversationDeleted(tx.next_pos(), tx.now_ms, command.conversation_id, actor.user_id))


# --- reading --------------------------------------------------------------------------------------------------------


def get_conversation(snapshot: Snapshot, actor: Actor, query: GetConversation) -> ConversationView:
    """One conversation with all its members."""
    check_id("conversationId", query.conversation_id)
    history_for(snapshot, actor, query.conversation_id)
    conversation = snapshot.conversation(query.conversation_id)
    if conversation is None or conversation.deleted_ms is not None:
        raise forbidden()
    return views_of(snapshot, actor.user_id, [conversation], members_max=conversation.member_count)[0]


def list_conversations(snapshot: Snapshot, actor: Actor, query: ListConversations) -> Page[ConversationView]:
    """The actor's conversations, newest message first; an operator's list has everyone's."""
    if query.cursor is not None and not (query.cursor.isascii() and query.cursor.isdigit() and len(query.cursor) < 19):
        raise invalid("cursor", "is not a cursor of this list")
    limit = max(1, min(query.limit, PAGE_MAX))
    user_id = None if actor.role == "admin" else actor.user_id
    before = None if query.cursor is None else int(query.cursor)
    found = snapshot.conversations_of(user_id, before, limit + 1)
    shown = found[:limit]
    views = views_of(
        snapshot, actor.user_id, [conversation for conversation, _ in shown], members_max=query.members_max
    )
    return Page(tuple(views), str(shown[-1][1]) if len(found) > limit else None)


def views_of(
    snapshot: Snapshot, reader_id: str, conversations: Sequence[Conversation], *, members_max: int = 0
) -> list[ConversationView]:
    """Conversations as one reader sees them, by a statement a table however many they are; direct ones, and those with
    at most `members_max` members, together with them."""
    ids = [conversation.id for conversation in conversations]
    readers = snapshot.memberships(reader_id, ids)
    unread = snapshot.unreads.of([(id_, reader_id) for id_ in readers])
    last = snapshot.last_messages(conversations)
    # A direct one is named after the other member: both are read anyway.
    shown = {c.id for c in conversations if c.kind == "direct" or c.member_count <= members_max}
    members = snapshot.members_of(sorted(shown))
    views = []
    for conversation in conversations:
        listed = tuple(members.get(conversation.id, ()))
        reader = readers.get(conversation.id)
        message = last.get(conversation.id)
        if reader is not None and message is not None:
            message = as_seen(message, reader.history)
        views.append(
            ConversationView(
                conversation,
                *_shown_as(conversation, listed, reader_id),
                message,
                listed if conversation.id in shown else None,
                reader,
                unread.get((conversation.id, reader_id)),
            )
        )
    return views


def _shown_as(
    conversation: Conversation, members: Sequence[MemberView], reader_id: str
) -> tuple[str | None, str | None]:
    """(name, avatar): a direct conversation looks like the other member."""
    if conversation.kind == "direct":
        for view in members:
            if view.member.user_id != reader_id:
                return view.name, view.avatar
    return conversation.name, conversation.avatar


CHANGES: Changes = MappingProxyType(
    {
        CreateConversation: ChangeHandler(create_conversation, check_create),
        UpdateConversation: ChangeHandler(update_conversation, check_update),
        DeleteConversation: ChangeHandler(delete_conversation, check_delete),
    }
)


QUERIES: Queries = MappingProxyType(
    {
        GetConversation: get_conversation,
        ListConversations: list_conversations,
    }
)
