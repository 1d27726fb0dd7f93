"""Names of commands in hooks, callbacks and settings: those of the messenger dialect."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from talkwire.core.commands.calls import AcceptCall, HangUpCall, InviteToCall, RejectCall, SendCallSignal
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import (
    CreateConversation,
    DeleteConversation,
    ListConversations,
    UpdateConversation,
)
from talkwire.core.commands.invitations import AcceptInvitation
from talkwire.core.commands.members import AddMembers, RemoveMember, UpdateMember
from talkwire.core.commands.messages import (
    DeleteMessage,
    EditMessage,
    ForwardMessage,
    ListMessages,
    PinMessage,
    React,
    SendMessage,
    UnpinMessage,
    Unreact,
)
from talkwire.core.commands.notifications import MarkNotificationsRead
from talkwire.core.commands.offers import CounterOffer, CreateOffer, ListOffers, UpdateOffer
from talkwire.core.commands.presence import GetPresence, SetPresence
from talkwire.core.commands.receipts import MarkDelivered, MarkRead, MarkUnread
from talkwire.core.commands.search import FindPublicConversations
from talkwire.core.commands.sync import GetSyncState, ListEvents
from talkwire.core.commands.typing import SetTyping

CommandType = type[Command[Any]]


class Named(NamedTuple):
    """A command class that a name stands for. `when` selects the commands of that class that the name means, since
    `typing:start` and `typing:stop` share a class."""

    command_type: CommandType
    when: Callable[[Any], bool] = lambda _: True


COMMANDS: Mapping[str, tuple[Named, ...]] = MappingProxyType(
    {
        "message:send": (Named(SendMessage),),
        "message:edit": (Named(EditMessage),),
        "message:delete": (Named(DeleteMessage),),
        "message:forward": (Named(ForwardMessage),),
        "message:react": (Named(React),),
        "message:unreact": (Named(Unreact),),
        "message:pin": (Named(PinMessage),),
        "message:unpin": (Named(UnpinMessage),),
        "message:read": (Named(MarkRead),),
        "message:delivered": (Named(MarkDelivered),),
        "conversation:mark-unread": (Named(MarkUnread),),
        "notifications:read": (Named(MarkNotificationsRead),),
        "messages:list": (Named(ListMessages),),
        "conversation:create": (Named(CreateConversation),),
        "conversation:update": (Named(UpdateConversation),),
        "conversation:delete": (Named(DeleteConversation),),
        "conversations:list": (Named(ListConversations), Named(FindPublicConversations)),
        "member:add": (Named(AddMembers),),
        "member:remove": (Named(RemoveMember),),
        "member:update": (Named(UpdateMember),),
        "offer:create": (Named(CreateOffer),),
        "offer:update": (Named(UpdateOffer),),
        "offer:counter": (Named(CounterOffer),),
        "offers:list": (Named(ListOffers),),
        "typing:start": (Named(SetTyping, lambda command: command.is_typing),),
        "typing:stop": (Named(SetTyping, lambda command: not command.is_typing),),
        "presence:set": (Named(SetPresence),),
        "presence:get": (Named(GetPresence),),
        "call:invite": (Named(InviteToCall),),
        "call:accept": (Named(AcceptCall),),
        "call:reject": (Named(RejectCall),),
        "call:signal": (Named(SendCallSignal),),
        "call:hangup": (Named(HangUpCall),),
        "sync": (Named(GetSyncState), Named(ListEvents)),
    }
)

REST_COMMANDS: Mapping[str, tuple[Named, ...]] = MappingProxyType({"invitation:accept": (Named(AcceptInvitation),)})
"""Commands that users can give over REST only, for hooks that want to refuse them."""

SOCKET_EVENTS = frozenset(
    {
        "auth:refresh",
        "conversation:join",
        "conversation:leave",
        "ping",
        "presence:subscribe",
        "presence:unsubscribe",
    }
)
"""Events of the messenger dialect that concern one socket only and execute no command."""


def commands_named(what: str | type) -> tuple[Named, ...]:
    """Returns the commands that a name stands for, or a command class itself. Raises ValueError for any other name or
    class."""
    if isinstance(what, type) and issubclass(what, Command):
        return (Named(what),)
    name = what if isinstance(what, str) else what.__name__
    found = COMMANDS.get(name) or REST_COMMANDS.get(name)
    if found is None:
        raise ValueError(f'"{name}" {_why_not_a_command(name)}')
    return found


def _why_not_a_command(name: str) -> str:
    if name in SOCKET_EVENTS:
        return "concerns one socket only, so there is no command to change or refuse"
    return f"is not a command of the messenger dialect{similar(name, (*COMMANDS, *REST_COMMANDS))}"


def similar(name: str, names: Iterable[object]) -> str:
    """Returns a hint at the most similar of these names, to be appended to a message; empty if none is similar."""
    close = difflib.get_close_matches(name, [str(each) for each in names], 1)
    return f"; did you mean {close[0]}?" if close else ""
