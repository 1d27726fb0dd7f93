"""`Turn`: a piece of an agent's work that this program has claimed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import EllipsisType, TracebackType
from typing import Any, Literal, Self

from talkwire_client.agents.answer_stream import AnswerStream
from talkwire_client.api import FOR_EVER_S, Api, Request, json_of, path, without_none
from talkwire_client.errors import TalkwireError, code_of, conflict_of
from talkwire_client.message_stream import ERROR_CODE_MAX, ERROR_MESSAGE_MAX, KEEPS, LEASE_S
from talkwire_client.messages import MessageCalls
from talkwire_client.payloads import (
    AskedCard,
    Attachment,
    Card,
    CardAction,
    CardField,
    CardWho,
    ClaimedTurn,
    File,
    Message,
)
from talkwire_client.written_parts import MessagePart

RELEASE_S = 5.0
"""Longest time that a program that ends tries to give a turn back, in seconds."""

GONE = frozenset({"ended", "superseded"})
"""Reasons of conflicts that say that this program does not have the turn any more."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Holder:
    """How a program claims its turns, and with what it answers them."""

    chat: MessageCalls
    api: Api
    lease_s: int | None = None
    sender_id: str | None = None

    @property
    def renew_every_s(self) -> float:
        return (self.lease_s or LEASE_S) / KEEPS


class Turn:
    """A piece of an agent's work: the messages of a conversation that the agent has not answered. `Turns` yields it.

    This program has it until it has answered or ended it: `send` and the end of a `stream` answer it, `ask` lets it
    wait for a decision, and `done`, `fail` and `release` end it without a message. Until then the lease is renewed in
    the background.

    For `async with`: an exception that leaves the block fails the turn, with the code of a `TalkwireError`, or the name
    of another exception's class, and without its text. A block that ends without an answer and without one of these
    calls fails it too, with the code `unanswered`. When the task is cancelled, the turn is released. When another
    program has the turn, the block is cancelled, and the program continues after it.

    All calls wait while the server cannot be reached. They raise `TalkwireError` if this program does not have the turn
    any more (`conflict` with the reason `superseded` or `ended`).
    """

    def __init__(self, holder: Holder, claimed: ClaimedTurn, left: Callable[[Turn], None]) -> None:
        self._holder = holder
        self._claimed = claimed
        self._left = left
        """Function that is called once this program has nothing to do with the turn any more."""
        self._commands = asyncio.Lock()
        """Lock that is held while a command is sent that may end the turn."""
        self._stopped = asyncio.Event()
        self._stop: Mapping[str, Any] | None = None
        self._is_writing = False
        """Whether a stream is open, which renews the lease."""
        self._is_over = False
        self._why_lost: TalkwireError | None = None
        self._is_entered = False
        self._block: asyncio.Task[Any] | None = None
        """Task in the block of `async with`."""
        self._cancellations = 0
        """Number of requests to cancel the task of `_block` before the block."""
        self._has_cancelled = False
        self._renewing = asyncio.create_task(self._renew_until_over())

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The turn's id."""
        return self._claimed["id"]

    @property
    def conversation_id(self) -> str:
        """The conversation in which the agent has to answer."""
        return self._claimed["conversationId"]

    @property
    def agent_id(self) -> str:
        """The agent."""
        return self._claimed["agentId"]

    @property
    def messages(self) -> list[Message]:
        """The messages that the agent has not answered, the oldest first."""
        return self._claimed["messages"]

    @property
    def note(self) -> str | None:
        """What a member of the conversation's teams wrote for the agent when the conversation was handed over."""
        return self._claimed.get("note")

    @property
    def card(self) -> Card | None:
        """The card for whose decision the turn has waited, as it has ended; None if it has not waited, or the card was
        deleted.
        """
        message = self.card_message
        return None if message is None else message.get("card")

    @property
    def card_message(self) -> Message | None:
        """The message with the card for whose decision the turn has waited."""
        return self._claimed.get("card")

    @property
    def attempt(self) -> int:
        """How often the turn has been claimed, this time included."""
        return self._claimed["attempt"]

    @property
    def tries(self) -> int:
        """How often an attempt has failed before."""
        return self._claimed.get("tries", 0)

    @property
    def token(self) -> str:
        """The token of this attempt, which is the `turn` of commands."""
        return self._claimed["token"]

    @property
    def lease_until(self) -> str:
        """When the lease would have ended that the claim has given (ISO 8601, UTC). It is renewed since."""
        return self._claimed["leaseUntil"]

    @property
    def stopped(self) -> Mapping[str, Any] | None:
        """Who has asked to stop, and when: `{"by": ..., "at": ...}`; None if nobody has.

        The server says it with its answers, so at the latest when the lease is renewed. Then end the turn.
        """
        return self._stop

    @property
    def lost(self) -> bool:
        """Whether another program has the turn, or the server has ended it. What this program writes is refused."""
        return self._why_lost is not None

    async def until_stopped(self) -> None:
        """Waits until somebody has asked to stop, or this program does not have the turn any more."""
        await self._stopped.wait()

    # --- answering ----------------------------------------------------------------------------------------------------

    async def send(
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
        """Sends a message and ends the turn in the same transaction, unless there will be `more`. Returns the message.

        A message with a `card` lets the turn wait for its decision, as `ask` does.

        `model` names the model that has written the message. If all messages of the turn are in one thread, the message
        is in this thread too, unless `thread_id` is passed. The other arguments are those of `Talkwire.send`.
        """
        async with self._commands:
            self._check_held()
            try:
                sent = await self._holder.chat.send(
                    self.conversation_id,
                    content,
                    parts=parts,
                    card=card,
                    attachments=attachments,
                    reply_to_id=reply_to_id,
                    thread_id=self._thread_of(thread_id),
                    metadata=metadata,
                    client_message_id=client_message_id,
                    generated=_generated(model),
                    on_behalf_of=on_behalf_of,
                    sender_id=self._holder.sender_id,
                    if_last_seq=if_last_seq,
                    turn=self.token,
                    more=more,
                )
            except TalkwireError as refusal:
                self._refused(refusal)
                raise
            if card is not None or not more:
                self._end()
            return sent

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
    ) -> AnswerStream:
        """Returns a message that is written while others read it, for `async with`. Its end is the end of the turn in
        the same transaction, unless there will be `more`.

        async with turn.stream() as message:
            await message.text("It was ")

        If an earlier attempt was broken off while it wrote, this is the same message. What that attempt wrote is
        removed, or with `continue_` kept: then it is in `parts`, and `text` adds to it. If the stream fails, so does
        this attempt of the turn.

        The other arguments are those of `send`, and of `Talkwire.stream`.
        """
        body = {
            "conversationId": self.conversation_id,
            "turn": self.token,
            "more": more or None,
            "clientMessageId": client_message_id,
            "replyToId": reply_to_id,
            "threadId": self._thread_of(thread_id),
            "metadata": metadata,
            "generated": _generated(model),
            "onBehalfOf": on_behalf_of,
            "senderId": self._holder.sender_id,
            "leaseS": self._holder.lease_s,
        }
        return AnswerStream(self._holder.api, without_none(body), self, keeps_parts=continue_)

    async def ask(
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
        """Sends a message with a card and lets the turn wait for its decision, without this program. Returns the
        message.

        Once the decision has ended, the turn can be claimed again, by any process of the agent. It has the `card` then,
        whose `outcome` and `actionId` say how the decision has ended.

        By default, people who are members decide, and the first choice is the decision. `fields`, `decide`, `who`,
        `subject` and `expires_at` (ISO 8601) are members of a card, the other arguments those of `send`.
        """
        card = {
            "title": title,
            "text": text,
            "fields": list(fields) or None,
            "actions": list(actions),
            "decide": decide,
            "who": who,
            "expiresAt": expires_at,
            "subject": subject,
        }
        return await self.send(
            card=without_none(card),
            reply_to_id=reply_to_id,
            thread_id=thread_id,
            metadata=metadata,
            on_behalf_of=on_behalf_of,
        )

    # --- ending -------------------------------------------------------------------------------------------------------

    async def update(self, *, label: str | None = None, lease_s: int | None = None) -> Mapping[str, Any] | None:
        """Renews the lease, and shows the conversation's members what the agent is doing: the `label`, of at most 100
        characters. Returns `stopped`.
        """
        async with self._commands:
            self._check_held()
            try:
                await self._renew({"label": label, "leaseS": lease_s})
            except TalkwireError as refusal:
                self._refused(refusal)
                raise
        return self._stop

    async def done(self) -> None:
        """Ends the turn without a message: there is nothing to say."""
        await self._finish("done")

    async def release(self) -> None:
        """Gives the turn back, for another process of the agent. That counts as no failure. A stream that is open is
        interrupted.
        """
        await self._finish("release")

    async def fail(self, code: str = "failed", message: str = "") -> None:
        """Ends this attempt as failed. The turn can be claimed again after 1 second, then 5, 30, 120 and 600, until it
        has failed too often. The agent's owner sees the code and the message then.
        """
        error = {"code": code[:ERROR_CODE_MAX], "message": message[:ERROR_MESSAGE_MAX] or None}
        await self._finish("fail", {"error": without_none(error)})

    # --- the block ----------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._block = asyncio.current_task()
        self._cancellations = 0 if self._block is None else self._block.cancelling()
        self.enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        block, self._block = self._block, None
        if self._has_cancelled and block is not None and block.uncancel() <= self._cancellations:
            if error is None:  # The cancellation is still to be raised.
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
            elif isinstance(error, asyncio.CancelledError):
                error = None
                await self.leave(None)
                return True
        return await self.leave(error)

    def enter(self) -> None:
        """Begins the block of `with`."""
        self._is_entered = True
        if self._why_lost is not None:
            self._cancel_block()

    async def leave(self, error: BaseException | None) -> bool:
        """Ends the block of `with`. Returns whether the error is only a consequence of not having the turn any more."""
        try:
            if not self._is_over:
                await self._end_for(error)
        except TalkwireError as refusal:
            _logger.info("turn %s could not be ended: %s", self.id, refusal)
        finally:
            self._is_entered = False
            self._end()
        if self._why_lost is not None:
            _logger.info("turn %s is not this program's any more: %s", self.id, self._why_lost)
        return self._why_lost is not None and isinstance(error, TalkwireError)

    async def close(self) -> None:
        """Gives the turn back if this program still has it, and does not wait long for that."""
        if not self._is_over:
            try:
                async with asyncio.timeout(RELEASE_S):
                    await self.release()
            except (TalkwireError, TimeoutError) as refusal:
                _logger.info("turn %s could not be released: %s", self.id, refusal)
        self._end()

    async def _end_for(self, error: BaseException | None) -> None:
        """Ends the turn after a block that has not."""
        if error is None:
            _logger.warning("turn %s was left without an answer: end it with done, release or fail", self.id)
            await self.fail("unanswered", "The program left the turn without an answer.")
        elif isinstance(error, Exception):
            await self.fail(code_of(error))
        else:
            await self.close()

    # --- what a stream reports ----------------------------------------------------------------------------------------

    def stream_opened(self) -> None:
        self._is_writing = True

    def stream_closed(self) -> None:
        self._is_writing = False

    def stream_finished(self, message: Message, *, more: bool) -> None:
        state = message.get("state")
        if state == "stopped" and more:
            why = "Somebody has asked the agent to stop, which has ended the turn."
            self._lose(TalkwireError("conflict", why, {"reason": "ended", "state": "done"}))
        elif state != "done" or not more:
            self._end()

    def stream_refused(self, why: TalkwireError) -> None:
        if conflict_of(why).get("reason") == "superseded":
            self._lose(why)

    def stop_requested(self, stop: Mapping[str, Any]) -> None:
        if self._stop is None:
            self._stop = stop
            self._stopped.set()

    # --- commands -----------------------------------------------------------------------------------------------------

    async def _finish(self, how: str, body: Mapping[str, Any] | None = None) -> None:
        async with self._commands:
            self._check_held()
            try:
                await self._request("POST", how, body=body or {})
            except TalkwireError as refusal:
                self._refused(refusal)
                raise
            self._end()

    async def _renew(self, body: Mapping[str, Any]) -> None:
        answer = await self._request("PATCH", body=body)
        if answer.get("stop") is not None:
            self.stop_requested(answer["stop"])

    async def _request(self, method: str, *parts: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 (JSON)
        named = {**body, "turn": self.token, "senderId": self._holder.sender_id}
        request = Request(method, path("turns", self.id, *parts), json=without_none(named))
        return json_of(await self._holder.api.send(request, FOR_EVER_S))

    async def _renew_until_over(self) -> None:
        while not self._is_over:  # Suspends: it sleeps in each round.
            await asyncio.sleep(self._holder.renew_every_s)
            if not self._is_kept_here:
                continue
            try:
                await self._renew({})
            except TalkwireError as refusal:
                async with self._commands:  # A command that was sent meanwhile may have ended the turn.
                    if self._is_kept_here:
                        self._lose(refusal)

    @property
    def _is_kept_here(self) -> bool:
        """Whether the lease is renewed by `_renew_until_over`, and not by a stream."""
        return not self._is_over and not self._is_writing

    def _check_held(self) -> None:
        """Raises why this program does not have the turn any more."""
        if self._why_lost is not None:
            raise self._why_lost
        if self._is_over:
            raise TalkwireError("closed", "This program has ended the turn.")

    def _refused(self, refusal: TalkwireError) -> None:
        if conflict_of(refusal).get("reason") in GONE:
            self._lose(refusal)

    def _lose(self, why: TalkwireError) -> None:
        """Notes why this program does not have the turn any more, and cancels the block of another task."""
        if self._is_over:
            return
        self._why_lost = why
        self._end()
        if self._block is not asyncio.current_task():
            self._cancel_block()

    def _cancel_block(self) -> None:
        if self._block is not None:
            self._has_cancelled = True
            self._block.cancel()

    def _end(self) -> None:
        """Notes that this program does not have the turn any more."""
        self._is_over = True
        self._stopped.set()
        if self._renewing is not asyncio.current_task():
            self._renewing.cancel()
        if not self._is_entered:
            self._left(self)

    def _thread_of(self, chosen: str | EllipsisType | None) -> str | None:
        """Returns the thread of a message: the chosen one, else that of the turn's messages if it is the same."""
        if not isinstance(chosen, EllipsisType):
            return chosen
        threads = {message.get("threadId") for message in self.messages}
        return threads.pop() if len(threads) == 1 else None


def _generated(model: str | None) -> Mapping[str, str] | None:
    return None if model is None else {"model": model}
