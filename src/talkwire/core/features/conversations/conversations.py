"""Creates, changes, deletes and shows conversations: direct conversations, groups and channels. `members.py` handles
memberships, `lists.py` lists conversations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import get_args

from msgspec import UNSET
from msgspec.structs import asdict, replace

from talkwire.core.commands.conversations import (
    ConversationView,
    CreateConversation,
    DeleteConversation,
    GetConversation,
    MemberView,
    UpdateConversation,
)
from talkwire.core.domain.access import (
    blocked,
    history_for,
    is_muted,
    may_create,
    may_delete,
    may_see_offer,
    message_for_reader,
    must_be_trusted,
    must_not_be_held,
    must_not_be_notes,
    must_set_notify,
    require,
)
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.events import ConversationCreated, ConversationUpdated, HoldChanged
from talkwire.core.domain.log.positions import id_at, is_own_id, own_id_at
from talkwire.core.domain.model import (
    WHOLE,
    Actor,
    Conversation,
    ConversationKind,
    Member,
    MemberRole,
    Message,
    Offer,
    Restriction,
)
from talkwire.core.domain.notifying.lifetimes import NOTIFICATIONS_KEPT_MS
from talkwire.core.domain.texts import check_avatar, check_id, check_metadata, check_name, check_short_text
from talkwire.core.domain.times import check_time, iso
from talkwire.core.features.agents.turns import drop_waiting
from talkwire.core.features.conversations.archive import archived_of, is_archived
from talkwire.core.features.conversations.grounds import begin_new
from talkwire.core.features.conversations.members import (
    check_team_ids,
    check_user_ids,
    check_users,
    create_unknown_users,
    find_conversation,
    member_view,
    must_be_in_teams,
    must_be_teams,
    must_not_have_blocked,
    new_member,
    require_actor,
    require_managed,
)
from talkwire.core.features.conversations.notices import last_calls
from talkwire.core.features.handling.notes import record_deletion_of, rules_changed
from talkwire.core.features.messages.files import must_be_own_picture
from talkwire.core.features.messages.messages import participation_of
from talkwire.core.features.messages.reading import as_shown_to, shares_reads
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

TOPIC_MAX_LENGTH = 250
"""Longest topic of a conversation, in characters."""

ABOUT_MAX_LENGTH = 2000
"""Longest description of a conversation, in characters."""

SLOW_MODE_MAX_S = 24 * 3600
"""Longest time of the slow mode between two messages of a member, in seconds."""

RETENTION_MAX_DAYS = 36_600
"""Longest time for which a conversation keeps messages, in days, if it has a retention time of its own."""

_KEEPING = frozenset({"retention_days", "hold"})
"""Names of the fields that say how long messages are kept."""

_ALSO_DIRECT = frozenset({*_KEEPING, "notify", "agents"})
"""Names of the fields that the backend and admins can also change in a direct conversation. Its members change
`agents`."""

ROLES: Sequence[MemberRole] = get_args(MemberRole)

# --- creating ---------------------------------------------------------------------------------------------------------


def check_create(command: CreateConversation) -> None:
    """Raises `invalid_request` for a conversation with invalid fields."""
    _check_fields(command)
    _check_kind(command.kind, command)
    if command.id is not None:
        check_id("id", command.id)
        if is_own_id(command.id):
            raise invalid("id", "must not be in the range of ids that the server generates")
    if command.created_ms is not UNSET:
        check_time("createdAt", command.created_ms)
    check_user_ids("memberIds", command.member_ids)
    check_team_ids(command.team_ids)
    if command.kind == "direct" and command.team_ids:
        raise invalid("teamIds", "a direct conversation has no teams")
    _check_roles(command)


def _check_roles(command: CreateConversation) -> None:
    """Raises `invalid_request` unless `ownerId` and `roles` name members only, and at most one owner in total."""
    roles = command.roles or {}
    if command.kind == "direct" and (command.owner_id or roles):
        raise invalid("ownerId" if command.owner_id else "roles", "a direct conversation has no owner and no roles")
    if command.owner_id is not UNSET and command.owner_id not in command.member_ids:
        raise invalid("ownerId", "must be one of memberIds")
    for user_id, role in roles.items():
        if user_id not in command.member_ids:
            raise invalid(f"roles.{user_id}", "must be one of memberIds")
        if role not in ROLES:
            raise invalid(f"roles.{user_id}", f"must be one of {', '.join(ROLES)}")
    owner_ids = {user_id for user_id, role in roles.items() if role == "owner"}
    if len(owner_ids) > 1:
        raise invalid("roles", "at most one member can be the owner")
    if command.owner_id is not UNSET and (
        owner_ids - {command.owner_id} or roles.get(command.owner_id, "owner") != "owner"
    ):
        raise invalid("roles", "must name the same owner as ownerId")


def create_conversation(tx: Transaction, actor: Actor, command: CreateConversation) -> ConversationView:
    """Creates a conversation and returns it as the actor sees it. Returns the existing one instead if it has the
    command's id and members, or is the direct conversation of the same two users.

    The actor becomes a member too, except for the application's backend, which names all members. Raises `forbidden` if
    the actor may not create it, `blocked` if a block forbids it, and `conflict` if a different conversation has its id.
    """
    require_actor(tx, actor)
    _check_backend_only(actor, command)
    check_users(tx, actor, command.member_ids, "memberIds")
    user_ids = list(dict.fromkeys(command.member_ids))
    if not actor.is_service and actor.user_id not in user_ids:
        user_ids.insert(0, actor.user_id)
    if command.kind == "direct" and len(user_ids) != 2:
        raise invalid("memberIds", "a direct conversation has exactly two members")
    existing = _existing(tx, command, user_ids)
    if existing is not None:
        return replace(_view_with_members(tx, existing, actor, user_ids), existed=True)
    require(may_create(actor, command.kind, tx.policy))
    team_ids = _new_team_ids(tx, actor, command)
    if command.avatar is not None:
        must_be_own_picture(tx, actor, command.avatar)
    _check_blocks(tx, actor, command, user_ids)
    create_unknown_users(tx, user_ids)
    if command.created_ms is not UNSET and command.created_ms > tx.now_ms:
        raise invalid("createdAt", f"must not be in the future: at most {iso(tx.now_ms)}")
    roles = _roles_of(actor, command)
    pos = tx.next_pos()
    conversation = replace(_new_conversation(command, roles, user_ids, pos, tx.now_ms), team_ids=team_ids)
    teams = tx.teams.members_of(team_ids)
    members = tuple(
        replace(
            new_member(conversation, user_id, roles.get(user_id, "member"), tx.now_ms),
            via=tuple(team_id for team_id in team_ids if user_id in teams.get(team_id, ())),
        )
        for user_id in user_ids
    )
    by = "" if actor.is_service else actor.user_id
    tx.record(ConversationCreated(pos, tx.now_ms, conversation, members, by))
    pending_pos = begin_new(tx, conversation, teams, user_ids) if team_ids else None
    return replace(_view_with_members(tx, conversation, actor, user_ids), pending_pos=pending_pos)


def _new_team_ids(tx: Transaction, actor: Actor, command: CreateConversation) -> tuple[str, ...]:
    """Returns the teams of a new conversation. Raises `invalid_request` for a team that does not exist, and `forbidden`
    for a user who is not in each of them."""
    if not command.team_ids:
        return ()
    must_be_in_teams(tx, actor, command.team_ids)
    return must_be_teams(tx, (), command.team_ids)


def _check_backend_only(actor: Actor, command: CreateConversation) -> None:
    """Raises `forbidden` for fields that only the application's backend may set, and `invalid_request` for a backend
    that names no members."""
    if actor.is_service:
        if not command.member_ids and not command.team_ids:
            raise invalid("memberIds", "must name every member")
        return
    if command.id is not None:
        raise ChatError(
            "forbidden", "Only the application's backend can choose the id of a conversation.", cause="backend_only"
        )
    if command.owner_id or command.roles or command.created_ms is not UNSET:
        raise ChatError(
            "forbidden", "Only the application's backend can set ownerId, roles and createdAt.", cause="backend_only"
        )
    if command.kind == "direct" and command.notify is not UNSET:
        must_be_trusted(actor)


def _existing(tx: Transaction, command: CreateConversation, user_ids: Sequence[str]) -> Conversation | None:
    """Returns the existing conversation with the command's id, or for a direct conversation that of the same two users;
    None if there is none.

    Raises `conflict` if the conversation with the command's id differs from the command or was deleted, or if the two
    users have a direct conversation with another id.
    """
    if command.id is not None:
        named = tx.conversation(command.id)
        if named is not None:
            _check_same(tx, named, command, user_ids)
            return named
    direct = tx.direct_conversation(*user_ids) if command.kind == "direct" else None
    if direct is not None and command.id is not None:
        message = f"These two users have a direct conversation with the id {direct.id}."
        raise ChatError("conflict", message, {"conversationId": direct.id, "differs": ["id"]}, cause="taken")
    return direct


def _check_same(tx: Transaction, existing: Conversation, command: CreateConversation, user_ids: Sequence[str]) -> None:
    """Raises `conflict`, naming the differences, unless the existing conversation has the kind, exactly the members (in
    their own right) and at least the teams of the command, and was not deleted."""
    if existing.deleted_ms is not None:
        details = {"conversationId": existing.id, "differs": ["deleted"]}
        raise ChatError(
            "conflict", "A conversation with this id was deleted. Its id cannot be reused.", details, cause="taken"
        )
    differs = []
    if existing.kind != command.kind:
        differs.append("kind")
    present = [member for member in tx.members(existing.id, user_ids).values() if member.own]
    if not len(present) == len(user_ids) == existing.member_count:
        differs.append("memberIds")
    # Others may have been added since: a desk hands conversations over to another team.
    if not {*(command.team_ids or ())} <= {*existing.team_ids}:
        differs.append("teamIds")
    if differs:
        message = f"A conversation with this id exists, but differs in {' and '.join(differs)}."
        raise ChatError("conflict", message, {"conversationId": existing.id, "differs": differs}, cause="taken")


def _check_blocks(tx: Transaction, actor: Actor, command: CreateConversation, user_ids: Sequence[str]) -> None:
    if command.kind != "direct":
        must_not_have_blocked(tx, actor, user_ids)
        return
    one, other = user_ids
    if tx.has_blocked(one, other) or tx.has_blocked(other, one):
        raise blocked()


def _roles_of(actor: Actor, command: CreateConversation) -> dict[str, MemberRole]:
    """Returns user id -> role for the members of a new conversation who are its owner or admins. A user who creates a
    conversation becomes its owner."""
    if command.kind == "direct":
        return {}
    if not actor.is_service:
        return {actor.user_id: "owner"}
    roles = dict(command.roles or {})
    if command.owner_id:
        roles[command.owner_id] = "owner"
    return roles


def _new_conversation(
    command: CreateConversation, roles: Mapping[str, MemberRole], user_ids: Sequence[str], pos: int, now_ms: int
) -> Conversation:
    return Conversation(
        id=command.id or own_id_at(pos),
        kind=command.kind,
        name=command.name,
        owner_id=next((user_id for user_id, role in roles.items() if role == "owner"), None),
        member_count=len(user_ids),
        last_seq=0,
        created_ms=now_ms if command.created_ms is UNSET else command.created_ms,
        updated_ms=now_ms,
        avatar=command.avatar,
        public=command.public,
        history=command.history,
        slow_mode_s=command.slow_mode_s,
        metadata=command.metadata,
        last_pos=pos,
        active_pos=pos,
        topic=command.topic or None,
        description=command.description or None,
        notify=command.notify or None,
        agents=command.agents or None,
    )


def _view_with_members(
    tx: Transaction, conversation: Conversation, actor: Actor, user_ids: Sequence[str]
) -> ConversationView:
    users = tx.users(user_ids)
    members = tx.members(conversation.id, user_ids)
    blocker_ids = {id_ for id_ in user_ids if tx.has_blocked(id_, actor.user_id)} if conversation.blocked else ()
    views = (
        member_view(members[user_id], user)
        for user_id in user_ids
        if user_id in members and (user := users.get(user_id)) is not None
    )
    sees_reads = shares_reads(tx.user(actor.user_id))
    shown = tuple(as_shown_to(view, actor.user_id, blocker_ids, sees_reads=sees_reads) for view in views)
    return _view_for(tx, conversation, actor, shown)


def shown_members(views: Iterable[MemberView], reader: Member | None) -> Iterator[MemberView]:
    """Yields the members of a conversation whom a reader sees, who has the membership `reader`: for members who are not
    there through a team, only those who are there in their own right, and not through which teams. A reader who is no
    member is the backend or an admin, who see all."""
    if reader is None or reader.via:
        yield from views
        return
    for view in views:
        if view.member.own:
            yield replace(view, member=replace(view.member, via=())) if view.member.via else view


def _view_for(
    tx: Transaction, conversation: Conversation, actor: Actor, members: tuple[MemberView, ...] | None
) -> ConversationView:
    name, avatar = _name_and_avatar(conversation, members or (), actor.user_id)
    reader = tx.member(conversation.id, actor.user_id)
    unread = None if reader is None else tx.unread(conversation.id, actor.user_id)
    mute = None
    if reader is not None and is_muted(reader, tx.now_ms):
        mute = tx.restrictions.find(conversation.id, actor.user_id, "mute")
    return ConversationView(
        conversation,
        name,
        avatar,
        _last_message(tx, conversation, reader),
        members,
        None if reader is None else reader.at(tx.now_ms),
        unread,
        mute,
        archived=reader is not None and is_archived(tx, reader),
        last_offer=_last_offer(tx, conversation, reader),
        unread_offers=_unread_offers(tx, conversation, actor.user_id),
        team_names=tx.teams.names(conversation.team_ids),
    )


def _last_message(tx: Transaction, conversation: Conversation, reader: Member | None) -> Message | None:
    history = WHOLE if reader is None else reader.history
    if conversation.last_seq <= history.seq:
        return None
    message = tx.message(id_at(conversation.active_pos))
    return None if message is None else message_for_reader(message, history)


def _last_offer(tx: Transaction, conversation: Conversation, reader: Member | None) -> Offer | None:
    if not conversation.offer_pos:
        return None
    return _visible_offer(tx.offers.find(id_at(conversation.offer_pos)), reader)


def _unread_offers(tx: Transaction, conversation: Conversation, user_id: str) -> int:
    if not conversation.offer_pos:
        return 0
    since_ms = tx.now_ms - NOTIFICATIONS_KEPT_MS
    return tx.notifications.unread_offers(user_id, (conversation.id,), since_ms).get(conversation.id, 0)


# --- changing and deleting ------------------------------------------------------------------------------------------


def check_update(command: UpdateConversation) -> None:
    check_id("conversationId", command.conversation_id)
    _check_fields(command)


def update_conversation(tx: Transaction, actor: Actor, command: UpdateConversation) -> ConversationView:
    """Changes the fields that the command sets, such as the name, the picture, or how long messages are kept, and
    returns the conversation. Records nothing if they are unchanged. Raises `forbidden` unless the actor may change
    these fields."""
    require_actor(tx, actor)
    given = {name: value for name, value in asdict(command).items() if value is not UNSET}
    del given["conversation_id"]
    conversation = _changeable(tx, actor, command.conversation_id, given.keys())
    _check_kind(conversation.kind, command)
    if isinstance(command.avatar, str) and command.avatar != conversation.avatar:
        must_be_own_picture(tx, actor, command.avatar)
    rules_changed(tx, conversation, given, actor.user_id)
    hold = given.pop("hold", conversation.hold)
    if hold != conversation.hold:
        tx.record(HoldChanged(tx.next_pos(), tx.now_ms, hold, conversation.id, by=actor.user_id))
        conversation = replace(conversation, hold=hold)
    changed = tuple(name for name, value in given.items() if value != getattr(conversation, name))
    if changed:
        conversation = replace(conversation, **given, updated_ms=tx.now_ms, last_pos=tx.next_pos())
        by = "" if actor.is_service else actor.user_id
        tx.record(ConversationUpdated(tx.next_pos(), tx.now_ms, conversation, by, changed))
        if "agents" in changed and conversation.agents == "off":
            drop_waiting(tx, conversation.id)
    return _view_for(tx, conversation, actor, None)


def _changeable(tx: Transaction, actor: Actor, conversation_id: str, fields: Collection[str]) -> Conversation:
    """Returns the conversation that the actor wants to change. Raises `forbidden` unless the actor may change the
    fields with the names `fields`. How long messages are kept is changed only by the backend and admins. They change
    that, and the default for notifications, also in a direct conversation."""
    if not _KEEPING.isdisjoint(fields):
        must_be_trusted(actor)
    conversation = find_conversation(tx, conversation_id)
    if actor.is_trusted:
        must_not_be_notes(conversation)
    if conversation is not None and actor.is_trusted and fields and _ALSO_DIRECT.issuperset(fields):
        return conversation
    if conversation is not None and conversation.kind == "direct" and {*fields} == {"agents"}:
        return participation_of(tx, actor.user_id, conversation_id).conversation
    conversation = require_managed(tx, actor, conversation_id)
    if "notify" in fields:
        must_set_notify(actor, tx.member(conversation_id, actor.user_id))
    return conversation


def _check_fields(command: CreateConversation | UpdateConversation) -> None:
    if isinstance(command.name, str):
        check_name("name", command.name)
    if isinstance(command.avatar, str):
        check_avatar("avatar", command.avatar)
    if isinstance(command.topic, str):
        _check_topic(command.topic)
    if isinstance(command.description, str):
        check_short_text("description", command.description, ABOUT_MAX_LENGTH)
    if isinstance(command.metadata, dict):
        check_metadata("metadata", command.metadata)
    if isinstance(command, UpdateConversation) and isinstance(command.retention_days, int):
        _check_retention(command.retention_days)
    if isinstance(command.slow_mode_s, int) and not 0 <= command.slow_mode_s <= SLOW_MODE_MAX_S:
        raise invalid("slowModeS", f"must be between 0 and {SLOW_MODE_MAX_S} seconds")


def _check_topic(topic: str) -> None:
    check_name("topic", topic, TOPIC_MAX_LENGTH)
    if len(topic.splitlines()) > 1:
        raise invalid("topic", "must be one line")


def _check_retention(days: int) -> None:
    if not 1 <= days <= RETENTION_MAX_DAYS:
        raise invalid("retentionDays", f"must be between 1 and {RETENTION_MAX_DAYS} days")


def _check_kind(kind: ConversationKind, command: CreateConversation | UpdateConversation) -> None:
    """Raises `invalid_request` if the command sets fields that direct conversations do not have, such as a name or a
    topic."""
    if kind == "direct":
        if command.public is True:
            raise invalid("public", "must be false for a direct conversation")
        if isinstance(command.name, str):
            raise invalid("name", "must not be set: a direct conversation has the name of the other member")
        if isinstance(command.avatar, str):
            raise invalid("avatar", "must not be set: a direct conversation has the picture of the other member")
        for path, text in (("topic", command.topic), ("description", command.description)):
            if isinstance(text, str):
                raise invalid(path, f"must not be set: a direct conversation has no {path}")
        if command.slow_mode_s:
            raise invalid("slowModeS", "a direct conversation has no slow mode")
        if command.history == "from-join":
            raise invalid("history", 'must be "all" for a direct conversation')


def check_delete(command: DeleteConversation) -> None:
    check_id("conversationId", command.conversation_id)


def delete_conversation(tx: Transaction, actor: Actor, command: DeleteConversation) -> None:
    """Deletes a conversation and its notes. All memberships end, and nobody can see the messages any more. Raises
    `forbidden` unless the actor may delete it, and `conflict` if it or a present or former member is on hold; those of
    its notes are among these."""
    require_actor(tx, actor)
    conversation = find_conversation(tx, command.conversation_id)
    require(may_delete(actor, conversation, tx.member(command.conversation_id, actor.user_id), tx.policy))
    if conversation is None:
        raise forbidden("not_found")
    must_not_be_held(conversation, *tx.retention.held_members(conversation.id))
    record_deletion_of(tx, conversation, actor.user_id)


# --- reading --------------------------------------------------------------------------------------------------------


def get_conversation(snapshot: Snapshot, actor: Actor, query: GetConversation) -> ConversationView:
    """Returns one conversation with all its members, as the actor sees it. Raises `forbidden` for a conversation that
    does not exist or that the actor may not read."""
    check_id("conversationId", query.conversation_id)
    history_for(snapshot, actor, query.conversation_id)
    conversation = snapshot.conversation(query.conversation_id)
    if conversation is None or conversation.deleted_ms is not None:
        raise forbidden("not_found")
    return views_of(snapshot, actor.user_id, [conversation], members_max=conversation.member_count)[0]


def views_of(
    snapshot: Snapshot, reader_id: str, conversations: Sequence[Conversation], *, members_max: int = 0
) -> list[ConversationView]:
    """Returns the conversations as one reader sees them, with names, members, last messages and unread counts.

    The number of SQL statements does not depend on the number of conversations. Members are included for direct
    conversations and for those with at most `members_max` members.
    """
    ids = [conversation.id for conversation in conversations]
    readers = snapshot.memberships(reader_id, ids)
    mutes = _mutes_of(snapshot, readers.values())
    unread = snapshot.unreads.of([(id_, reader_id) for id_ in readers])
    last = snapshot.last_messages(conversations)
    # A direct conversation has the name of the other member, so its members are read in any case.
    shown = {c.id for c in conversations if c.kind == "direct" or c.member_count <= members_max}
    members = snapshot.members_of(sorted(shown))
    blocker_ids = snapshot.blockers_of(reader_id) if shown else ()
    sees_reads = shares_reads(snapshot.user(reader_id) if shown else None)
    archived = archived_of(snapshot, reader_id, conversations, readers)
    offered = [conversation for conversation in conversations if conversation.offer_pos]
    offers = snapshot.offers.by_id([id_at(each.offer_pos) for each in offered])
    unread_offers: Mapping[str, int] = {}
    if offered:
        kept_ms = snapshot.now_ms - NOTIFICATIONS_KEPT_MS
        unread_offers = snapshot.notifications.unread_offers(reader_id, [each.id for each in offered], kept_ms)
    calls = last_calls(snapshot, conversations, readers)
    team_names = snapshot.teams.names({id_ for conversation in conversations for id_ in conversation.team_ids})
    views = []
    for conversation in conversations:
        reader = readers.get(conversation.id)
        listed = tuple(
            as_shown_to(view, reader_id, blocker_ids, sees_reads=sees_reads)
            for view in shown_members(members.get(conversation.id, ()), reader)
        )
        message = last.get(conversation.id)
        if reader is not None and message is not None:
            message = message_for_reader(message, reader.history)
        views.append(
            ConversationView(
                conversation,
                *_name_and_avatar(conversation, listed, reader_id),
                message,
                listed if conversation.id in shown else None,
                None if reader is None else reader.at(snapshot.now_ms),
                unread.get((conversation.id, reader_id)),
                mutes.get(conversation.id),
                archived=conversation.id in archived,
                last_offer=_visible_offer(offers.get(id_at(conversation.offer_pos)), reader),
                unread_offers=unread_offers.get(conversation.id, 0),
                last_call=calls.get(conversation.id),
                team_names=team_names if conversation.team_ids else {},
            )
        )
    return views


def _visible_offer(offer: Offer | None, reader: Member | None) -> Offer | None:
    """Returns the offer (a proposed price) if the reader may see it, else None. `reader` None: the reader is no member
    and sees everything."""
    history = WHOLE if reader is None else reader.history
    return offer if offer is not None and may_see_offer(offer.id, history) else None


def _mutes_of(snapshot: Snapshot, memberships: Collection[Member]) -> Mapping[str, Restriction]:
    """Returns conversation id -> the mute that a moderator has imposed on the user in it, for the user's memberships.
    Runs no SQL statement for a user without mutes."""
    muted = [(each.conversation_id, each.user_id) for each in memberships if is_muted(each, snapshot.now_ms)]
    if not muted:
        return {}
    return {each.conversation_id: each for each in snapshot.restrictions.of_keys(muted) if each.kind == "mute"}


def _name_and_avatar(
    conversation: Conversation, members: Sequence[MemberView], reader_id: str
) -> tuple[str | None, str | None]:
    """Returns a conversation's (name, picture) as the reader sees them: in a direct conversation, those of the other
    member."""
    if conversation.kind == "direct":
        for view in members:
            if view.member.user_id != reader_id:
                return view.name, view.avatar
    return conversation.name, conversation.avatar


CHANGES: Changes = MappingProxyType(
    {
        CreateConversation: ChangeHandler(create_conversation, check_create, settles=True),
        UpdateConversation: ChangeHandler(update_conversation, check_update),
        DeleteConversation: ChangeHandler(delete_conversation, check_delete),
    }
)


QUERIES: Queries = MappingProxyType({GetConversation: get_conversation})
