"""Writes a message while others read it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, cast

from talkwire_client.api import FOR_EVER_S, Api, Request, attached, path, without_none
from talkwire_client.errors import TalkwireError, code_of, conflict_of
from talkwire_client.payloads import Attachment, File, Message
from talkwire_client.written_parts import MessagePart, Piece, WholePart, WrittenParts

APPEND_EVERY_S = 0.05
"""Shortest time between two requests that send text, in seconds; the server joins what comes more often."""

WAITING_MAX = 16 * 1024
"""Most text that the server may lack before `text` waits, in UTF-16 code units."""

LEASE_S = 60
"""Default duration of a stream's lease, in seconds."""

KEEPS = 3
"""Number of renewals of the lease while it lasts."""

ERROR_CODE_MAX = 64
"""Most characters of an error's code that are sent."""

ERROR_MESSAGE_MAX = 500
"""Most characters of an error's message that are sent."""

_logger = logging.getLogger(__name__)


class MessageStream:
    """A message that this program writes while others read it, for `async with`. `Talkwire.stream` returns it.

    Entering the block opens the message, and leaving it finishes the message. An exception that leaves the block ends
    the message as `failed`, with the name of the exception's class as the code. When the task is cancelled or the
    program dies, the server interrupts the message when the lease ends, and it can be continued for an hour.

    What is written is joined and sent at most 20 times a second. It is sent again after a lost connection, and the
    message is opened again if the server has interrupted it meanwhile, so that each character is there once. Methods
    raise `TalkwireError` if the server refuses something, another program writes the message (`details["reason"]` is
    `superseded`) or the stream has ended.
    """

    def __init__(self, api: Api, body: Mapping[str, Any]) -> None:
        self._api = api
        self._body = body
        self._keep_every_s = (body.get("leaseS") or LEASE_S) / KEEPS
        self._written = WrittenParts()
        self._message: Message | None = None
        self._attempt = 0
        self._turn = asyncio.Lock()
        """Lock that is held while a request is sent: requests are sent one after the other."""
        self._rewinding = asyncio.Lock()
        self._news = asyncio.Event()
        """Event that is set when there is something to send."""
        self._progress = asyncio.Event()
        """Event that is set, and replaced, when the server has received something or the stream is over."""
        self._stopped = asyncio.Event()
        self._stop: Mapping[str, Any] | None = None
        self._failure: Exception | None = None
        self._is_finishing = False
        self._is_over = False
        """Whether nothing more can be written, not even the end."""
        self._is_closed = False
        """Whether the program has finished or closed the stream."""
        self._sent_at = 0.0
        self._sender: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._open()
        self._sender = asyncio.create_task(self._send_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None and not self._is_closed:
                await self.finish()
            elif isinstance(error, Exception) and not self._is_over:
                try:
                    await self.fail(code_of(error))
                except TalkwireError as refusal:
                    _logger.info("a message could not be ended as failed: %s", refusal)
        finally:
            await self.close()

    @property
    def id(self) -> str:
        """The message's id."""
        return self.message["id"]

    @property
    def message(self) -> Message:
        """The message as it was when it was opened, or has ended."""
        if self._message is None:
            raise RuntimeError("the message is not open: use it in `async with`")
        return self._message

    @property
    def parts(self) -> list[MessagePart]:
        """What was written so far; at first what an earlier program has written with the same `client_message_id`."""
        return self._written.parts()

    @property
    def stopped(self) -> Mapping[str, Any] | None:
        """Who has asked to stop, and when: `{"by": ..., "at": ...}`; None if nobody has.

        Then leave the block: the message keeps its text.
        """
        return self._stop

    async def until_stopped(self) -> None:
        """Waits until somebody has asked to stop, or the stream is over. The server says it with its next answer."""
        await self._stopped.wait()

    async def text(self, text: str) -> None:
        """Adds to the text, which is Markdown. Returns at once, or when the server has received most of what was
        written before.
        """
        await self._check_open()
        self._written.add("text", text)
        await self._accepted()

    async def reasoning(self, text: str) -> None:
        """Adds to the reasoning. After a text, it begins a part of its own."""
        await self._check_open()
        self._written.add("reasoning", text)
        await self._accepted()

    async def set(self, key: str | int, part: WholePart) -> None:
        """Adds a part that is no text, or puts another value in its place: a tool whose `state` changes, a plan.

        `key` is a name of your choice for the part, or the index of one that is there.
        """
        await self._check_open()
        self._written.set(key, part)
        await self._accepted()

    async def rewind(self, part: int, at: int | None = None) -> None:
        """Removes what was written last: keeps the parts before `part`, and of it the first `at` UTF-16 code units.

        Without `at`, the part is removed too. Returns when that is stored.
        """
        await self._check_open()
        at = at or None  # An empty text is no part.
        async with self._rewinding, self._turn:
            if not self._written.has(part, at or 0):
                raise TalkwireError("invalid_request", "There is no such part, or it is shorter.")
            while not await self._rewound(part, at):  # Suspends: each round sends a request.
                pass
            self._written.rewind(part, at)

    async def finish(
        self,
        *,
        parts: Sequence[MessagePart] | None = None,
        attachments: Sequence[File | Attachment | Mapping[str, Any]] = (),
        error: Mapping[str, str] | None = None,
    ) -> Message:
        """Ends the stream, and returns the message when it is stored with all that was written.

        `parts` take the place of all that was written, `attachments` are results of `upload`. The message is `done`,
        with an `error` such as `{"code": "overloaded", "message": "Try later."}` `failed`, and `stopped` if somebody
        has asked for that.
        """
        if conflict_of(self._failure).get("state") == "stopped":  # The server has ended it, since it was to stop.
            return await self._end_as(await self._stored())
        await self._check_open()
        body = {
            "state": "done" if error is None else "failed",
            "attachments": [attached(each) for each in attachments] or None,
            "error": error,
        }
        self._is_finishing = True
        try:
            self._written.end_text()
            async with self._turn:
                message = None
                while message is None:  # Suspends: each round sends a request.
                    message = await self._finished(without_none(body), parts)
        finally:
            self._is_finishing = False
        return await self._end_as(message)

    async def fail(self, code: str = "failed", message: str = "") -> Message:
        """Ends the stream as `failed`, with the text that is there. All readers see the code and the message."""
        if self._failure is not None and not self._is_over:  # What the server has refused is not sent again.
            self._failure = None
            self._written.drop_waiting()
        return await self.finish(error={"code": code[:ERROR_CODE_MAX], "message": message[:ERROR_MESSAGE_MAX]})

    async def close(self) -> None:
        """Writes nothing more. The server interrupts the message when its lease ends, and it can be continued for an
        hour.
        """
        self._is_closed = True
        self._end(TalkwireError("closed", "The stream was closed."))
        if self._sender is not None and self._sender is not asyncio.current_task():
            self._sender.cancel()
            await asyncio.wait([self._sender])

    async def _check_open(self) -> None:
        """Waits while the stream is being rewound, and lets other tasks run. Raises what has ended the stream."""
        await asyncio.sleep(0)
        if self._rewinding.locked():
            async with self._rewinding:
                pass
        if self._failure is not None:
            raise self._failure
        if self._is_finishing:
            raise TalkwireError("closed", "The stream is being finished.")

    async def _accepted(self) -> None:
        """Has sent what was written. Waits while much is not received."""
        self._news.set()
        while self._written.waiting > WAITING_MAX and self._failure is None:  # Suspends: `_progress` is not set.
            await self._progress.wait()
        if self._failure is not None:
            raise self._failure

    # --- sending ------------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        """Opens the stream, or takes over one that is open or interrupted."""
        opened = await self._post(path("messages", "stream"), self._body)
        self._message = opened["message"]
        attempt = opened.get("attempt")
        if attempt is None:
            raise self._end(_ended(opened["message"]))
        self._attempt = attempt
        if not self._written.opened(opened["message"], opened.get("parts") or ()):
            raise self._end(TalkwireError("conflict", "Another program writes this message.", {"reason": "superseded"}))

    async def _send_all(self) -> None:
        """Sends what is written, and renews the lease while nothing is, until the stream is over."""
        try:
            while self._failure is None:  # Suspends: each round sends a request or waits for news.
                async with self._turn:
                    await self._send_waiting()
                try:
                    async with asyncio.timeout(self._keep_every_s):
                        await self._news.wait()
                except TimeoutError:
                    await self._keep()
                self._news.clear()
        except TalkwireError as error:
            _logger.info("a message is no longer written: %s", error)
        except Exception as error:
            self._fail(error)
            raise

    async def _send_waiting(self) -> None:
        while (piece := self._written.next()) is not None and self._failure is None:  # Suspends: it sends a request.
            await self._send(piece)
        if self._failure is not None:
            raise self._failure

    async def _send(self, piece: Piece) -> None:
        pause_s = self._sent_at + APPEND_EVERY_S - time.monotonic()
        if pause_s > 0:
            await asyncio.sleep(pause_s)
            piece = self._written.next() or piece
        self._sent_at = time.monotonic()
        try:
            answer = await self._write("append", piece.body)
        except TalkwireError as error:
            await self._recover(error, piece.index, piece.body.get("at"))
        else:
            self._written.accepted(piece, answer["length"], answer["stored"])
            self._publish()

    async def _keep(self) -> None:
        async with self._turn:
            try:
                await self._write("keep", {})
            except TalkwireError as error:
                await self._recover(error)

    async def _rewound(self, part: int, at: int | None) -> bool:
        """Returns whether the server has rewound the parts; False if it has to be asked again."""
        await self._send_waiting()
        try:
            await self._write("rewind", without_none({"part": part, "at": at}))
        except TalkwireError as error:
            conflict = conflict_of(error)
            if at is None and conflict.get("parts") == part:  # A request whose answer was lost has removed it.
                return True
            if error.code == "invalid_request" or (at is not None and conflict.get("length", -1) >= at):
                raise
            await self._recover(error, part, at)
            return False
        return True

    async def _finished(self, body: Mapping[str, Any], parts: Sequence[MessagePart] | None) -> Message | None:
        """Returns the message if the server has ended it; None if the server has to be asked again."""
        await self._send_waiting()
        whole: Any = parts
        if parts is None and not self._written.is_stored:
            # The node that has received the text may be gone before it has stored the text.
            whole = self._written.without_blanks()
        try:
            return cast("Message", await self._write("finish", {**body, **without_none({"parts": whole})}))
        except TalkwireError as error:
            conflict = conflict_of(error)
            # A request whose answer was lost has ended it, or the server has, since it was to stop.
            is_mine = conflict.get("state") == body["state"] and error.was_repeated
            if conflict.get("reason") == "ended" and (is_mine or conflict.get("state") == "stopped"):
                return await self._stored()
            if error.code == "invalid_request":
                raise
            await self._recover(error)
            return None

    async def _write(self, what: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 (JSON)
        answer = await self._post(path("messages", self.id, what), {**body, "attempt": self._attempt})
        stop = answer.get("stop")
        if stop is not None and self._stop is None:
            self._stop = stop
            self._stopped.set()
        return answer

    async def _post(self, route: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 (JSON)
        """Sends a request as often as it takes. Writes can be repeated without harm."""
        return (await self._api.send(Request("POST", route, json=body), FOR_EVER_S)).json()

    async def _stored(self) -> Message:
        found: Message = await self._api.get(path("messages", self.id))
        return found

    async def _recover(self, error: TalkwireError, part: int = 0, at: int | None = None) -> None:
        """Prepares to send again what the server does not have. Raises an error after which nothing can be written."""
        conflict = conflict_of(error)
        reason, length, parts = conflict.get("reason"), conflict.get("length"), conflict.get("parts")
        if reason == "ended" and conflict.get("state") == "interrupted":
            return await self._continue()
        if parts is not None and parts <= part and self._written.has_only_parts(parts):
            return None
        # Where the part is not shorter, the server has another text.
        if length is not None and length < (at or 0) and self._written.has_only(part, length):
            return None
        raise self._end(error) if reason in {"superseded", "ended", "no_stream"} else self._fail(error)

    async def _continue(self) -> None:
        """Opens the stream again after it was interrupted."""
        try:
            await self._open()
        except TalkwireError as refusal:
            raise self._end(refusal) from None

    async def _end_as(self, message: Message) -> Message:
        self._message = message
        self._end(TalkwireError("closed", "The stream was finished."))
        await self.close()
        return message

    def _end(self, why: TalkwireError) -> TalkwireError:
        """Ends the stream for this program. Returns why."""
        if not self._is_over:
            self._is_over = True
            self._failure = why
            self._stopped.set()
            self._news.set()
            self._publish()
        return why

    def _fail(self, error: Exception) -> Exception:
        """Notes why nothing more can be written, except the end. Returns it."""
        self._failure = self._failure or error
        self._stopped.set()
        self._publish()
        return error

    def _publish(self) -> None:
        self._progress.set()
        self._progress = asyncio.Event()


def _ended(message: Message) -> TalkwireError:
    details = without_none({"reason": "ended", "state": message.get("state")})
    return TalkwireError("conflict", "The stream of this message has ended.", details)
