"""What is asked about who is in a conversation."""

from __future__ import annotations

from talkwire.core.commands.command import Change
from talkwire.core.commands.conversations import MemberView
from talkwire.core.domain.model import Member, MemberRole


class AddMembers(Change[tuple[Member, ...]], frozen=True, tag="AddMembers"):
    """Answers those who were not members before. A public group or channel is joined by adding oneself alone."""

    conversation_id: str
    user_ids: tuple[str, ...]


class RemoveMember(Change[None], frozen=True, tag="RemoveMember"):
    """Taking out oneself is leaving."""

    conversation_id: str
    user_id: str


class UpdateMember(Change[MemberView], frozen=True, tag="UpdateMember"):
    """Making somebody the owner makes the old owner an admin."""

    conversation_id: str
    user_id: str
    role: MemberRole
