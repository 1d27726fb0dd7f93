"""The operator's rules for what users may do: registering, searching for others, creating, deleting and listing
conversations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from talkwire.core.domain.model import Actor, ConversationKind, User

Accounts = Literal["open", "invite", "off"]
Directory = Literal["everyone", "contacts", "off"]
Creators = Literal["everyone", "service"]
Deleters = Literal["owner", "service"]
Streamers = Literal["agents", "everyone", "off"]
WebSignIn = Literal["account", "token", "both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """The operator's rules for what users may do. They do not restrict the application's backend (`service`) and
    admins, except for `streams`."""

    accounts: Accounts = "open"
    """Who may register with e-mail and password. `off`: nobody, and existing accounts cannot sign in."""

    directory: Directory = "everyone"
    """Which users a search for users finds. `contacts`: those that share a conversation with the searcher."""

    create_direct: Creators = "everyone"
    create_group: Creators = "everyone"
    create_channel: Creators = "everyone"

    delete_conversation: Deleters = "owner"
    """`service`: an owner cannot delete a conversation, and it stays when its last member leaves."""

    streams: Streamers = "agents"
    """Who may write all types of parts, not only texts and sources. `agents`: agents and the application's backend.
    `off`: nobody, not even the backend."""

    open_streams: int = 8
    """How many messages a person writes at once while others read them, at most."""

    open_agent_streams: int = 500
    """The same for an agent."""

    max_turn_tries: int = 5
    """How often a turn of an agent may fail until it is given up."""

    turn_alert_s: int = 300
    """After how many seconds a turn that is still open is reported."""

    max_agent_depth: int = 3
    """How many messages of agents may answer each other without a person in between."""

    agent_messages_per_hour: int = 60
    """How many messages an agent sends in one conversation within an hour, at most."""

    default_conversations: tuple[str, ...] = ()
    """The ids of the conversations that every new user joins."""

    conversation_keys: tuple[str, ...] = ()
    """The keys of conversations' metadata by which lists can be filtered."""

    oidc_issuer: str | None = None
    """The OpenID provider that users sign in with; None: there is none."""

    @property
    def has_sign_in(self) -> bool:
        """Returns whether users sign in on this server, with an account or through an OpenID provider."""
        return self.accounts != "off" or self.oidc_issuer is not None

    def accepts_sign_in(self, issuer: str | None) -> bool:
        """Returns whether a device that has signed in may stay signed in under this policy. `issuer` is the OpenID
        provider through which it signed in, None for an account's password."""
        return self.accounts != "off" if issuer is None else issuer == self.oidc_issuer

    def creators_of(self, kind: ConversationKind) -> Creators:
        """Returns who may create conversations of this kind: `everyone`, or `service` for only the application's
        backend and operators."""
        match kind:
            case "direct":
                return self.create_direct
            case "group":
                return self.create_group
            case "channel":
                return self.create_channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The actions that one user may perform on this server, independent of roles in conversations."""

    create_direct: bool
    create_group: bool
    create_channel: bool
    delete_conversation: bool
    """Whether the user may delete conversations that the user owns."""

    choose_handle: bool
    """Whether users may choose their own handle, as they may if users sign in on this server."""


def rights_of(actor: Actor, policy: AccessPolicy) -> Rights:
    """Returns what the actor may do under the operator's policy. The application's backend and operators have all
    rights."""
    is_free = actor.role != "user"
    return Rights(
        create_direct=is_free or policy.create_direct == "everyone",
        create_group=is_free or policy.create_group == "everyone",
        create_channel=is_free or policy.create_channel == "everyone",
        delete_conversation=is_free or policy.delete_conversation == "owner",
        choose_handle=is_free or policy.has_sign_in,
    )


def may_stream(actor: Actor, sender: User, policy: AccessPolicy) -> bool:
    """Returns whether all types of parts may be in a message that `actor` writes, with `sender` as its sender."""
    if policy.streams == "agents":
        return actor.is_service or sender.kind == "agent"
    return policy.streams == "everyone"


DEFAULT_POLICY = AccessPolicy()
