"""The operations with which a client says whether its user is typing."""

from __future__ import annotations

from talkwire.core.commands.typing import SetTyping
from talkwire.operations.operation import Operation
from talkwire.operations.shapes import InputMember, Shape

_SOCKET = ("source",)

ROUTE = Operation(
    SetTyping,
    route="POST /conversations/{conversation_id}/typing",
    tag="conversations",
    summary="Announce that the caller started or stopped typing",
    members={"is_typing": InputMember(default=True)},
    without=_SOCKET,
    body=Shape("TypingBody"),
)

EVENTS = (
    Operation(
        SetTyping,
        event="typing:start",
        name="typing",
        summary="Announce that the user started typing",
        event_summary="Announce that the user started typing. Typing ends automatically after 5 s.",
        fixed={"is_typing": True},
        without=_SOCKET,
    ),
    Operation(
        SetTyping,
        event="typing:stop",
        name="typing",
        summary="Announce that the user stopped typing",
        fixed={"is_typing": False},
        without=_SOCKET,
    ),
)

OPERATIONS = (ROUTE, *EVENTS)
