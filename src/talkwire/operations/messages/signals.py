"""The operation with which members send custom signals to each other."""

from __future__ import annotations

from typing import Any

from talkwire.core.commands.typing import SendSignal
from talkwire.operations.operation import Operation
from talkwire.operations.shapes import InputMember, Shape

SIGNAL = Operation(
    SendSignal,
    event="signal:send",
    route="POST /conversations/{conversation_id}/signals",
    tag="conversations",
    summary="Send a custom signal to the connected members of a conversation",
    event_summary="Send a custom signal to the connected members of a conversation. It is not stored.",
    description="The server does not store the signal: members who are not connected do not receive it.",
    members={"data": InputMember(type=Any)},
    without=("source",),
    body=Shape("SendSignalBody", "A custom signal: a name, and JSON of the application."),
    payload=Shape("SendSignalPayload", "A custom signal: a name, and JSON of the application."),
)

OPERATIONS = (SIGNAL,)
