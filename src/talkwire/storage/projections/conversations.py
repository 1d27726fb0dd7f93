"""Conversations, who is in them, and how far each has read."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from msgspec.structs import asdict
from sqlalchemy import delete, insert, select, update

from talkwire.core.domain.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationPreferred,
    ConversationUpdated,
    MemberAdded,
    MemberRemoved,
    MemberRestricted,
    MemberUnrestricted,
    MemberUpdated,
    MessagesDelivered,
    MessagesRead,
    ReadPositionMoved,
)
from talkwire.core.domain.model import NOT_MARKED, Member
from talkwire.storage.projections.projection import Projections
from talkwire.storage.schema import conversations, members, restrictions, spans
from talkwire.storage.sql.keys import direct_key
from talkwire.storage.tables.files import replace_picture
from talkwire.storage.tables.rows import conversation_values
from talkwire.storage.workspace import Workspace


def _created(workspace: Workspace, event: ConversationCreated) -> None:
    conversation = event.conversation
    key = direct_key(*(member.user_id for member in event.members)) if conversation.kind == "direct" else None
    workspace.connection.execute(insert(conversations), conversation_values(conversation) | {"direct_key": key})
    workspace.put_conversation(conversation)
    _insert_members(workspace, event.members, event.pos)


def _updated(workspace: Workspace, event: ConversationUpdated) -> None:
    conversation = event.conversation
    before = workspace.known_conversation(conversation.id).avatar
    if before != conversation.avatar:
        replace_picture(workspace.connection, before, event.at_ms)
    workspace.put_conversation(conversation)
    workspace.connection.execute(
        update(conversations).where(conversations.c.id == conversation.id).values(**conversation_values(conversation))
    )


def _deleted(workspace: Workspace, event: ConversationDeleted) -> None:
    """The messages stay until they are pruned; without members nobody can see them."""
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
    replace_picture(connection, workspace.known_conversation(id_).avatar, event.at_ms)
    workspace.change_conversation(id_, deleted_ms=event.at_ms, updated_ms=event.at_ms, member_count=0)
    connection.execute(update(conversations).where(conversations.c.id == id_).values(direct_key=None))


def _members_added(workspace: Workspace, event: MemberAdded) -> None:
    _insert_members(workspace, event.members, event.pos)
    _resize(workspace, event.conversation_id, len(event.members), event.at_ms)


def _insert_members(workspace: Workspace, added: Sequence[Member], pos: int) -> None:
    workspace.connection.execute(insert(members), [asdict(member) for member in added])
    opened = [
        {
            "user_id": member.user_id,
            "conversation_id": member.conversation_id,
            "from_pos": pos,
            "history_seq": member.history_seq,
            "history_pos": member.history_pos,
        }
        for member in added
    ]
    workspace.connection.execute(insert(spans), opened)
    for member in added:
        workspace.put_member(member.conversation_id, member.user_id, member)


def _member_removed(workspace: Workspace, event: MemberRemoved) -> None:
    id_, user_id = event.conversation_id, event.user_id
    workspace.connection.execute(delete(members).where(members.c.conversation_id == id_, members.c.user_id == user_id))
    workspace.connection.execute(
        update(spans)
        .where(spans.c.user_id == user_id, spans.c.conversation_id == id_, spans.c.to_pos.is_(None))
        .values(to_pos=event.pos)
    )
    workspace.put_member(id_, user_id, None)
    if workspace.known_conversation(id_).owner_id == user_id:
        # The heir, if there is one, becomes the owner by an event of its own.
        workspace.change_conversation(id_, owner_id=None)
    _resize(workspace, id_, -1, event.at_ms)


def _resize(workspace: Workspace, conversation_id: str, by: int, now_ms: int) -> None:
    count = workspace.known_conversation(conversation_id).member_count + by
    workspace.change_conversation(conversation_id, member_count=count, updated_ms=now_ms)


def _member_updated(workspace: Workspace, event: MemberUpdated) -> None:
    member = event.member
    workspace.change_member(member.conversation_id, member.user_id, role=member.role)
    if member.role == "owner":
        workspace.change_conversation(member.conversation_id, owner_id=member.user_id)


def _restricted(workspace: Workspace, event: MemberRestricted) -> None:
    restriction = event.restriction
    _drop_restriction(workspace, event)
    workspace.connection.execute(insert(restrictions), asdict(restriction))
    _mute(workspace, event, restriction.until_ms)


def _unrestricted(workspace: Workspace, event: MemberUnrestricted) -> None:
    _drop_restriction(workspace, event)
    _mute(workspace, event, 0)


def _drop_restriction(workspace: Workspace, event: MemberRestricted | MemberUnrestricted) -> None:
    restriction = event.restriction
    workspace.connection.execute(
        delete(restrictions).where(
            restrictions.c.conversation_id == restriction.conversation_id,
            restrictions.c.user_id == restriction.user_id,
            restrictions.c.kind == restriction.kind,
        )
    )


def _mute(workspace: Workspace, event: MemberRestricted | MemberUnrestricted, until_ms: int) -> None:
    """A mute is kept with the member too, where sending finds it."""
    restriction = event.restriction
    if restriction.kind != "mute":
        return
    if workspace.member(restriction.conversation_id, restriction.user_id) is not None:
        workspace.change_member(restriction.conversation_id, restriction.user_id, muted_until_ms=until_ms)


def _preferred(workspace: Workspace, event: ConversationPreferred) -> None:
    workspace.change_member(
        event.conversation_id, event.user_id, muted=event.muted, notify=event.notify, sound=event.sound
    )


def _read(workspace: Workspace, event: MessagesRead) -> None:
    """Whoever has read a message has received it."""
    member = workspace.known_member(event.conversation_id, event.user_id)
    conversation = workspace.known_conversation(event.conversation_id)
    read_sent = _read_sent(workspace, member, event.seq, conversation.last_seq)
    changes = {"read_seq": event.seq, "read_ms": event.at_ms, "read_sent": read_sent}
    if event.seq > member.delivered_seq:
        changes |= {"delivered_seq": event.seq, "delivered_ms": event.at_ms}
    workspace.move_member(member, **changes)


def _read_sent(workspace: Workspace, member: Member, seq: int, last_seq: int) -> int:
    """How many messages up to their new position the reader sent themselves. Who has not read to the end has their
    messages counted: of what they have just read, or of what they have not, whichever is less to look through."""
    if seq == last_seq:
        return member.sent_count
    if seq - member.read_seq < last_seq - seq:
        return member.read_sent + _count_own(workspace, member, member.read_seq, seq)
    return member.sent_count - _count_own(workspace, member, seq, last_seq)


def _count_own(workspace: Workspace, member: Member, after_seq: int, up_to_seq: int) -> int:
    workspace.write_messages()
    parameters = {
        "conversation_id": member.conversation_id,
        "user_id": member.user_id,
        "after_seq": after_seq,
        "up_to_seq": up_to_seq,
    }
    return int(workspace.connection.execute(workspace.lookups.count_own, parameters).scalar_one())


def _own_position_moved(workspace: Workspace, event: ReadPositionMoved) -> None:
    """Forward to where others see the member, the mark ends."""
    member = workspace.known_member(event.conversation_id, event.user_id)
    if event.seq == member.read_seq:
        workspace.change_member(event.conversation_id, event.user_id, marked_at_seq=NOT_MARKED)
        return
    low, high = sorted((event.seq, member.own_seq))
    between = _count_own(workspace, member, low, high)
    workspace.change_member(
        event.conversation_id,
        event.user_id,
        marked_seq=event.seq,
        marked_sent=member.own_sent + (between if high == event.seq else -between),
        marked_at_seq=member.read_seq,
    )


def _delivered(workspace: Workspace, event: MessagesDelivered) -> None:
    member = workspace.known_member(event.conversation_id, event.user_id)
    workspace.move_member(member, delivered_seq=event.seq, delivered_ms=event.at_ms)


PROJECTIONS: Projections = MappingProxyType(
    {
        ConversationCreated: _created,
        ConversationUpdated: _updated,
        ConversationDeleted: _deleted,
        ConversationPreferred: _preferred,
        MemberAdded: _members_added,
        MemberRemoved: _member_removed,
        MemberUpdated: _member_updated,
        MemberRestricted: _restricted,
        MemberUnrestricted: _unrestricted,
        MessagesRead: _read,
        ReadPositionMoved: _own_position_moved,
        MessagesDelivered: _delivered,
    }
)
