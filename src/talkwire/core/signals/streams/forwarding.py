"""Passes commands of authors to the home of their stream, if that is another node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.streams.writing import (
    Appended,
    AppendToMessage,
    FinishMessage,
    KeepStream,
    Kept,
    RewindMessage,
    Rewound,
)
from talkwire.core.domain.errors import ChatError, ErrorCode, RefusalCause
from talkwire.core.domain.model import Actor, Message

_WRITES = "stream-write"
_LOSSES = "stream-lost"

Write = AppendToMessage | RewindMessage | KeepStream | FinishMessage

Written = Appended | Rewound | Kept | Message
"""Result of a command that writes to a stream."""


class _WriteQuestion(msgspec.Struct, frozen=True):
    """A request to the home of a stream to execute an author's command."""

    actor: Actor
    command: Write


class _WriteAnswer(msgspec.Struct, frozen=True):
    """The command's result, or as `error` the (code, message, details) with which it was refused, and its `cause`."""

    appended: Appended | None = None
    rewound: Rewound | None = None
    kept: Kept | None = None
    message: Message | None = None
    error: tuple[ErrorCode, str, object] | None = None
    cause: RefusalCause | None = None


class _LossQuestion(msgspec.Struct, frozen=True):
    """A notice to the home of a stream that the node `node_id` has lost something of it."""

    message_id: int
    node_id: str


class _LossAnswer(msgspec.Struct, frozen=True):
    """The home has received the notice, and sends everything."""


class StreamForwarding:
    """Passes commands to other nodes, and executes theirs with `execute`. `on_loss` is called with the id of a message
    that is written through this node, and the id of a node that has lost something of it."""

    def __init__(
        self,
        peers: Peers,
        execute: Callable[[Actor, Write], Awaitable[Written]],
        on_loss: Callable[[int, str], None],
    ) -> None:
        self._peers = peers
        self._execute = execute
        self._on_loss = on_loss
        peers.answer(_WRITES, _WriteQuestion, self._answer_write)
        peers.answer(_LOSSES, _LossQuestion, self._answer_loss)

    async def forward(self, home_id: str, actor: Actor, command: Write, wait_s: float) -> Written | None:
        """Returns the result of a command that the home of its stream has executed; None if the home does not answer
        within `wait_s` seconds. Raises what the home has raised."""
        question = _WriteQuestion(actor, command)
        answers = await self._peers.ask(_WRITES, question, _WriteAnswer, to=home_id, wait_s=wait_s)
        answer = answers.get(home_id)
        if answer is None:
            return None
        if answer.error is not None:
            raise ChatError(*answer.error, cause=answer.cause)
        return answer.message or answer.appended or answer.rewound or answer.kept or Kept()

    async def report_loss(self, home_id: str, message_id: int) -> None:
        await self._peers.ask(_LOSSES, _LossQuestion(message_id, self._peers.node_id), _LossAnswer, to=home_id)

    async def _answer_write(self, question: _WriteQuestion) -> _WriteAnswer:
        try:
            result = await self._execute(question.actor, question.command)
        except ChatError as error:
            return _WriteAnswer(error=(error.code, error.message, error.details), cause=error.cause)
        return _WriteAnswer(
            appended=result if isinstance(result, Appended) else None,
            rewound=result if isinstance(result, Rewound) else None,
            kept=result if isinstance(result, Kept) else None,
            message=result if isinstance(result, Message) else None,
        )

    async def _answer_loss(self, question: _LossQuestion) -> _LossAnswer:
        self._on_loss(question.message_id, question.node_id)
        return _LossAnswer()
