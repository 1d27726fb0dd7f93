"""Commands about the members of a conversation."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from talkwire.core.commands.command import Change
from talkwire.core.commands.conversations import MemberView
from talkwire.core.domain.model import Member, MemberRole


class AddedMembers(msgspec.Struct, frozen=True):
    """The new members of a conversation. While memberships through added teams are still being written, `pending_pos`
    is the log position of the change from which they follow, else None."""

    members: tuple[Member, ...]
    pending_pos: int | None = None


class AddMembers(Change[AddedMembers], frozen=True, tag="AddMembers"):
    """Adds users and teams to a conversation and returns the new members, without users who were members already. Users
    are added by the conversation's owner and admins, teams by their members (who are members of the conversation), and
    both by the application's backend and operators.

    Users join a public group or channel by adding themselves and nobody else.
    """

    conversation_id: str
    user_ids: tuple[str, ...] = ()
    team_ids: Annotated[
        tuple[str, ...] | UnsetType, Meta(description="Teams whose members become members of the conversation")
    ] = UNSET


class RemovedMember(msgspec.Struct, frozen=True):
    """What `RemoveMember` returns: while memberships through removed teams are still being ended, `pending_pos` is the
    log position of the change, else None."""

    pending_pos: int | None = None


class RemoveMember(Change[RemovedMember], frozen=True, tag="RemoveMember"):
    """Removes a member or teams from a group or channel; members leave by removing themselves. `may_remove` in
    `core/domain/access.py` says which actors may remove others. When the owner leaves, another member becomes the
    owner."""

    conversation_id: str
    user_id: str | UnsetType = UNSET
    team_ids: Annotated[tuple[str, ...] | UnsetType, Meta(description="Teams whose members leave the conversation")] = (
        UNSET
    )


class RemoveTeam(Change[RemovedMember], frozen=True, tag="RemoveTeam"):
    """Removes a team from a conversation, as `RemoveMember` with `team_ids`."""

    conversation_id: str
    team_id: str


class UpdateMember(Change[MemberView], frozen=True, tag="UpdateMember"):
    """Changes a member's role in a conversation and returns the member. When a member becomes the owner, the former
    owner becomes an admin. Only for the owner, the application's backend and operators; admins may only make themselves
    ordinary members."""

    conversation_id: str
    user_id: str
    role: MemberRole
