"""Writes one message from the body of one request, with the commands of its author."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar

from msgspec.structs import replace

from talkwire.api.streamed_bodies.arriving_body import ArrivingBody, BrokenOff, slices
from talkwire.api.streamed_bodies.body_format import BodyFormat, PartWrite, StreamEnd, joined, pieces
from talkwire.core.commands.command import Command
from talkwire.core.commands.streams.writing import (
    AppendToMessage,
    FinishMessage,
    KeepStream,
    OpenedStream,
    RewindMessage,
)
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, Message
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.engine.limits import RateLimited
from talkwire.core.signals.streams.watches import AuthorWatch

APPEND_EVERY_S = 0.05
"""Pause after each append, in seconds. What arrives meanwhile is one append, or waits at the sender."""

KEEP_EVERY_S = 1.0
"""Shortest time between two renewals of the lease by bytes of which nothing can be written yet, in seconds."""

R = TypeVar("R")


class MessageWriter:
    """Writes the message that a stream has opened, for the caller who has opened it."""

    def __init__(self, chat: LimitedChat, actor: Actor, opened: OpenedStream) -> None:
        assert opened.attempt is not None, "it is open"
        self._chat = chat
        self._actor = actor
        self._id = str(opened.message.id)
        self._attempt = opened.attempt
        self._lengths: dict[int, int] = {}
        self._renewed_at = 0.0
        self._pause_until = 0.0
        self._has_parts = bool(opened.parts)
        """Whether an earlier attempt has written something."""
        self._is_to_stop = opened.stop is not None

    async def write(self, body: ArrivingBody, format_: BodyFormat, watch: AuthorWatch) -> Message:
        """Writes the body as it arrives, and returns the message after its end. A stream that is to stop ends at once.

        Raises ChatError if the body breaks off or is invalid, or a command is refused. The stream is interrupted then,
        with what was written, unless it has ended already or the server is in trouble.
        """
        try:
            return await self._finish(await self._write(body, format_, watch))
        except ChatError as error:
            if error.code != "unavailable":
                with suppress(ChatError):
                    await self._finish(None)
            raise

    async def _write(self, body: ArrivingBody, format_: BodyFormat, watch: AuthorWatch) -> StreamEnd:
        """Writes the body, and returns how the stream ends."""
        while not body.has_ended and not self._is_to_stop:  # Suspends: the server returns each part of a body once.
            try:
                data = await body.read()
            except BrokenOff:
                end = format_.how()
                if end is not None:  # nothing is missing but the end of the request
                    return end
                raise
            if not data and not body.has_ended:
                await self._look(watch)
                continue
            for slice_ in slices(data):
                await self._apply(format_.feed(slice_))
            if not body.has_ended:
                await self._renew()
                await watch.wait(self._pause_until)
        if self._is_to_stop:
            return StreamEnd()
        await self._rewind()
        await self._apply(format_.end())
        end = format_.how()
        assert end is not None, "else the format has raised an error"
        return end

    async def _apply(self, writes: Iterator[PartWrite]) -> None:
        """Executes some writes, joined. Raises an error of the format after what comes before it is written."""
        problem: ChatError | None = None
        taken: list[PartWrite] = []
        try:
            taken.extend(writes)
        except ChatError as error:
            problem = error
        await asyncio.sleep(0)
        for write in joined(taken):
            for piece in pieces(write):
                await self._append(piece)
        if problem is not None:
            raise problem

    async def _append(self, write: PartWrite) -> None:
        if self._is_to_stop:
            return
        await self._rewind()
        part, text, kind, value = write
        where = AppendToMessage(message_id=self._id, attempt=self._attempt, part=part)
        at = self._lengths.get(part, 0)
        command = replace(where, set=value) if value is not None else replace(where, text=text, type=kind, at=at)
        appended = await self._execute(command)
        self._lengths[part] = appended.length
        self._is_to_stop = appended.stop is not None
        now = asyncio.get_running_loop().time()
        self._renewed_at, self._pause_until = now, max(now, self._pause_until) + APPEND_EVERY_S

    async def _rewind(self) -> None:
        """Removes what an earlier attempt has written, once this one has something to write."""
        if self._has_parts:
            self._has_parts = False
            await self._execute(RewindMessage(message_id=self._id, attempt=self._attempt, part=0))

    async def _renew(self) -> None:
        """Renews the lease, if nothing was written for a while."""
        if asyncio.get_running_loop().time() - self._renewed_at >= KEEP_EVERY_S:
            await self._keep()

    async def _look(self, watch: AuthorWatch) -> None:
        """Finds out why the author was woken. Raises the refusal of a write if there may be none any more."""
        await self._keep()
        if not watch.may_read:
            raise ChatError("unauthenticated", "The sign-in of this request has ended.")

    async def _keep(self) -> None:
        kept = await self._execute(KeepStream(message_id=self._id, attempt=self._attempt))
        self._is_to_stop = kept.stop is not None
        self._renewed_at = asyncio.get_running_loop().time()

    async def _finish(self, end: StreamEnd | None) -> Message:
        """Ends the stream; None interrupts it."""
        command = FinishMessage(message_id=self._id, attempt=self._attempt, state="interrupted")
        return await self._execute(command if end is None else replace(command, **end._asdict()))

    async def _execute(self, command: Command[R]) -> R:
        """Executes a command, and waits where the caller's rate is used up, so that the sender waits too."""
        while True:
            try:
                return await self._chat.execute(self._actor, command)
            except RateLimited as limited:
                await asyncio.sleep(limited.wait_s)
