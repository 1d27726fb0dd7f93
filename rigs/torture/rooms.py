"""Which conversations a client's socket has open, and in which time that is certain."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from rigs.torture.clients.client_socket import Unanswered
from rigs.torture.history import Stream, Window
from rigs.torture.telling import Telling
from rigs.torture.words import Words

AGAIN_S = 0.3


class Rooms:
    """Keeps the wanted conversations open. `call` sends (event, payload) and returns whether it succeeded; it raises
    Unanswered.
    """

    def __init__(
        self,
        telling: Telling,
        words: Words,
        conversations: Sequence[str],
        call: Callable[[str, Any], Awaitable[bool]],
    ) -> None:
        self.refused: list[str] = []
        self._telling = telling
        self._words = words
        self._wanted = set(conversations)
        self._call = call
        self._unsure: set[tuple[int, str]] = set()
        """(stream, conversation) for which it is unknown whether the conversation is open."""

    @property
    def tended(self) -> bool:
        """Whether exactly the wanted conversations are open."""
        stream = self._telling.stream
        if stream is None:
            return False
        if self._words.opens is None:
            return True
        open_ = {each.conversation for each in stream.windows if each.closed is None and each.opened is not None}
        return open_ == self._wanted and not any(number == stream.number for number, _ in self._unsure)

    async def tend(self) -> None:
        """Opens the wanted conversations until all are open, on the current connection."""
        stream = self._telling.stream
        if stream is None or self._words.opens is None:
            return
        for conversation in sorted(self._wanted):
            window = _window(stream, conversation)
            if window is None or window.opened is None or (stream.number, conversation) in self._unsure:
                await self._open(stream, conversation)

    async def move(self, chance: random.Random) -> None:
        """Closes one that is open, and opens it again after a while."""
        stream = self._telling.stream
        if stream is None or not self._wanted or self._words.closes is None:
            return
        conversation = chance.choice(sorted(self._wanted))
        window = _window(stream, conversation)
        if window is None or window.opened is None:
            return
        window.closed, window.end = self._telling.now(), len(stream.received)
        self._unsure.add((stream.number, conversation))
        event, payload = self._words.closes(conversation)
        try:
            await self._call(event, payload)
        except Unanswered:
            pass
        else:
            self._unsure.discard((stream.number, conversation))
        await asyncio.sleep(chance.uniform(0.2, 3))
        await self._open(stream, conversation)

    async def _open(self, stream: Stream, conversation: str) -> None:
        assert self._words.opens is not None
        event, payload = self._words.opens(conversation)
        window = _window(stream, conversation)
        if window is None:
            sure = (stream.number, conversation) not in self._unsure
            window = Window(conversation, None, first=len(stream.received), sure=sure)
            stream.windows.append(window)
        while self._telling.stream is stream:
            try:
                done = await self._call(event, payload)
            except Unanswered:
                await asyncio.sleep(AGAIN_S)
                continue
            if done:
                if (stream.number, conversation) in self._unsure:
                    # It may have been closed until now: the events before belong to the uncertain period.
                    window.first, window.sure = len(stream.received), True
                    self._unsure.discard((stream.number, conversation))
                window.opened = self._telling.now()
                return
            await asyncio.sleep(AGAIN_S)


def _window(stream: Stream, conversation: str) -> Window | None:
    """The one that has not been closed."""
    return next((each for each in stream.windows if each.conversation == conversation and each.closed is None), None)
