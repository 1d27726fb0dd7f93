"""Which memberships through teams are listed: in the member's list of conversations, unread counts and notifications.

A member in their own right is always listed. A member through a team is listed from the moment they write, are
mentioned or become the handler, until the conversation is closed. Conversations with notes are in nobody's list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from talkwire.core.domain.events import MembersListed
from talkwire.core.domain.model import Conversation, Member
from talkwire.core.ports.transaction import Transaction


def list_member(tx: Transaction, member: Member) -> None:
    """Records that a member is listed from now on. Records nothing if they are already."""
    _record(tx, member.conversation_id, [member], listed=True)


def unlist_member(tx: Transaction, member: Member) -> None:
    """Records that a member is listed no longer. Records nothing if they are not."""
    _record(tx, member.conversation_id, [member], listed=False)


def list_members(tx: Transaction, conversation_id: str, user_ids: Collection[str]) -> None:
    """Records that members of a conversation are listed from now on, by one event for all of them. Leaves out users who
    are listed already or are not members."""
    _record(tx, conversation_id, tx.members(conversation_id, user_ids).values(), listed=True)


def list_writers(tx: Transaction, conversation: Conversation, sender_id: str, mentions: Collection[str] = ()) -> None:
    """Records that the sender of a message and the users whom it mentions are listed from now on. A note lists only the
    users whom it mentions, in the conversation that it is about."""
    if conversation.notes_of is None:
        list_members(tx, conversation.id, {sender_id, *mentions})
    elif mentions:
        list_members(tx, conversation.notes_of, {*mentions})


def unlist_members(tx: Transaction, conversation: Conversation) -> None:
    """Records that no member of a conversation who is there only through teams is listed any more, by one event for all
    of them."""
    present = tx.members(conversation.id, tx.teams.members_through_teams(conversation.id))
    _record(tx, conversation.id, [member for member in present.values() if not member.own], listed=False)


def _record(tx: Transaction, conversation_id: str, members: Iterable[Member], *, listed: bool) -> None:
    user_ids = tuple(sorted(member.user_id for member in members if member.listed is not listed))
    if user_ids:
        tx.record(MembersListed(tx.next_pos(), tx.now_ms, conversation_id, user_ids, listed))
