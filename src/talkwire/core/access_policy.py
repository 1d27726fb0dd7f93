"""What the operator allows users to do: registering, searching for others, creating and deleting conversations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Accounts = Literal["open", "invite", "off"]
Directory = Literal["everyone", "contacts", "off"]
Creators = Literal["everyone", "service"]
Deleters = Literal["owner", "service"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """The operator's rules for users. They bind neither the application's back end (`service`) nor admins."""

    accounts: Accounts = "open"
    """Who may register with e-mail and password. `off`: nobody, and existing accounts cannot sign in either."""

    directory: Directory = "everyone"
    """Which users a search for users finds. `contacts`: those that share a conversation with the searcher."""

    create_direct: Creators = "everyone"
    create_group: Creators = "everyone"
    create_channel: Creators = "everyone"

    delete_conversation: Deleters = "owner"
    """`service`: an owner cannot delete a conversation, and it stays when its last member leaves."""

    default_conversations: tuple[str, ...] = ()
    """The ids of the conversations that every new user joins."""
