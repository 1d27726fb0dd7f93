"""Commands about the members of a conversation."""

from __future__ import annotations

from talkwire.core.commands.command import Change
from talkwire.core.commands.conversations import MemberView
from talkwire.core.domain.model import Member, MemberRole


class AddMembers(Change[tuple[Member, ...]], frozen=True, tag="AddMembers"):
    """Adds users to a conversation and returns the new members, without users who were members already. Only for the
    conversation's owner and admins, the application's backend and operators.

    Users join a public group or channel by adding themselves and nobody else.
    """

    conversation_id: str
    user_ids: tuple[str, ...]


class RemoveMember(Change[None], frozen=True, tag="RemoveMember"):
    """Removes a member from a group or channel; members leave by removing themselves. `may_remove` in
    `core/domain/access.py` says which actors may remove others. When the owner leaves, another member becomes the
    owner."""

    conversation_id: str
    user_id: str


class UpdateMember(Change[MemberView], frozen=True, tag="UpdateMember"):
    """Changes a member's role in a conversation and returns the member. When a member becomes the owner, the former
    owner becomes an admin. Only for the owner, the application's backend and operators; admins may only make themselves
    ordinary members."""

    conversation_id: str
    user_id: str
    role: MemberRole
