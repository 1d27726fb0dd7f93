"""Commands about the members of a conversation."""

from __future__ import annotations

from talkwire.core.commands.command import Change
from talkwire.core.commands.conversations import MemberView
from talkwire.core.domain.model import Member, MemberRole


class AddMembers(Change[tuple[Member, ...]], frozen=True, tag="AddMembers"):
    """Adds members and returns those who were not members before.

    To join a public group or channel, users add themselves and nobody else.
    """

    conversation_id: str
    user_ids: tuple[str, ...]


class RemoveMember(Change[None], frozen=True, tag="RemoveMember"):
    """Removes a member. Members who remove themselves leave."""

    conversation_id: str
    user_id: str


class UpdateMember(Change[MemberView], frozen=True, tag="UpdateMember"):
    """Changes a member's role. When a member becomes the owner, the former owner becomes an admin."""

    conversation_id: str
    user_id: str
    role: MemberRole
