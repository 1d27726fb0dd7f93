"""A conversation and an agent's turns in it, without a server. Cards and parts are checked as the server checks them.

Only what belongs to a turn is imitated: the model's server, its client and the tools are real in these tests.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Self, cast

import msgspec

from talkwire.core.domain.cards.card import AskedCard as ServersCard
from talkwire.core.domain.cards.card_checks import check_card
from talkwire.core.domain.cards.card_digest import digest_of
from talkwire.core.domain.cards.card_inputs import check_filled_in
from talkwire.core.domain.parts.checks import check_parts
from talkwire.core.domain.parts.message_parts import MessagePart as ServersPart
from talkwire.core.domain.parts.message_parts import content_of
from talkwire_client import AskedCard, Message, TalkwireError, Turn
from talkwire_client.errors import code_of
from talkwire_client.written_parts import MessagePart, WholePart

AGENT = "helper"

Json = dict[str, Any]


class FakeChat:
    """A conversation. `messages` are what the server has stored."""

    def __init__(self) -> None:
        self.messages: list[Json] = []

    def add(self, sender: str, content: str = "", **members: object) -> Message:
        seq = len(self.messages) + 1
        message = {
            "id": f"m{seq}",
            "conversationId": "c",
            "seq": seq,
            "senderId": sender,
            "sender": {"id": sender, "name": sender.capitalize()},
            "type": "text",
            "createdAt": "2026-01-01T00:00:00.000Z",
            **({"content": content} if content else {}),
            **members,
        }
        self.messages.append(message)
        return cast("Message", message)

    async def history(self, conversation_id: str) -> AsyncIterator[Message]:
        assert conversation_id == "c"
        for message in reversed(copy.deepcopy(self.messages)):
            await asyncio.sleep(0)
            yield cast("Message", message)

    def turn(self, *unanswered: Message, card: Message | None = None, note: str | None = None) -> FakeTurn:
        return FakeTurn(self, unanswered, card, note)

    def decide(self, outcome: str = "decided", action: str | None = None, **given: object) -> Message:
        """Ends the decision about the newest card, and returns its message."""
        message = self.messages[-1]
        card = message["card"]
        card |= {"state": outcome, "outcome": outcome}
        if action is not None:
            card["actionId"] = action
        if given:
            form = next(each["input"]["schema"] for each in card["actions"] if each["id"] == action)
            check_filled_in("input", _servers_form(card, str(action)), cast("Any", given))
            assert form["type"] == "object"
            card["input"] = given
        return cast("Message", copy.deepcopy(message))

    @property
    def newest(self) -> Json:
        return self.messages[-1]


class FakeWriter:
    """What `AnswerStream` is to its author. What is written is stored at the next `rewind` and at the end."""

    def __init__(self, turn: FakeTurn, message: Json) -> None:
        self._turn = turn
        self.message = message
        self.written: list[Any] = copy.deepcopy(message.get("parts", []))
        self._keys: dict[str, int] = {}
        self.is_over = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if self.is_over:
            return
        if error is None:
            await self.finish()
        elif isinstance(error, Exception):
            await self.fail(code_of(error))
        else:
            self.die()

    @property
    def parts(self) -> list[MessagePart]:
        return list(self.written)

    async def text(self, text: str) -> None:
        self._add("text", text)

    async def reasoning(self, text: str) -> None:
        self._add("reasoning", text)

    async def set(self, key: str | int, part: WholePart) -> None:
        self._check()
        index = key if isinstance(key, int) else self._keys.setdefault(key, len(self.written))
        self.written[index : index + 1] = [copy.deepcopy(part)]
        self._changed()

    async def rewind(self, part: int, at: int | None = None) -> None:
        self._check()
        assert part < len(self.written)
        assert at is None
        del self.written[part:]
        self._store()

    async def finish(self, *, error: Mapping[str, str] | None = None, more: bool = False) -> Message:
        self._check()
        is_stopped = self._turn.is_stopped
        state = "failed" if error else "done"
        parts = [part for part in self.written if str(part.get("text", "x")).strip()]
        if parts:
            servers = [msgspec.convert(part, ServersPart) for part in parts]
            check_parts(servers, may_be_empty=is_stopped or error is not None)
            self.message["content"] = content_of(servers)
        elif state == "done" and not is_stopped:
            raise TalkwireError("invalid_request", "parts", None, 422)
        self.message |= {"state": "stopped" if is_stopped else state, "parts": parts}
        if error:
            self.message["error"] = dict(error)
        self.is_over = True
        if error and not is_stopped:
            await self._turn.fail(**error)
        elif not more or is_stopped:
            await self._turn.done()
        return cast("Message", self.message)

    async def fail(self, code: str = "failed", message: str = "") -> Message:
        return await self.finish(error={"code": code, "message": message})

    def die(self) -> None:
        """Ends the stream as the server does when the process has died."""
        self._store()
        self.message["state"] = "interrupted"
        self.is_over = True

    def _add(self, kind: str, text: str) -> None:
        self._check()
        assert text
        if self.written and self.written[-1]["type"] == kind:
            text = self.written.pop()["text"] + text
        # The client's stream keeps half of an emoji until the other half comes.
        self.written.append(
            {"type": kind, "text": text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")}
        )
        self._changed()

    def _check(self) -> None:
        if self.is_over:
            raise TalkwireError("closed", "The stream was finished.")

    def _store(self) -> None:
        self.message["parts"] = copy.deepcopy(self.written)

    def _changed(self) -> None:
        self._turn.changed.set()
        self._turn.changed = asyncio.Event()


class FakeTurn:
    """A turn. `ends` says how it has ended, in order: `done`, `failed CODE`, or `asked`."""

    conversation_id = "c"
    agent_id = AGENT

    def __init__(self, chat: FakeChat, unanswered: Sequence[Message], card: Message | None, note: str | None) -> None:
        self.id = "t1"
        self.chat = chat
        self.messages = list(unanswered)
        self.card_message = card
        self.note = note
        self.ends: list[str] = []
        self.why = ""
        self.labels: list[str] = []
        self._stopped = asyncio.Event()
        self.writers: list[FakeWriter] = []
        self.changed = asyncio.Event()
        """Set, and replaced, when something was written or shown."""

    @property
    def writer(self) -> FakeWriter:
        (found,) = self.writers
        return found

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    def ask_to_stop(self) -> None:
        self._stopped.set()

    async def until_stopped(self) -> None:
        await self._stopped.wait()

    def stream(
        self, *, model: str | None = None, continue_: bool = False, reply_to_id: str | None = None
    ) -> FakeWriter:
        assert model == "small"
        assert continue_
        newest = self.chat.messages[-1] if self.chat.messages else {}
        is_open = newest.get("senderId") == AGENT and newest.get("state") in {"streaming", "interrupted"}
        of_turn: Any = {"parts": [], "clientMessageId": f"turn:{self.id}"}
        message = newest if is_open else cast("Json", self.chat.add(AGENT, **of_turn))
        if reply_to_id is not None:
            message["replyTo"] = {"id": reply_to_id}
        message["state"] = "streaming"
        writer = FakeWriter(self, message)
        self.writers.append(writer)
        return writer

    async def send(self, *, card: AskedCard) -> Message:
        servers = msgspec.convert(card, ServersCard)
        check_card(servers)
        shown: Json = {**copy.deepcopy(card), "state": "open", "digest": digest_of(servers)}
        self.ends.append("asked")
        return self.chat.add(AGENT, card["title"], card=shown)

    async def done(self) -> None:
        self.ends.append("done")

    async def fail(self, code: str, message: str) -> None:
        self.ends.append(f"failed {code}")
        self.why = message

    async def update(self, *, label: str) -> None:
        self.labels.append(label)
        self.changed.set()
        self.changed = asyncio.Event()


def _servers_form(card: Json, action_id: str) -> Any:  # noqa: ANN401 (the server's form)
    asked = {name: value for name, value in card.items() if name in AskedCard.__annotations__}
    action = next(each for each in msgspec.convert(asked, ServersCard).actions if each.id == action_id)
    assert action.input is not msgspec.UNSET
    return action.input.form


def as_turn(turn: FakeTurn) -> Turn:
    """Returns a fake turn for code that uses the client's."""
    return cast("Turn", turn)
