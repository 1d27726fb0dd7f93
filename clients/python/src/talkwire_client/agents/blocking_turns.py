"""`BlockingTurns` and `BlockingTurn`: an agent's turns for programs without asyncio."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from types import EllipsisType, TracebackType
from typing import Any, Literal, Protocol, Self, TypeVar

from talkwire_client.agents.answer_stream import AnswerStream
from talkwire_client.agents.turn import Turn
from talkwire_client.agents.turns import Turns
from talkwire_client.blocking_stream import BlockingMessageStream
from talkwire_client.payloads import (
    AskedCard,
    Attachment,
    Card,
    CardAction,
    CardField,
    CardWho,
    File,
    Message,
)
from talkwire_client.written_parts import MessagePart

T = TypeVar("T")

_END: Any = object()


class _WaitFor(Protocol):
    def __call__(self, work: Coroutine[Any, Any, T], *, is_endless: bool = False) -> T:
        """Runs a coroutine in the background thread and returns its result."""


class BlockingTurns:
    """`Turns` for `with` and then `for`. `BlockingTalkwire.turns` returns it.

    Several threads may ask it for turns, and handle them at the same time.
    """

    def __init__(self, turns: Turns, wait_for: _WaitFor) -> None:
        self._turns = turns
        self._wait_for = wait_for

    def __enter__(self) -> Self:
        self._wait_for(self._turns.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the iteration, and releases the turns that the program still has."""
        self._wait_for(self._turns.close())

    def __iter__(self) -> Iterator[BlockingTurn]:
        aiter(self._turns)  # Raises outside of the block.
        return self

    def __next__(self) -> BlockingTurn:
        async def following() -> Turn:
            return await anext(self._turns, _END)

        turn = self._wait_for(following(), is_endless=True)
        if turn is _END:
            raise StopIteration
        return BlockingTurn(turn, self._wait_for)


class BlockingAnswerStream(BlockingMessageStream):
    """An `AnswerStream` for `with`, whose methods wait for their results. `BlockingTurn.stream` returns it."""

    def __init__(self, stream: AnswerStream, wait_for: _WaitFor) -> None:
        super().__init__(stream, wait_for)
        self._answer = stream

    def finish(
        self,
        *,
        parts: Sequence[MessagePart] | None = None,
        attachments: Sequence[File | Attachment | Mapping[str, Any]] = (),
        error: Mapping[str, str] | None = None,
        more: bool | None = None,
    ) -> Message:
        """Ends the stream, and the turn, unless there will be `more`."""
        return self._wait_for(self._answer.finish(parts=parts, attachments=attachments, error=error, more=more))


class BlockingTurn:
    """A `Turn` for `with`, whose methods wait for their results. `BlockingTurns` yields it.

    A thread cannot be cancelled: when another program has the turn, the next of these calls raises `TalkwireError`,
    which the block of `with` suppresses.
    """

    def __init__(self, turn: Turn, wait_for: _WaitFor) -> None:
        self._turn = turn
        self._wait_for = wait_for

    def __enter__(self) -> Self:
        async def enter() -> None:
            self._turn.enter()

        self._wait_for(enter())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return self._wait_for(self._turn.leave(error))

    @property
    def id(self) -> str:
        """The turn's id."""
        return self._turn.id

    @property
    def conversation_id(self) -> str:
        """The conversation in which the agent has to answer."""
        return self._turn.conversation_id

    @property
    def agent_id(self) -> str:
        """The agent."""
        return self._turn.agent_id

    @property
    def messages(self) -> list[Message]:
        """The messages that the agent has not answered, the oldest first."""
        return self._turn.messages

    @property
    def note(self) -> str | None:
        """What a member of the conversation's teams wrote for the agent."""
        return self._turn.note

    @property
    def card(self) -> Card | None:
        """The card for whose decision the turn has waited, as it has ended."""
        return self._turn.card

    @property
    def card_message(self) -> Message | None:
        """The message with the card for whose decision the turn has waited."""
        return self._turn.card_message

    @property
    def attempt(self) -> int:
        """How often the turn has been claimed, this time included."""
        return self._turn.attempt

    @property
    def tries(self) -> int:
        """How often an attempt has failed before."""
        return self._turn.tries

    @property
    def token(self) -> str:
        """The token of this attempt."""
        return self._turn.token

    @property
    def lease_until(self) -> str:
        """When the lease would have ended that the claim has given."""
        return self._turn.lease_until

    @property
    def stopped(self) -> Mapping[str, Any] | None:
        """Who has asked to stop, and when; None if nobody has."""
        return self._turn.stopped

    @property
    def lost(self) -> bool:
        """Whether another program has the turn, or the server has ended it."""
        return self._turn.lost

    def send(
        self,
        content: str = "",
        *,
        more: bool = False,
        model: str | None = None,
        parts: Sequence[MessagePart] = (),
        card: AskedCard | Mapping[str, Any] | None = None,
        attachments: Sequence[File | Attachment | Mapping[str, Any]] = (),
        reply_to_id: str | None = None,
        thread_id: str | EllipsisType | None = ...,
        metadata: Mapping[str, Any] | None = None,
        client_message_id: str | None = None,
        on_behalf_of: str | None = None,
        if_last_seq: int | None = None,
    ) -> Message:
        """Sends a message and ends the turn, unless there will be `more`. Returns the message."""
        return self._wait_for(
            self._turn.send(
                content,
                more=more,
                model=model,
                parts=parts,
                card=card,
                attachments=attachments,
                reply_to_id=reply_to_id,
                thread_id=thread_id,
                metadata=metadata,
                client_message_id=client_message_id,
                on_behalf_of=on_behalf_of,
                if_last_seq=if_last_seq,
            )
        )

    def stream(
        self,
        *,
        more: bool = False,
        model: str | None = None,
        continue_: bool = False,
        reply_to_id: str | None = None,
        thread_id: str | EllipsisType | None = ...,
        metadata: Mapping[str, Any] | None = None,
        client_message_id: str | None = None,
        on_behalf_of: str | None = None,
    ) -> BlockingAnswerStream:
        """Returns a message that is written while others read it, for `with`. Its end is the end of the turn, unless
        there will be `more`.
        """

        async def make() -> AnswerStream:
            return self._turn.stream(
                more=more,
                model=model,
                continue_=continue_,
                reply_to_id=reply_to_id,
                thread_id=thread_id,
                metadata=metadata,
                client_message_id=client_message_id,
                on_behalf_of=on_behalf_of,
            )

        return BlockingAnswerStream(self._wait_for(make()), self._wait_for)

    def ask(
        self,
        title: str,
        actions: Sequence[CardAction],
        *,
        text: str | None = None,
        fields: Sequence[CardField] = (),
        decide: Literal["first"] | Mapping[str, int] = "first",
        who: CardWho | None = None,
        expires_at: str | None = None,
        subject: Mapping[str, Any] | None = None,
        reply_to_id: str | None = None,
        thread_id: str | EllipsisType | None = ...,
        metadata: Mapping[str, Any] | None = None,
        on_behalf_of: str | None = None,
    ) -> Message:
        """Sends a message with a card and lets the turn wait for its decision, without this program."""
        return self._wait_for(
            self._turn.ask(
                title,
                actions,
                text=text,
                fields=fields,
                decide=decide,
                who=who,
                expires_at=expires_at,
                subject=subject,
                reply_to_id=reply_to_id,
                thread_id=thread_id,
                metadata=metadata,
                on_behalf_of=on_behalf_of,
            )
        )

    def update(self, *, label: str | None = None, lease_s: int | None = None) -> Mapping[str, Any] | None:
        """Renews the lease, and shows members the `label`. Returns `stopped`."""
        return self._wait_for(self._turn.update(label=label, lease_s=lease_s))

    def done(self) -> None:
        """Ends the turn without a message."""
        self._wait_for(self._turn.done())

    def release(self) -> None:
        """Gives the turn back, for another process of the agent."""
        self._wait_for(self._turn.release())

    def fail(self, code: str = "failed", message: str = "") -> None:
        """Ends this attempt as failed."""
        self._wait_for(self._turn.fail(code, message))
