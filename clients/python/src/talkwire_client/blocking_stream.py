"""`BlockingMessageStream`: writes a message while others read it, for programs without asyncio."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from talkwire_client.message_stream import MessageStream
from talkwire_client.payloads import Attachment, File, Message
from talkwire_client.written_parts import MessagePart, WholePart

T = TypeVar("T")


class _WaitFor(Protocol):
    def __call__(self, work: Coroutine[Any, Any, T], /) -> T:
        """Runs a coroutine in the background thread and returns its result."""


class BlockingMessageStream:
    """A `MessageStream` for `with`, whose methods wait for their results. `BlockingTalkwire.stream` returns it."""

    def __init__(self, stream: MessageStream, wait_for: _WaitFor) -> None:
        self._stream = stream
        self._wait_for = wait_for

    def __enter__(self) -> Self:
        self._wait_for(self._stream.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._wait_for(self._stream.__aexit__(kind, error, traceback))

    @property
    def id(self) -> str:
        """The message's id."""
        return self._stream.id

    @property
    def message(self) -> Message:
        """The message as it was when it was opened, or has ended."""
        return self._stream.message

    @property
    def parts(self) -> list[MessagePart]:
        """What was written so far."""
        return self._stream.parts

    @property
    def stopped(self) -> Mapping[str, Any] | None:
        """Who has asked to stop, and when; None if nobody has."""
        return self._stream.stopped

    def text(self, text: str) -> None:
        """Adds to the text."""
        self._wait_for(self._stream.text(text))

    def reasoning(self, text: str) -> None:
        """Adds to the reasoning."""
        self._wait_for(self._stream.reasoning(text))

    def set(self, key: str | int, part: WholePart) -> None:
        """Adds a part that is no text, or puts another value in its place."""
        self._wait_for(self._stream.set(key, part))

    def rewind(self, part: int, at: int | None = None) -> None:
        """Removes what was written last."""
        self._wait_for(self._stream.rewind(part, at))

    def finish(
        self,
        *,
        parts: Sequence[MessagePart] | None = None,
        attachments: Sequence[File | Attachment | Mapping[str, Any]] = (),
        error: Mapping[str, str] | None = None,
    ) -> Message:
        """Ends the stream, and returns the message when it is stored."""
        return self._wait_for(self._stream.finish(parts=parts, attachments=attachments, error=error))

    def fail(self, code: str = "failed", message: str = "") -> Message:
        """Ends the stream as `failed`, with the text that is there."""
        return self._wait_for(self._stream.fail(code, message))

    def close(self) -> None:
        """Writes nothing more."""
        self._wait_for(self._stream.close())
