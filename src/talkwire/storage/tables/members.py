"""The tables of conversations' members and of spans of membership (the time from joining to leaving)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec.structs import astuple, replace
from sqlalchemy import CompoundSelect, Select, bindparam, delete, func, insert, or_, select, union, update

from talkwire.core.commands.conversations import MemberView
from talkwire.core.domain.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationPreferred,
    MemberAdded,
    MemberRemoved,
    MembershipGroundsChanged,
    MembersListed,
    MemberUpdated,
)
from talkwire.core.domain.membership_facts import ConversationFacts, Memberships
from talkwire.core.domain.model import HistoryStart, Member, MemberPreferences
from talkwire.storage.schema import (
    agent_places,
    conversation_teams,
    conversations,
    members,
    saved_messages,
    spans,
    turns,
    users,
)
from talkwire.storage.sql.batch import Write, delete_rows, insert_rows, update_rows, write
from talkwire.storage.sql.keys import KEYS, JsonArrayOf, key_text, keys_parameter
from talkwire.storage.sql.prepared import PreparedStatement
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow, Values, from_json, to_json
from talkwire.storage.tables.agents.places import add_places, drop_open_turns, drop_turns
from talkwire.storage.tables.conversations import (
    change_conversation,
    conversation_values,
    direct_key,
    known_conversation,
    prune_apart,
)
from talkwire.storage.tables.desk.teams import put_teams_of
from talkwire.storage.tables.files import replace_picture
from talkwire.storage.tables.lists.conversation_keys import index_metadata
from talkwire.storage.tables.names import add_names
from talkwire.storage.tables.projection import JointProjections, Projections
from talkwire.storage.tables.users import find_users, write_new_users
from talkwire.storage.workspace import Changes, Workspace

# --- rows and values --------------------------------------------------------------------------------------------------


def to_member(row: AnyRow) -> Member:
    """Builds a `Member` from a row of the table."""
    return Member(
        conversation_id=row.conversation_id,
        user_id=row.user_id,
        role=row.role,
        joined_ms=row.joined_ms,
        history_seq=row.history_seq,
        read_seq=row.read_seq,
        read_ms=row.read_ms,
        delivered_seq=row.delivered_seq,
        delivered_ms=row.delivered_ms,
        sent_count=row.sent_count,
        last_sent_ms=row.last_sent_ms,
        read_sent=row.read_sent,
        muted_until_ms=row.muted_until_ms,
        muted=bool(row.muted),
        notify=row.notify,
        sound=row.sound,
        history_pos=row.history_pos,
        marked_seq=row.marked_seq,
        marked_sent=row.marked_sent,
        marked_at_seq=row.marked_at_seq,
        favourite=bool(row.favourite),
        archived_seq=row.archived_seq,
        unmute_ms=row.unmute_ms,
        section=row.section,
        own=bool(row.own),
        via=() if row.via is None else tuple(from_json(row.via)),
        own_history_seq=row.own_history_seq,
        own_history_pos=row.own_history_pos,
        listed=bool(row.listed),
    )


_insert_members = insert_rows(members, Member.__struct_fields__)
_VIA = Member.__struct_fields__.index("via")


def _member_values(member: Member) -> Values:
    """Returns the values of a new member's row, in the order of the fields of `Member`."""
    values = list(astuple(member))
    values[_VIA] = to_json(member.via or None)
    return tuple(values)


_open_spans = insert_rows(spans, ("user_id", "conversation_id", "from_pos", "history_seq", "history_pos"))
_OF_SPAN = ("user_id", "conversation_id")
_end_spans = update_rows(spans, ("to_pos",), _OF_SPAN, empty=("to_pos",))
_move_starts = update_rows(spans, ("history_seq", "history_pos"), _OF_SPAN, empty=("to_pos",))

_CURSORS = (
    "sent_count",
    "last_sent_ms",
    "read_seq",
    "read_ms",
    "read_sent",
    "delivered_seq",
    "delivered_ms",
)
_KEY = ("conversation_id", "user_id")


def _cursor_values(member: Member) -> Values:
    """Returns a member's counts and read and delivery positions, as the parameters of the statement `_move`."""
    return (
        member.sent_count,
        member.last_sent_ms,
        member.read_seq,
        member.read_ms,
        member.read_sent,
        member.delivered_seq,
        member.delivered_ms,
        member.conversation_id,
        member.user_id,
    )


# --- statements -------------------------------------------------------------------------------------------------------

_move = update_rows(members, _CURSORS, _KEY)

_GROUNDS = ("role", "own", "history_seq", "history_pos", "own_history_seq", "own_history_pos")
_set_grounds = update_rows(members, ("via", *_GROUNDS), _KEY)
_delete_members = delete_rows(members, _KEY)
_delete_saved = delete_rows(saved_messages, _KEY)

_OF_USER = users.c.name, users.c.avatar, users.c.read_receipts, users.c.handle, users.c.erased, users.c.kind
"""The columns of the user that lists of members have too."""

_member = PreparedStatement(
    select(members).where(
        members.c.conversation_id == bindparam("conversation_id"), members.c.user_id == bindparam("user_id")
    )
)

_members = PreparedStatement(
    select(members)
    .select_from(KEYS)
    .join(members, (members.c.conversation_id == key_text(0)) & (members.c.user_id == key_text(1)))
)

_PREFERENCES = members.c.muted, members.c.notify, members.c.sound, members.c.unmute_ms

_memberships: Select[Any] = (
    select(
        members.c.user_id,
        members.c.conversation_id,
        members.c.history_seq,
        members.c.history_pos,
        members.c.own,
        members.c.via.is_not(None).label("is_staff"),
        *_PREFERENCES,
        conversations.c.kind,
        conversations.c.member_count,
        conversations.c.notify.label("default_notify"),
        conversations.c.team_ids.is_not(None).label("has_teams"),
    )
    .select_from(KEYS)
    .join(members, members.c.user_id == key_text(0))
    .join(conversations, conversations.c.id == members.c.conversation_id)
    .where(members.c.listed)
)

_of_unlisted = (
    select(members.c.user_id, members.c.conversation_id, members.c.history_seq, members.c.history_pos, *_PREFERENCES)
    .select_from(KEYS)
    .join(members, members.c.user_id == key_text(0))
    .where(~members.c.listed)
)
_is_unusual = or_(
    members.c.history_seq > 0,
    members.c.history_pos > 0,
    members.c.muted,
    members.c.notify.is_not(None),
    members.c.sound.is_not(None),
)

_unlisted_ids = PreparedStatement(
    _of_unlisted.with_only_columns(
        members.c.user_id,
        JsonArrayOf(members.c.conversation_id).label("ids"),
        func.count().filter(_is_unusual).label("unusual"),
    ).group_by(members.c.user_id)
)
"""Statement that selects the conversations that are not in members' lists, as one value for each member: a team's
member may have thousands of them."""

_unusual_unlisted = PreparedStatement(_of_unlisted.where(_is_unusual))


def _named_members() -> CompoundSelect[Any]:
    """Returns a query for the members whose casefolded name, handle or id equals a name. Keys are (conversation id,
    name); rows are (conversation id, name, user id)."""
    conversation_id, name = key_text(0), key_text(1)
    found = select(members.c.conversation_id, name.label("name"), members.c.user_id).select_from(KEYS)
    by_name = found.join(users, users.c.folded_name == name).join(
        members, (members.c.conversation_id == conversation_id) & (members.c.user_id == users.c.id)
    )
    by_handle = found.join(users, users.c.handle == name).join(
        members, (members.c.conversation_id == conversation_id) & (members.c.user_id == users.c.id)
    )
    by_id = found.join(members, (members.c.conversation_id == conversation_id) & (members.c.user_id == name))
    return union(by_name, by_handle, by_id).order_by("user_id")


_named = _named_members()

# --- reading ----------------------------------------------------------------------------------------------------------


class MemberReads(Reads):
    """The methods of `core.ports.transaction.Snapshot` that read members. `TableSnapshot` inherits them."""

    def member(self, conversation_id: str, user_id: str) -> Member | None:
        rows = _member.rows(self._connection, conversation_id=conversation_id, user_id=user_id)
        return next(map(to_member, rows), None)

    def staffed_by(self, user_id: str) -> Collection[str]:
        of_user = members.c.user_id == user_id, members.c.via.is_not(None)
        return set(self._connection.execute(select(members.c.conversation_id).where(*of_user)).scalars())

    def memberships(self, user_id: str, conversation_ids: Collection[str]) -> Mapping[str, Member]:
        found = keys_parameter([(conversation_id, user_id) for conversation_id in conversation_ids])
        return {row.conversation_id: to_member(row) for row in _members.rows(self._connection, **found)}

    def members_of(self, conversation_ids: Collection[str]) -> Mapping[str, Sequence[MemberView]]:
        if not conversation_ids:
            return {}
        statement = (
            select(members, *_OF_USER)
            .join(users, users.c.id == members.c.user_id)
            .where(members.c.conversation_id.in_(conversation_ids))
            .order_by(members.c.conversation_id, members.c.joined_ms, members.c.user_id)
        )
        found: dict[str, list[MemberView]] = {}
        for row in self._connection.execute(statement):
            reads, is_erased = bool(row.read_receipts), row.erased is not None
            view = MemberView(to_member(row), row.name, row.avatar, reads, row.handle, is_erased, row.kind)
            found.setdefault(row.conversation_id, []).append(view)
        return found

    def memberships_of(self, user_ids: Collection[str]) -> Memberships:
        found = Memberships({}, {}, {}, {}, {}, {})
        asked = keys_parameter([(user_id,) for user_id in user_ids])
        for row in self._connection.execute(_memberships, asked):
            user_id, conversation_id, seq, pos, own, is_staff, muted, notify, sound, unmute_ms, *facts = row
            found.conversation_ids.setdefault(user_id, set()).add(conversation_id)
            if is_staff:
                found.staffed.setdefault(user_id, {})[conversation_id] = bool(own)
            _put_unusual(found, user_id, conversation_id, (seq, pos), (muted, notify, sound, unmute_ms))
            found.facts[conversation_id] = ConversationFacts(*facts)
        has_unusual = False
        for row in _unlisted_ids.rows(self._connection, **asked):
            ids = from_json(row.ids)
            found.conversation_ids.setdefault(row.user_id, set()).update(ids)
            found.staffed.setdefault(row.user_id, {}).update(dict.fromkeys(ids, False))
            found.unlisted[row.user_id] = {*ids}
            has_unusual = has_unusual or row.unusual > 0
        for row in _unusual_unlisted.rows(self._connection, **asked) if has_unusual else ():
            user_id, conversation_id, seq, pos, *preferences = row
            _put_unusual(found, user_id, conversation_id, (seq, pos), preferences)
        return found


def _put_unusual(
    found: Memberships, user_id: str, conversation_id: str, start: tuple[int, int], preferences: Sequence[Any]
) -> None:
    """Adds from where a member sees a conversation, and the member's preferences there, unless they are the usual
    ones."""
    if any(start):
        found.histories.setdefault(user_id, {})[conversation_id] = HistoryStart(*start)
    muted, notify, sound, unmute_ms = preferences
    if muted or notify is not None or sound is not None:
        wanted = MemberPreferences(bool(muted), notify, sound, unmute_ms)
        found.preferences.setdefault(user_id, {})[conversation_id] = wanted


# --- in a transaction -------------------------------------------------------------------------------------------------


class MemberLookups(Changes):
    """The methods of `core.ports.transaction.Transaction` that look up members, with the transaction's uncommitted
    changes. `BatchTransaction` inherits them."""

    def member(self, conversation_id: str, user_id: str) -> Member | None:
        return find_member(self._workspace, conversation_id, user_id)

    def members(self, conversation_id: str, user_ids: Collection[str]) -> Mapping[str, Member]:
        found = self.members_at([(conversation_id, user_id) for user_id in user_ids])
        return {user_id: member for (_, user_id), member in found.items()}

    def members_at(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Member]:
        fetch_members(self._workspace, keys)
        changed, known = self._workspace.members, self._workspace.view.members
        found = {key: changed[key] if key in changed else known.get(key) for key in keys}
        return {key: member for key, member in found.items() if member is not None}

    def members_named(self, conversation_id: str, folded_names: Collection[str]) -> Mapping[str, Collection[str]]:
        named = self._workspace.named
        asked = [(conversation_id, name) for name in folded_names]
        missing = [key for key in asked if key not in named]
        if missing:
            fetch_named_members(self._workspace, missing)
        return {key[1]: named[key] for key in asked if named[key]}

    def next_owner(self, conversation_id: str, leaving_id: str) -> Member | None:
        admins_first = (members.c.role == "member", members.c.joined_ms, members.c.user_id)
        others = members.c.conversation_id == conversation_id, members.c.user_id != leaving_id, members.c.own
        heirs = select(members).join(users, users.c.id == members.c.user_id).where(*others, users.c.erased.is_(None))
        row = self._workspace.connection.execute(heirs.order_by(*admins_first).limit(1)).one_or_none()
        return None if row is None else to_member(row)


def find_member(workspace: Workspace, conversation_id: str, user_id: str) -> Member | None:
    """Returns a conversation's member with this transaction's changes, or None if the user is not a member."""
    key = (conversation_id, user_id)
    if key in workspace.members:
        return workspace.members[key]
    known = workspace.view.members
    if key not in known:
        fetch_members(workspace, (key,))
    return known.get(key)


def known_member(workspace: Workspace, conversation_id: str, user_id: str) -> Member:
    """Returns a conversation's member with this transaction's changes, for callers that know that the user is a member:
    otherwise an AssertionError is raised."""
    member = find_member(workspace, conversation_id, user_id)
    assert member is not None, "the domain looked the member up"
    return member


def fetch_members(workspace: Workspace, asked: Collection[tuple[str, str]]) -> None:
    """Reads members, given as (conversation id, user id), from the database into `workspace.view`, the writer's cache,
    except those that it or the transaction has already. The transaction remembers who is not a member."""
    known = workspace.view.members
    missing = [key for key in asked if key not in known and key not in workspace.members]
    if missing:
        for member in map(to_member, _members.rows(workspace.connection, **keys_parameter(missing))):
            known[member.conversation_id, member.user_id] = member
        workspace.members.update((key, None) for key in missing if key not in known)


def fetch_named_members(workspace: Workspace, asked: Collection[tuple[str, str]]) -> None:
    """Reads which members have these names, given as (conversation id, casefolded name, handle or id), into
    `workspace.named`, a cache of the transaction; an empty list for a name of nobody."""
    write_new_users(workspace)
    workspace.named.update((key, []) for key in asked)
    for row in workspace.connection.execute(_named, keys_parameter(asked)):
        workspace.named[row.conversation_id, row.name].append(row.user_id)


def change_member(workspace: Workspace, conversation_id: str, user_id: str, **changes: Any) -> None:  # noqa: ANN401
    """Changes columns of a member, in the database and for later commands of the transaction. `changes` are fields of
    `Member`."""
    member = known_member(workspace, conversation_id, user_id)
    workspace.members[conversation_id, user_id] = replace(member, **changes)
    changed = update(members).where(members.c.conversation_id == conversation_id, members.c.user_id == user_id)
    workspace.connection.execute(changed.values(**changes))


def take_moved_members(workspace: Workspace) -> list[Write]:
    """Returns the database writes for the members whose counts or read and delivery positions have changed since the
    last call."""
    if not workspace.moved_members:
        return []
    moved = [workspace.members[key] for key in workspace.moved_members]
    workspace.moved_members.clear()
    # Removed members are not among them.
    return [Write(_move, [_cursor_values(member) for member in moved if member is not None])]


# --- events -----------------------------------------------------------------------------------------------------------


def _conversation_created(workspace: Workspace, event: ConversationCreated) -> None:
    conversation = event.conversation
    key = direct_key(*(member.user_id for member in event.members)) if conversation.kind == "direct" else None
    values = conversation_values(conversation) | {"direct_key": key}
    workspace.connection.execute(insert(conversations), values)
    add_names(workspace.connection, conversation.kind, [(conversation.id, conversation.name or "")])
    index_metadata(workspace.connection, conversation.id, None, conversation.metadata)
    workspace.conversations[conversation.id] = conversation
    put_teams_of(workspace, conversation, (), event.pos)
    if conversation.retention_days is not None:
        prune_apart(workspace.connection, conversation.id)
    _insert(workspace, [(member, event.pos) for member in event.members])


def _conversation_deleted(workspace: Workspace, event: ConversationDeleted) -> None:
    """Applies a `ConversationDeleted` event: removes all members, so that nobody sees the messages any more. A follower
    of the log clears the messages later."""
    id_ = event.conversation_id
    connection = workspace.connection
    user_ids = select(members.c.user_id).where(members.c.conversation_id == id_)
    for user_id in connection.execute(user_ids).scalars():
        workspace.put_member(id_, user_id, None)
    connection.execute(
        update(spans)
        .where(spans.c.user_id.in_(user_ids), spans.c.conversation_id == id_, spans.c.to_pos.is_(None))
        .values(to_pos=event.pos)
    )
    connection.execute(delete(members).where(members.c.conversation_id == id_))
    connection.execute(delete(conversation_teams).where(conversation_teams.c.conversation_id == id_))
    drop_turns(connection, turns.c.conversation_id == id_)
    connection.execute(delete(agent_places).where(agent_places.c.conversation_id == id_))
    conversation = known_conversation(workspace, id_)
    replace_picture(connection, conversation.avatar, event.at_ms)
    index_metadata(connection, id_, conversation.metadata, None)
    change_conversation(workspace, id_, deleted_ms=event.at_ms, updated_ms=event.at_ms, member_count=0)
    connection.execute(update(conversations).where(conversations.c.id == id_).values(direct_key=None))


def _added(workspace: Workspace, events: Sequence[MemberAdded]) -> None:
    _insert(workspace, [(member, event.pos) for event in events for member in event.members])
    for event in events:
        if not event.of_teams:
            _resize(workspace, event.conversation_id, len(event.members), event.at_ms)


def _insert(workspace: Workspace, added: Sequence[tuple[Member, int]]) -> None:
    """Stores new members, each with the log position of the event that has added them."""
    rows = [_member_values(member) for member, _ in added]
    opened = [(each.user_id, each.conversation_id, pos, each.history_seq, each.history_pos) for each, pos in added]
    write(workspace.connection, [Write(_insert_members, rows), Write(_open_spans, opened)])
    for member, _ in added:
        workspace.put_member(member.conversation_id, member.user_id, member)
    users_added = find_users(workspace, {member.user_id for member, _ in added})
    agent_ids = {user.id for user in users_added.values() if user.kind == "agent"}
    if agent_ids:
        add_places(workspace, [(each.conversation_id, each.user_id) for each, _ in added if each.user_id in agent_ids])


def _removed(workspace: Workspace, events: Sequence[MemberRemoved]) -> None:
    gone = [(event.conversation_id, event.user_id) for event in events]
    ended = [(event.pos, event.user_id, event.conversation_id) for event in events]
    write(
        workspace.connection,
        [Write(_delete_members, gone), Write(_end_spans, ended), Write(_delete_saved, gone)],
    )
    for event in events:
        id_, user_id = event.conversation_id, event.user_id
        workspace.put_member(id_, user_id, None)
        if known_conversation(workspace, id_).has_agents:
            drop_open_turns(workspace.connection, user_id, id_)
        if known_conversation(workspace, id_).owner_id == user_id:
            # The next owner, if there is one, becomes the owner by an event of its own.
            change_conversation(workspace, id_, owner_id=None)
        if event.own:
            _resize(workspace, id_, -1, event.at_ms)


def _grounds_changed(workspace: Workspace, events: Sequence[MembershipGroundsChanged]) -> None:
    """Applies `MembershipGroundsChanged` events: the memberships stay, and so do their spans. What the users see of the
    conversations may begin elsewhere."""
    grounds, starts = [], []
    for event in events:
        member = event.member
        id_, user_id = member.conversation_id, member.user_id
        before = known_member(workspace, id_, user_id)
        changes = {name: getattr(member, name) for name in _GROUNDS}
        grounds.append((to_json(member.via or None), *changes.values(), id_, user_id))
        if member.history != before.history:
            starts.append((member.history_seq, member.history_pos, user_id, id_))
        workspace.members[id_, user_id] = replace(before, via=member.via, **changes)
    moved = [Write(_move_starts, starts)] if starts else []
    write(workspace.connection, [Write(_set_grounds, grounds), *moved])
    for event in events:
        _resize_by_grounds(workspace, event)


def _resize_by_grounds(workspace: Workspace, event: MembershipGroundsChanged) -> None:
    member = event.member
    if member.own == event.was_own:
        return
    if not member.own and known_conversation(workspace, member.conversation_id).owner_id == member.user_id:
        change_conversation(workspace, member.conversation_id, owner_id=None)
    _resize(workspace, member.conversation_id, 1 if member.own else -1, event.at_ms)


def _listed(workspace: Workspace, event: MembersListed) -> None:
    for user_id in event.user_ids:
        member = known_member(workspace, event.conversation_id, user_id)
        workspace.members[event.conversation_id, user_id] = replace(member, listed=event.listed)
    of_members = members.c.conversation_id == event.conversation_id, members.c.user_id.in_(event.user_ids)
    workspace.connection.execute(update(members).where(*of_members).values(listed=event.listed))


def _resize(workspace: Workspace, conversation_id: str, by: int, now_ms: int) -> None:
    count = known_conversation(workspace, conversation_id).member_count + by
    change_conversation(workspace, conversation_id, member_count=count, updated_ms=now_ms)


def _updated(workspace: Workspace, event: MemberUpdated) -> None:
    member = event.member
    change_member(workspace, member.conversation_id, member.user_id, role=member.role)
    if member.role == "owner":
        change_conversation(workspace, member.conversation_id, owner_id=member.user_id)


def _preferred(workspace: Workspace, event: ConversationPreferred) -> None:
    change_member(
        workspace,
        event.conversation_id,
        event.user_id,
        muted=event.muted,
        notify=event.notify,
        sound=event.sound,
        favourite=event.favourite,
        archived_seq=event.archived_seq,
        unmute_ms=event.unmute_ms,
        section=event.section,
    )


JOINT_PROJECTIONS: JointProjections = MappingProxyType(
    {MemberAdded: _added, MemberRemoved: _removed, MembershipGroundsChanged: _grounds_changed}
)


def _alone(apply: Callable[[Workspace, Sequence[Any]], None]) -> Callable[[Workspace, Any], None]:
    return lambda workspace, event: apply(workspace, (event,))


PROJECTIONS: Projections = MappingProxyType(
    {
        **{kind: _alone(apply) for kind, apply in JOINT_PROJECTIONS.items()},
        ConversationCreated: _conversation_created,
        ConversationDeleted: _conversation_deleted,
        ConversationPreferred: _preferred,
        MembersListed: _listed,
        MemberUpdated: _updated,
    }
)
