"""Direct and group conversations and who is in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import MappingProxyType

from talkwire.core.access import may_act, may_change_members
from talkwire.core.commands.command import Page
from talkwire.core.commands.conversations import (
    AddMembers,
    ConversationView,
    CreateConversation,
    GetConversation,
    ListConversations,
    MemberView,
    RemoveMember,
)
from talkwire.core.errors import ChatError, forbidden, invalid
from talkwire.core.events import ConversationCreated, MemberAdded, MemberRemoved, UserCreated
from talkwire.core.handler import ChangeHandler, Changes, Queries
from talkwire.core.messages import PAGE_MAX, require_member
from talkwire.core.model import OWN_ID_BASE, Actor, Conversation, Member, User, is_own_id
from talkwire.core.texts import check_id, check_name
from talkwire.core.transaction import Snapshot, Transaction

MEMBERS_PER_COMMAND_MAX = 10_000


def check_create(command: CreateConversation) -> None:
    """Refuses at the door what could not be a conversation."""
    if command.name is not None:
        check_name("name", command.name)
    if command.id is not None:
        check_id("id", command.id)
        if is_own_id(command.id):
            raise invalid("id", "lies in the range of ids that the server gives out")
    _check_user_ids("memberIds", command.member_ids)


def create_conversation(tx: Transaction, actor: Actor, command: CreateConversation) -> ConversationView:
    """Opens a conversation. The actor is a member too, except the application's backend, which names all of them."""
    _must_be_allowed(tx, actor)
    _may_create(actor, command)
    _check_users(tx, actor, command.member_ids, "memberIds")
    user_ids = list(dict.fromkeys(command.member_ids))
    if actor.role == "user" and actor.user_id not in user_ids:
        user_ids.insert(0, actor.user_id)
    if command.kind == "direct":
        _check_pair(command, user_ids)
        existing = tx.direct_conversation(*user_ids)
        if existing is not None:
            return _view_of_created(tx, existing, actor, user_ids)
    if command.id is not None and tx.conversation(command.id) is not None:
        raise ChatError("conflict", "A conversation with this id exists.")
    _make_unknown_users(tx, user_ids)
    owner_id = user_ids[0] if command.kind == "group" else None
    pos, now = tx.next_pos(), tx.now_ms
    conversation = Conversation(
        id=command.id or str(OWN_ID_BASE + pos),
        kind=command.kind,
        name=command.name if command.kind == "group" else None,
        owner_id=owner_id,
        member_count=len(user_ids),
        last_seq=0,
        created_ms=now,
        updated_ms=now,
    )
    members = tuple(
        Member(conversation.id, user_id, "owner" if user_id == owner_id else "member", now) for user_id in user_ids
    )
    tx.record(ConversationCreated(pos, now, conversation, members))
    return _view_of_created(tx, conversation, actor, user_ids)


def _must_be_allowed(tx: Transaction, actor: Actor) -> None:
    user = tx.user(actor.user_id)
    refusal = may_act(user) or (forbidden() if user is None and actor.role == "user" else None)
    if refusal is not None:
        raise refusal


def _may_create(actor: Actor, command: CreateConversation) -> None:
    if actor.role == "user" and command.id is not None:
        raise ChatError("forbidden", "Only the application's backend gives conversations ids of its own.")
    if actor.role != "user" and not command.member_ids:
        raise invalid("memberIds", "must name every member")


def _check_pair(command: CreateConversation, user_ids: Sequence[str]) -> None:
    if len(user_ids) != 2:
        raise invalid("memberIds", "a direct conversation has exactly two members")
    if command.name is not None:
        raise invalid("name", "a direct conversation is named after the other member")


def _check_users(tx: Transaction, actor: Actor, user_ids: Sequence[str], path: str) -> None:
    """The backend may create users by naming them; for anyone else they have to exist."""
    known = tx.users(user_ids)
    for index, user_id in enumerate(user_ids):
        if user_id in known:
            continue
        if actor.role == "user":
            raise invalid(f"{path}[{index}]", "no such user")
        if is_own_id(user_id):
            raise invalid(f"{path}[{index}]", "lies in the range of ids that the server gives out")


def _make_unknown_users(tx: Transaction, user_ids: Sequence[str]) -> None:
    known = tx.users(user_ids)
    for user_id in user_ids:
        if user_id not in known:
            tx.record(UserCreated(tx.next_pos(), tx.now_ms, User(user_id, user_id, tx.now_ms)))


def _view_of_created(
    tx: Transaction, conversation: Conversation, actor: Actor, user_ids: Sequence[str]
) -> ConversationView:
    users = tx.users(user_ids)
    members = tx.members(conversation.id, user_ids)
    views = tuple(
        MemberView(members[user_id], users[user_id].name, users[user_id].avatar)
        for user_id in user_ids
        if user_id in members and user_id in users
    )
    name, avatar = _shown_as(conversation, views, actor.user_id)
    return ConversationView(conversation, name, avatar, None, views)


def check_add_members(command: AddMembers) -> None:
    check_id("conversationId", command.conversation_id)
    _check_user_ids("userIds", command.user_ids)
    if not command.user_ids:
        raise invalid("userIds", "must not be empty")


def add_members(tx: Transaction, actor: Actor, command: AddMembers) -> tuple[Member, ...]:
    """Lets users into a group; whoever is in it already is passed over."""
    _must_be_allowed(tx, actor)
    conversation = _changeable(tx, actor, command.conversation_id)
    present = tx.members(conversation.id, command.user_ids)
    newcomers = [user_id for user_id in dict.fromkeys(command.user_ids) if user_id not in present]
    if not newcomers:
        return ()
    _check_users(tx, actor, command.user_ids, "userIds")
    _make_unknown_users(tx, newcomers)
    pos, now = tx.next_pos(), tx.now_ms
    members = tuple(Member(conversation.id, user_id, "member", now) for user_id in newcomers)
    tx.record(MemberAdded(pos, now, conversation.id, members))
    return members


def check_remove_member(command: RemoveMember) -> None:
    check_id("conversationId", command.conversation_id)
    check_id("userId", command.user_id)


def remove_member(tx: Transaction, actor: Actor, command: RemoveMember) -> None:
    """Takes a user out of a group; anyone may take out themselves."""
    _must_be_allowed(tx, actor)
    conversation = tx.conversation(command.conversation_id)
    leaving = command.user_id == actor.user_id and conversation is not None and conversation.kind != "direct"
    if not leaving:
        _changeable(tx, actor, command.conversation_id)
    if tx.member(command.conversation_id, command.user_id) is None:
        raise forbidden() if actor.role == "user" else ChatError("not_found", "This user is no member.")
    tx.record(MemberRemoved(tx.next_pos(), tx.now_ms, command.conversation_id, command.user_id))


def _changeable(tx: Transaction, actor: Actor, conversation_id: str) -> Conversation:
    conversation = tx.conversation(conversation_id)
    refusal = may_change_members(actor, conversation, tx.member(conversation_id, actor.user_id))
    if refusal is not None or conversation is None:
        raise refusal or forbidden()
    return conversation


def _check_user_ids(path: str, user_ids: Collection[str]) -> None:
    if len(user_ids) > MEMBERS_PER_COMMAND_MAX:
        raise invalid(path, f"at most {MEMBERS_PER_COMMAND_MAX}")
    for index, user_id in enumerate(user_ids):
        check_id(f"{path}[{index}]", user_id)


def get_conversation(snapshot: Snapshot, actor: Actor, query: GetConversation) -> ConversationView:
    """One conversation with all its members."""
    check_id("conversationId", query.conversation_id)
    require_member(snapshot, actor, query.conversation_id)
    conversation = snapshot.conversation(query.conversation_id)
    if conversation is None:
        raise forbidden()
    return _views(snapshot, actor, [conversation], with_members=True)[0]


def list_conversations(snapshot: Snapshot, actor: Actor, query: ListConversations) -> Page[ConversationView]:
    """The actor's conversations, newest event first; an operator's list has everyone's."""
    if query.cursor is not None and not (query.cursor.isascii() and query.cursor.isdigit() and len(query.cursor) < 19):
        raise invalid("cursor", "is not a cursor of this list")
    limit = max(1, min(query.limit, PAGE_MAX))
    user_id = None if actor.role == "admin" else actor.user_id
    before = None if query.cursor is None else int(query.cursor)
    found = snapshot.conversations_of(user_id, before, limit + 1)
    shown = found[:limit]
    views = _views(snapshot, actor, [conversation for conversation, _ in shown], with_members=False)
    return Page(tuple(views), str(shown[-1][1]) if len(found) > limit else None)


def _views(
    snapshot: Snapshot, actor: Actor, conversations: Sequence[Conversation], *, with_members: bool
) -> list[ConversationView]:
    last = snapshot.last_messages(conversations)
    named_by_member = [c.id for c in conversations if with_members or c.kind == "direct"]
    members = snapshot.members_of(named_by_member)
    views = []
    for conversation in conversations:
        listed = tuple(members.get(conversation.id, ()))
        name, avatar = _shown_as(conversation, listed, actor.user_id)
        views.append(
            ConversationView(conversation, name, avatar, last.get(conversation.id), listed if with_members else None)
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
    return conversation.name, None


CHANGES: Changes = MappingProxyType(
    {
        CreateConversation: ChangeHandler(create_conversation, check_create),
        AddMembers: ChangeHandler(add_members, check_add_members),
        RemoveMember: ChangeHandler(remove_member, check_remove_member),
    }
)


QUERIES: Queries = MappingProxyType(
    {
        GetConversation: get_conversation,
        ListConversations: list_conversations,
    }
)
