"""What the application's hooks for messages are asked about a message that is written while others read it, and what
follows from what they say; on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from talkwire.core.commands.messages import GetMessage, SendMessage
from talkwire.core.commands.moderation.restrictions import RestrictMember
from talkwire.core.commands.streams.writing import OpenedStream, StopMessage, StreamMessage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MessageDeleted, StreamStateChanged
from talkwire.core.domain.model import Actor, Message
from talkwire.core.domain.parts.message_parts import TextPart
from talkwire.core.domain.parts.streams import CONTINUABLE_MS, LEASE_BY_REST_MS, STOP_WAIT_MS
from talkwire.core.features.streams.leases import ASKING_MS
from tests.contracts.node import ALICE, BOB, Node
from tests.contracts.test_parts import HELPER, with_agent
from tests.contracts.test_stream_rules import append, finish, opened, refused, until_stored
from tests.core.test_parts import TOOL
from tests.waiting import until_asked

REFUSAL = ChatError("forbidden", "No links, please.")


class Application:
    """An application that is asked before each message. `decide` returns what its hook returns."""

    def __init__(self, node: Node) -> None:
        self.asked: list[tuple[str, SendMessage]] = []
        self.decide: Any = lambda command: None
        node.hooks.add(SendMessage, self._hook)

    def _hook(self, actor: Actor, command: SendMessage) -> Any:  # noqa: ANN401 (what a hook returns)
        self.asked.append((actor.user_id, command))
        return self.decide(command)

    def texts(self) -> list[tuple[str | None, str]]:
        return [(command.stream, command.content) for _, command in self.asked]

    def refuse_ends(self, error: ChatError = REFUSAL) -> None:
        def refuse(command: SendMessage) -> None:
            if command.stream == "ends":
                raise error

        self.decide = refuse

    def change_ends(self, **fields: Any) -> None:  # noqa: ANN401 (fields of the command)
        self.decide = lambda command: replace(command, **fields) if command.stream == "ends" else None


async def written(node: Node, text: str = "Hello") -> OpenedStream:
    """Opens a stream and stores a text in it."""
    await with_agent(node)
    stream = await opened(node)
    await store(node, stream, text)
    return stream


async def store(node: Node, stream: OpenedStream, text: str) -> None:
    """Writes a text, and waits until it is stored."""
    await node.do(HELPER, append(stream, text, at=0))
    await until_stored(node, stream, text)


async def message_of(node: Node, stream: OpenedStream, state: str) -> Message:
    """Waits until the stream has ended so."""

    async def is_so() -> bool:
        return bool((await node.do(BOB, GetMessage(str(stream.message.id)))).state == state)

    await until_asked(is_so)
    message = await node.do(BOB, GetMessage(str(stream.message.id)))
    assert isinstance(message, Message)
    return message


async def test_the_application_is_asked_before_the_opening_and_before_the_end(node: Node) -> None:
    application = Application(node)
    await with_agent(node)
    question = await node.send(BOB, "A question")
    application.asked.clear()
    opening = StreamMessage(
        conversation_id="c", client_message_id="s1", reply_to_id=str(question.id), metadata={"a": 1}
    )
    stream = await node.do(HELPER, opening)
    await node.do(HELPER, append(stream, "Hello"))
    again = await node.do(HELPER, opening)  # a take-over opens nothing
    await node.do(HELPER, append(again, "Hello"))
    await node.do(HELPER, finish(again))
    common = SendMessage("c", client_message_id="s1", metadata={"a": 1}, reply_to_id=str(question.id))
    assert [(user_id, replace(command, generated=None)) for user_id, command in application.asked] == [
        ("helper", replace(common, stream="opens")),
        ("helper", replace(common, content="Hello", stream="ends")),
    ]


async def test_a_refused_opening_stores_nothing(node: Node) -> None:
    await with_agent(node)
    application = Application(node)
    application.decide = lambda command: (_ for _ in ()).throw(REFUSAL)
    error = await refused(node, HELPER, StreamMessage(conversation_id="c", client_message_id="s1"))
    assert (error.code, error.message) == ("forbidden", "No links, please.")
    assert [event for event in node.log if isinstance(event, StreamStateChanged)] == []
    application.decide = lambda command: None
    assert (await opened(node)).attempt == 1


async def test_a_changed_opening_keeps_the_text_to_the_author(node: Node) -> None:
    await with_agent(node)
    application = Application(node)
    application.decide = lambda command: replace(command, content="Mine", metadata={"checked": True})
    stream = await opened(node)
    assert (stream.message.content, stream.message.metadata, stream.parts) == ("", {"checked": True}, ())
    assert (await opened(node)).attempt == 2, "a retry is recognised by what the author sent"
    assert len(application.asked) == 1


@pytest.mark.parametrize("state", ["done", "failed", "interrupted"])
async def test_a_refused_end_leaves_a_tombstone_and_says_why(node: Node, state: Any) -> None:  # noqa: ANN401 (a literal)
    stream = await written(node)
    Application(node).refuse_ends()
    error = await refused(node, HELPER, finish(stream, state=state))
    assert (error.code, error.message) == ("forbidden", "No links, please.")
    message = await node.do(BOB, GetMessage(str(stream.message.id)))
    assert (message.state, message.content, message.parts) == ("blocked", "", ())
    assert message.deleted_ms == node.clock.now_ms
    assert [event.message.state for event in node.log if isinstance(event, MessageDeleted)] == ["blocked"]
    for command in (finish(stream), append(stream, "x")):
        assert (await refused(node, HELPER, command)).details == {"reason": "ended", "state": "blocked"}
    assert (await opened(node)).attempt is None


async def test_a_changed_end_is_what_is_stored(node: Node) -> None:
    stream = await written(node, "damn")
    await node.do(HELPER, append(stream, "more", 1, type="reasoning"))
    Application(node).change_ends(content="****", metadata={"checked": True})
    message = await node.do(HELPER, finish(stream))
    assert (message.content, message.metadata, message.parts[0]) == ("****", {"checked": True}, TextPart("****"))
    assert (message.state, len(message.parts)) == ("done", 2)


async def test_an_application_that_does_not_answer_leaves_the_stream_open(node: Node) -> None:
    stream = await written(node)
    application = Application(node)
    application.refuse_ends(ChatError("unavailable", "Try again later."))
    assert await node.refusal(HELPER, finish(stream)) == "unavailable"
    assert (await node.do(HELPER, append(stream, " world"))).length == 11
    application.decide = lambda command: None
    assert (await node.do(HELPER, finish(stream))).content == "Hello world"
    assert application.texts() == [("ends", "Hello"), ("ends", "Hello world")]


async def lapse(node: Node, stream: OpenedStream) -> None:
    node.clock.now_ms += LEASE_BY_REST_MS
    await node.fire()


async def stop(node: Node, stream: OpenedStream) -> None:
    await node.do(ALICE, StopMessage(message_id=str(stream.message.id)))
    node.clock.now_ms += STOP_WAIT_MS
    await node.fire()


async def mute(node: Node, stream: OpenedStream) -> None:
    await node.do(ALICE, RestrictMember("c", "helper", "mute"))


ENDS: dict[str, tuple[Any, str]] = {
    "its lease": (lapse, "interrupted"),
    "a stop": (stop, "stopped"),
    "a mute": (mute, "interrupted"),
}


@pytest.mark.parametrize("how", ENDS)
async def test_an_end_by_the_server_is_approved_too(node: Node, how: str) -> None:
    end, state = ENDS[how]
    stream = await written(node)
    application = Application(node)
    application.change_ends(content="H****")
    await end(node, stream)
    message = await message_of(node, stream, state)
    assert (message.content, application.texts()) == ("H****", [("ends", "Hello")])
    assert application.asked[0][0] == "helper"


@pytest.mark.parametrize("how", ENDS)
async def test_an_end_by_the_server_that_is_refused_blocks_the_message(node: Node, how: str) -> None:
    end, _ = ENDS[how]
    stream = await written(node)
    Application(node).refuse_ends()
    await end(node, stream)
    message = await message_of(node, stream, "blocked")
    assert (message.content, message.deleted_ms) == ("", node.clock.now_ms)
    node.clock.now_ms += CONTINUABLE_MS
    await node.fire()
    assert await node.next_timer_ms() is None


async def test_a_stream_is_asked_about_again_if_the_application_did_not_answer(node: Node) -> None:
    stream = await written(node)
    application = Application(node)
    application.refuse_ends(ChatError("unavailable", "Try again later."))
    await lapse(node, stream)

    async def was_asked() -> bool:
        return len(application.asked) == 1

    await until_asked(was_asked)
    assert (await node.do(BOB, GetMessage(str(stream.message.id)))).state == "streaming"
    assert await node.next_timer_ms() == node.clock.now_ms + ASKING_MS
    application.decide = lambda command: None
    node.clock.now_ms += ASKING_MS
    await node.fire()
    assert (await message_of(node, stream, "interrupted")).content == "Hello"


@pytest.mark.parametrize("takes_over", [True, False])
async def test_an_author_who_writes_while_the_application_is_asked_goes_on(node: Node, *, takes_over: bool) -> None:
    stream = await written(node)
    application = Application(node)
    writing = stream

    async def answer(command: SendMessage) -> None:
        nonlocal writing
        application.decide = lambda command: None
        writing = await opened(node) if takes_over else stream
        await store(node, writing, "Hello world")
        raise REFUSAL

    application.decide = answer
    await lapse(node, stream)

    async def is_stored() -> bool:
        return bool((await node.do(BOB, GetMessage(str(stream.message.id)))).content == "Hello world")

    await until_asked(is_stored)
    await node.do(HELPER, append(writing, "!"))
    message = await node.do(HELPER, finish(writing))
    assert (message.state, message.content) == ("done", "Hello world!")


async def test_nobody_is_asked_about_a_stream_without_anything(node: Node) -> None:
    await with_agent(node)
    stream = await opened(node)
    application = Application(node)
    await lapse(node, stream)
    assert (await node.do(BOB, GetMessage(str(stream.message.id)))).deleted_ms is not None
    tool = await opened(node, "s2")
    await node.do(HELPER, replace(append(tool, "", 0), text=None, set=TOOL))
    await node.do(HELPER, finish(tool))
    assert [(command.stream, command.parts) for _, command in application.asked] == [("opens", ()), ("ends", (TOOL,))]
