"""`AnswerStream`: the message that answers a turn, and is written while others read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

from talkwire_client.api import Api
from talkwire_client.errors import TalkwireError
from talkwire_client.message_stream import MessageStream
from talkwire_client.payloads import Attachment, File, Message
from talkwire_client.written_parts import MessagePart


class AnsweredTurn(Protocol):
    """What a stream reports to its turn."""

    def stream_opened(self) -> None:
        """Notes that the stream renews the turn's lease from now on."""

    def stream_closed(self) -> None:
        """Notes that the stream does not renew the turn's lease any more."""

    def stream_finished(self, message: Message, *, more: bool) -> None:
        """Notes how the stream has ended, and whether a `done` one leaves the turn with this program."""

    def stream_refused(self, why: TalkwireError) -> None:
        """Notes that this program cannot write the stream any more, or not open it."""

    def stop_requested(self, stop: Mapping[str, Any]) -> None:
        """Notes who has asked to stop, and when."""


class AnswerStream(MessageStream):
    """A `MessageStream` that answers a turn, for `async with`. `Turn.stream` returns it.

    Its end and the end of the turn are one transaction of the server. If it is `failed`, so is this attempt of the
    turn.
    """

    def __init__(self, api: Api, body: Mapping[str, Any], turn: AnsweredTurn, *, keeps_parts: bool) -> None:
        super().__init__(api, body)
        self._answered = turn
        self._keeps_parts = keeps_parts
        self._more = bool(body.get("more"))

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        if self.parts and not self._keeps_parts:
            try:
                await self.rewind(0)
            except BaseException:
                await self.close()
                raise
        return self

    async def finish(
        self,
        *,
        parts: Sequence[MessagePart] | None = None,
        attachments: Sequence[File | Attachment | Mapping[str, Any]] = (),
        error: Mapping[str, str] | None = None,
        more: bool | None = None,
    ) -> Message:
        """Ends the stream, as `MessageStream.finish` does, and the turn, unless there will be `more`: by default as the
        arguments of `Turn.stream` say.
        """
        if more is not None:
            self._more = more
        return await super().finish(parts=parts, attachments=attachments, error=error)

    async def _open(self) -> None:
        try:
            await super()._open()
        except TalkwireError as refusal:
            self._answered.stream_refused(refusal)
            raise
        self._answered.stream_opened()

    async def _write(self, what: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 (JSON)
        named = {**body, "more": self._more} if what == "finish" else body
        answer = await super()._write(what, named)
        if self._stop is not None:
            self._answered.stop_requested(self._stop)
        return answer

    async def _end_as(self, message: Message) -> Message:
        self._answered.stream_finished(message, more=self._more)
        return await super()._end_as(message)

    def _end(self, why: TalkwireError) -> TalkwireError:
        if not self._is_over:
            self._answered.stream_closed()
            self._answered.stream_refused(why)
        return super()._end(why)
