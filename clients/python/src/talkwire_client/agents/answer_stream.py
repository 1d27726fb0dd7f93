"""`AnswerStream`: the message that answers a turn, and is written while others read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

from talkwire_client.api import Api
from talkwire_client.errors import TalkwireError
from talkwire_client.message_stream import MessageStream
from talkwire_client.payloads import Message


class AnsweredTurn(Protocol):
    """What a stream reports to its turn."""

    def stream_opened(self) -> None:
        """Notes that the stream renews the turn's lease from now on."""

    def stream_closed(self) -> None:
        """Notes that the stream does not renew the turn's lease any more."""

    def stream_finished(self, message: Message) -> None:
        """Notes how the stream has ended."""

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

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        if self.parts and not self._keeps_parts:
            try:
                await self.rewind(0)
            except BaseException:
                await self.close()
                raise
        return self

    async def _open(self) -> None:
        try:
            await super()._open()
        except TalkwireError as refusal:
            self._answered.stream_refused(refusal)
            raise
        self._answered.stream_opened()

    async def _write(self, what: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 (JSON)
        answer = await super()._write(what, body)
        if self._stop is not None:
            self._answered.stop_requested(self._stop)
        return answer

    async def _end_as(self, message: Message) -> Message:
        self._answered.stream_finished(message)
        return await super()._end_as(message)

    def _end(self, why: TalkwireError) -> TalkwireError:
        if not self._is_over:
            self._answered.stream_closed()
            self._answered.stream_refused(why)
        return super()._end(why)
