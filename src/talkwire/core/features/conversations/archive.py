"""Decides which conversations are archived for a member: those that the member has archived and that no newer message
has brought back.

Any new message brings a conversation back, except in a muted conversation, where only a message that mentions the
member does. When a mute ends by itself, the messages that came meanwhile bring the conversation back. This is computed
when it is read, so that sending a message does not change the rows of members who have archived the conversation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from talkwire.core.domain.model import Conversation, ConversationPreferences, Member
from talkwire.core.ports.transaction import Snapshot, Transaction


def archived_of(
    snapshot: Snapshot, user_id: str, conversations: Collection[Conversation], members: Mapping[str, Member]
) -> Collection[str]:
    """Returns the ids of the conversations that the user has archived and that no newer message has brought back; in a
    muted conversation, only a message that mentions the user does so. `members` maps conversation ids to the user's
    memberships."""
    found: set[str] = set()
    muted: dict[str, int] = {}
    for conversation in conversations:
        member = members.get(conversation.id)
        if member is None or member.archived_seq is None:
            continue
        if conversation.last_seq <= member.archived_seq:
            found.add(conversation.id)
        elif member.at(snapshot.now_ms).muted:
            muted[conversation.id] = member.archived_seq
    mentioned = snapshot.unreads.mentioned_after(muted, user_id) if muted else ()
    return found | (muted.keys() - set(mentioned))


def is_archived(tx: Transaction, member: Member) -> bool:
    """Returns whether a member has archived the conversation and no newer message has brought it back. In a muted
    conversation, only a message that mentions the member does so."""
    conversation = tx.conversation(member.conversation_id)
    if conversation is None or member.archived_seq is None:
        return False
    if conversation.last_seq <= member.archived_seq:
        return True
    if not member.at(tx.now_ms).muted:
        return False
    return tx.unread_after(member.conversation_id, member.user_id, member.archived_seq).mention_count == 0


def conversation_preferences_of(member: Member, *, archived: bool) -> ConversationPreferences:
    return ConversationPreferences(
        member.muted, member.notify, member.sound, member.unmute_ms, member.favourite, archived, member.section
    )
