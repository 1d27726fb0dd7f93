"""Agents with the Python client: each turn is answered once, whatever happens to the processes. Also the program of
docs/client-python.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from talkwire_client import BlockingTalkwire, ListedTurn, Message, Talkwire, TalkwireError, Turn, Turns
from talkwire_client.agents import turn as turn_module
from talkwire_client.agents import turns as turns_module
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World
from tests.chat.test_agents import with_agent
from tests.clients_python.conftest import MAX_PAUSE_S, Clients, client_of
from tests.clients_python.restarts import FragileServer
from tests.clients_python.test_documentation import BLOCKS
from tests.waiting import DEADLINE_S, deadline, pause, until, until_asked

LEASE_S = 5
"""The shortest lease that the server accepts."""

YES: Any = [{"id": "yes", "label": "Yes"}]


class Agent:
    """An agent, the owner who writes to it, and the conversation in which each message is work for it."""

    def __init__(self, id_: str, conversation_id: str, chat: Talkwire, other: Talkwire, owner: Talkwire) -> None:
        self.id = id_
        self.conversation_id = conversation_id
        self.chat = chat
        self.other = other
        """Another process of the agent."""
        self.owner = owner

    async def asked(self, text: str = "Where is it?") -> Message:
        return await self.owner.send(self.conversation_id, text)

    async def answers(self) -> list[str | None]:
        """Returns the texts that the agent has sent, the oldest first."""
        found = [each async for each in self.owner.history(self.conversation_id) if each["senderId"] == self.id]
        return [each.get("content") for each in reversed(found)]

    async def turn(self) -> ListedTurn:
        """Returns the newest turn as it is listed."""
        return await anext(self.owner.list_turns(agent_id=self.id))

    async def in_state(self, state: str) -> ListedTurn | None:
        found = await self.turn()
        return found if found["state"] == state else None


@pytest.fixture
async def agent(world: World, clients: Clients) -> Agent:
    conversation, helper = await with_agent(world)
    owner = await clients.user(world.id_of("alice"))
    await owner.update_conversation(conversation, agents="all")
    return Agent(helper, conversation, await clients.user(helper), await clients.user(helper), owner)


async def following(turns: Turns) -> Turn:
    async with deadline():
        return await anext(turns)


class Answering:
    """A process that answers turns until it is cancelled, and keeps the ids of the turns that it has answered."""

    def __init__(self, chat: Talkwire) -> None:
        self.answered: list[str] = []
        self._chat = chat
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self._chat.turns() as turns:
            async for turn in turns:
                async with turn:
                    await turn.send(f"Answer to {turn.messages[0].get('content')}")
                    self.answered.append(turn.id)

    async def stop(self) -> None:
        self._task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._task


# --- claiming ---------------------------------------------------------------------------------------------------------


async def test_each_turn_is_answered_once_by_one_of_two_processes(agent: Agent, clients: Clients) -> None:
    service = await clients.service()
    rooms = [await service.create_conversation("direct", [agent.id, f"{agent.id}-{n}"]) for n in range(6)]
    both = [Answering(agent.chat), Answering(agent.other)]
    for number, room in enumerate(rooms):
        await service.send(room["id"], str(number), sender_id=f"{agent.id}-{number}")
    await until(lambda: sum(len(each.answered) for each in both) >= len(rooms))
    for each in both:
        await each.stop()
    answered = [*both[0].answered, *both[1].answered]
    assert len(answered) == len({*answered}) == len(rooms)
    for number, room in enumerate(rooms):
        texts = [each.get("content") async for each in service.history(room["id"])]
        assert texts == [f"Answer to {number}", str(number)]
    states = [each["state"] async for each in service.list_turns(agent_id=agent.id)]
    assert states == ["done"] * len(rooms)


async def test_a_claim_that_waits_gets_a_message_at_once(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "ROUND_S", DEADLINE_S * 2)  # A claim that is answered early never gets a turn.
    async with agent.chat.turns(conversation_id=agent.conversation_id) as turns:
        waiting = asyncio.create_task(following(turns))
        await pause(0.5)
        question = await agent.asked()
        turn = await waiting
        assert (turn.conversation_id, turn.agent_id, turn.attempt, turn.tries) == (
            agent.conversation_id,
            agent.id,
            1,
            0,
        )
        assert [each["id"] for each in turn.messages] == [question["id"]]
        assert (turn.note, turn.card, turn.card_message, turn.stopped, turn.lost) == (None, None, None, None, False)
        assert (turn.token, turn.lease_until > question["createdAt"]) == (f"{turn.id}.1", True)
        await turn.done()
    assert (await agent.turn())["state"] == "done"


async def test_a_program_has_no_more_turns_at_once_than_it_wants(agent: Agent, clients: Clients) -> None:
    service = await clients.service()
    for n in range(3):
        room = await service.create_conversation("direct", [agent.id, f"{agent.id}-{n}"])
        await service.send(room["id"], str(n), sender_id=f"{agent.id}-{n}")
    async with agent.chat.turns(at_once=2) as turns:
        first, second = await following(turns), await following(turns)
        third = asyncio.create_task(following(turns))
        await pause(0.5)
        assert not third.done()
        async with first:
            await first.send("One")
            await pause(0.3)
            assert not third.done(), "the program still handles the first one"
        assert (await third).id not in {first.id, second.id}
    with pytest.raises(ValueError, match="at_once"):
        agent.chat.turns(at_once=0)
    with pytest.raises(RuntimeError, match="async with"):
        aiter(turns)


async def test_turns_are_handled_at_the_same_time_and_one_that_fails_disturbs_no_other(
    agent: Agent, clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    service = await clients.service()
    for n in range(3):
        room = await service.create_conversation("direct", [agent.id, f"{agent.id}-{n}"])
        await service.send(room["id"], str(n), sender_id=f"{agent.id}-{n}")
    together = asyncio.Barrier(3)

    async def answer(turn: Turn) -> None:
        async with deadline():
            await together.wait()
        if turn.messages[0].get("content") == "1":
            raise RuntimeError("one fails")
        await turn.send("Answer")

    async with agent.chat.turns() as turns:
        running = asyncio.create_task(turns.run(answer))

        async def states() -> bool:
            found = [each["state"] async for each in agent.owner.list_turns(agent_id=agent.id)]
            return sorted(found) == ["done", "done", "waiting"]

        await until_asked(states)
        assert not running.done()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert "one fails" in caplog.text


async def test_a_person_has_no_turns(agent: Agent) -> None:
    async with agent.owner.turns() as turns:
        with pytest.raises(TalkwireError) as refused:
            await following(turns)
    assert refused.value.code == "forbidden"


async def test_a_cancelled_wait_loses_no_turn(agent: Agent) -> None:
    async with agent.chat.turns() as turns:
        waiting = asyncio.create_task(following(turns))
        await pause(0.3)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await agent.asked()
        assert (await following(turns)).attempt == 1


# --- ending -----------------------------------------------------------------------------------------------------------


async def test_an_exception_fails_the_turn_which_is_tried_again(agent: Agent) -> None:
    await agent.asked()

    async def answer(turns: Turns) -> None:
        async with await following(turns):
            raise KeyError("a secret")

    async with agent.chat.turns() as turns:
        with pytest.raises(KeyError):
            await answer(turns)
        assert (await agent.turn()).get("error") == {"code": "KeyError"}
        again = await following(turns)
        assert (again.attempt, again.tries) == (2, 1)
        await again.fail("overloaded", "Later.")
        assert (await agent.turn()).get("error") == {"code": "overloaded", "message": "Later."}


async def test_a_block_without_an_answer_fails_its_turn(agent: Agent, caplog: pytest.LogCaptureFixture) -> None:
    await agent.asked()
    async with agent.chat.turns() as turns:
        async with await following(turns) as turn:
            await turn.send("Well, ", more=True)
        assert (await agent.turn()).get("error", {}).get("code") == "unanswered"
    assert "without an answer" in caplog.text
    with pytest.raises(TalkwireError, match="closed"):
        await turn.send("later")


async def test_several_messages_answer_a_turn(agent: Agent) -> None:
    question = await agent.asked()
    root = await agent.owner.send(agent.conversation_id, "In a thread", thread_id=question["id"])
    async with agent.chat.turns() as turns, await following(turns) as turn:
        assert [each["id"] for each in turn.messages] == [question["id"], root["id"]]
        await turn.send("One", more=True)
        async with turn.stream(more=True, model="m") as message:
            await message.text("Two")
        await turn.send("Three", reply_to_id=question["id"])
    assert await agent.answers() == ["One", "Two", "Three"]
    assert message.message.get("generated") == {"by": agent.id, "model": "m"}
    assert (await agent.turn())["state"] == "done"


async def test_a_refusal_that_leaves_the_block_names_its_code(agent: Agent) -> None:
    await agent.asked()
    async with agent.chat.turns() as turns:
        with pytest.raises(TalkwireError, match="forbidden"):
            async with await following(turns):
                await agent.chat.conversation("nowhere")
        listed = await agent.turn()
        assert (listed["state"], listed.get("error", {}).get("code")) == ("waiting", "forbidden")


async def test_a_stop_of_a_message_with_more_ends_the_turn_and_the_block(agent: Agent) -> None:
    await agent.asked()
    async with agent.chat.turns(lease_s=LEASE_S) as turns:
        async with await following(turns) as turn:
            async with turn.stream(more=True) as message:
                await message.text("One")
                await agent.owner.stop(message.id)
                await message.until_stopped()
            with pytest.raises(TalkwireError, match="has asked the agent to stop") as refused:
                await turn.send("Two")
        assert (turn.lost, (refused.value.details or {})["reason"]) == (True, "ended")
    assert await agent.answers() == ["One"]
    assert (await agent.turn())["state"] == "done"


async def test_run_raises_why_turns_cannot_be_claimed(agent: Agent) -> None:
    async with agent.owner.turns() as turns, deadline():
        with pytest.raises(TalkwireError, match="Only agents have turns"):
            await turns.run(Turn.done)


async def test_a_stream_says_at_its_end_whether_there_is_more(agent: Agent) -> None:
    await agent.asked()
    async with agent.chat.turns() as turns, await following(turns) as turn:
        async with turn.stream() as message:
            await message.text("One")
            await message.finish(more=True)
        async with turn.stream(more=True) as message:
            await message.text("Two")
            await message.finish(more=False)
        with pytest.raises(TalkwireError, match="closed"):
            await turn.send("Three")
    assert await agent.answers() == ["One", "Two"]
    assert (await agent.turn())["state"] == "done"


async def test_what_is_asked_in_a_thread_is_answered_there(agent: Agent) -> None:
    question = await agent.asked()
    async with agent.chat.turns() as turns:
        await (await following(turns)).done()
        await agent.owner.send(agent.conversation_id, "And when?", thread_id=question["id"])
        async with await following(turns) as turn:
            assert (await turn.send("Today.", more=True)).get("threadId") == question["id"]
            assert "threadId" not in await turn.send("Outside", thread_id=None)


async def test_a_turn_that_has_failed_for_good_is_retried_by_the_owner(tmp_path: Path) -> None:
    with running_chat(tmp_path, {"TALKWIRE_MAX_TURN_TRIES": "1"}) as server:
        async with AsyncExitStack() as stack:
            tokens = server.token("backend", role="service"), server.token("ann"), server.token("helper")
            service, owner, chat = [await stack.enter_async_context(client_of(server, token)) for token in tokens]
            await service.put_user("helper", kind="agent", ownerId="ann")
            room = await owner.create_conversation("direct", ["helper"])
            await owner.send(room["id"], "Where is it?")
            turns = await stack.enter_async_context(chat.turns())
            failed = await following(turns)
            events = owner.events(types=["turn:failed"])
            await failed.fail("overloaded")
            async with deadline():
                event = await anext(events)
            assert event.type == "turn:failed"
            assert (event.data["turnId"], event.data["error"]) == (failed.id, {"code": "overloaded"})
            assert [each["id"] async for each in owner.list_turns(state="failed")] == [failed.id]
            await owner.retry_turn(failed.id)
            again = await following(turns)
            assert (again.id, again.tries, again.attempt > failed.attempt) == (failed.id, 0, True)
            await again.done()
            assert [each async for each in owner.list_turns(state="failed")] == []
            assert [each["id"] async for each in service.list_turns(agent_id="helper", state="done")] == [failed.id]


# --- leases -----------------------------------------------------------------------------------------------------------


async def test_the_lease_of_a_slow_answer_is_renewed(agent: Agent) -> None:
    await agent.asked()
    async with agent.chat.turns(lease_s=LEASE_S) as turns, await following(turns) as turn:
        await pause(LEASE_S * 1.5)
        async with turn.stream(more=True) as message:
            await pause(LEASE_S * 1.5)
            await message.text("Slow")
        await pause(LEASE_S * 1.5)
        await turn.send("Answer")
    assert await agent.answers() == ["Slow", "Answer"]
    assert ((await agent.turn()).get("tries"), turn.lost) == (None, False)


async def _superseded(agent: Agent, turn: Turn) -> None:
    """Lets another attempt have the turn."""
    await agent.other.request("POST", f"turns/{turn.id}/release", json={"turn": turn.token})
    (claimed,) = (await agent.other.request("POST", "turns/claim", json={}))["turns"]
    assert claimed["id"] == turn.id


async def test_code_whose_turn_another_process_has_is_cancelled_and_the_loop_continues(agent: Agent) -> None:
    await agent.asked()
    seen: list[str] = []
    async with agent.chat.turns(lease_s=LEASE_S) as turns:
        async with deadline():
            async with await following(turns) as turn:
                await _superseded(agent, turn)
                await turn.until_stopped()
                seen.append("stopped")
                await asyncio.Event().wait()
            seen.append("after the block")
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        with pytest.raises(TalkwireError) as refused:
            await turn.send("Too late")
    assert (turn.lost, seen[-1]) == (True, "after the block")
    assert (refused.value.details or {})["reason"] == "superseded"
    assert await agent.answers() == []
    assert (await agent.turn())["attempt"] == 2


async def test_a_refused_answer_ends_the_block_quietly(agent: Agent) -> None:
    await agent.asked()
    async with agent.chat.turns() as turns:
        async with await following(turns) as turn:
            await _superseded(agent, turn)
            await turn.send("Too late")
        assert turn.lost
    assert await agent.answers() == []


async def test_a_stream_of_a_turn_that_another_process_has_is_cancelled(agent: Agent) -> None:
    await agent.asked()
    async with agent.chat.turns() as turns:
        async with deadline(), await following(turns) as turn, turn.stream() as message:
            await message.text("One")
            await until_asked(lambda: _has_text(agent, message.id, "One"))
            await _superseded(agent, turn)
            while True:  # Suspends: it pauses.
                await message.text(" more")
                await pause(0.05)
        assert turn.lost


async def _has_text(agent: Agent, message_id: str, text: str) -> bool:
    return (await agent.owner.message(message_id)).get("content") == text


async def test_a_turn_is_stopped_by_who_has_asked(agent: Agent) -> None:
    question = await agent.asked()
    async with agent.chat.turns(lease_s=LEASE_S) as turns, await following(turns) as turn:
        assert await turn.update() is None
        await agent.owner.request("POST", "messages/stop", json={"replyToId": question["id"]})
        async with deadline():
            await turn.until_stopped()
        assert (turn.stopped or {})["by"] == (await agent.owner.me())["id"]
        await turn.done()
    await agent.asked("Again")
    async with agent.chat.turns() as turns, await following(turns) as turn:
        async with turn.stream() as message:
            await message.text("One")
            await agent.owner.stop(message.id)
            await message.text("Two")
            async with deadline():
                await turn.until_stopped()
        assert (turn.stopped, turn.lost) == (message.stopped, False)
    assert (message.message.get("state"), (await agent.turn())["state"]) == ("stopped", "done")


async def test_members_see_the_label(agent: Agent) -> None:
    await agent.asked()
    signals = agent.owner.signals()

    async def shown() -> str | None:
        async for signal in signals:
            if signal.type == "turn:working" and "label" in signal.data:
                return signal.data["label"]
        return None

    showing = asyncio.create_task(shown())
    async with agent.chat.turns() as turns, await following(turns) as turn:

        async def is_shown() -> bool:
            await turn.update(label="searching")  # The owner's socket may not be connected yet.
            return showing.done()

        await until_asked(is_shown)
        await turn.done()
    assert await showing == "searching"


async def test_events_say_what_becomes_of_turns(agent: Agent, clients: Clients) -> None:
    events = (await clients.service()).events(types=["turn:ready", "turn:failed"])
    await agent.asked()
    async with deadline():
        ready = await anext(events)
    assert ready.type == "turn:ready"
    assert (ready.data["agentId"], ready.data["turnId"]) == (agent.id, (await agent.turn())["id"])


# --- leaving ----------------------------------------------------------------------------------------------------------


async def test_turns_that_were_not_handled_are_released(agent: Agent) -> None:
    await agent.asked()
    async with agent.chat.turns() as turns:
        turn = await following(turns)
    left = await agent.turn()
    assert (left["state"], left.get("tries")) == ("waiting", None)
    async with agent.other.turns() as others:
        assert (await following(others)).id == turn.id
    with pytest.raises(TalkwireError, match="closed"):
        await turn.done()


async def test_a_cancelled_program_gives_its_turn_to_another_which_writes_the_message_again(agent: Agent) -> None:
    await agent.asked()
    written = asyncio.Event()

    async def work() -> None:
        async with agent.chat.turns() as turns:
            async for turn in turns:
                async with turn, turn.stream() as message:
                    await message.text("It is")
                    await until_asked(lambda: _has_text(agent, message.id, "It is"))
                    written.set()
                    await asyncio.Event().wait()

    working = asyncio.create_task(work())
    async with deadline():
        await written.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    async with agent.other.turns() as turns, await following(turns) as turn, turn.stream() as message:
        assert (turn.attempt, turn.tries, message.parts) == (2, 0, [])
        await message.text("It was sent.")
    assert await agent.answers() == ["It was sent."]


@pytest.mark.parametrize("continues", [False, True])
async def test_the_stream_of_a_killed_process_is_continued_by_another_one(
    agent: Agent,
    chat_server: ServerProcess,
    continues: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    await agent.asked()
    async with AsyncExitStack() as left:
        killed = client_of(chat_server, chat_server.token(agent.id))
        left.push_async_callback(killed.close)
        turn = await following(await killed.turns(lease_s=LEASE_S).__aenter__())
        first = await turn.stream().__aenter__()
        await first.text("It ")
        await until_asked(lambda: _has_text(agent, first.id, "It "))
        await _kill(killed, turn, first)
        async with agent.other.turns() as turns, await following(turns) as again:
            assert (again.id, again.attempt, again.tries) == (turn.id, 2, 1)
            async with again.stream(continue_=continues) as second:
                assert second.parts == ([{"type": "text", "text": "It "}] if continues else [])
                await second.text("was sent.")
    assert first.id == second.id
    assert await agent.answers() == ["It was sent." if continues else "was sent."]
    assert (await agent.turn())["state"] == "done"


async def _kill(chat: Talkwire, turn: Turn, stream: Any) -> None:  # noqa: ANN401 (private members)
    """Ends what a process does in the background, without a request to the server."""
    for task in (turn._renewing, stream._sender):
        task.cancel()
    await chat.close()


async def test_what_is_asked_comes_back_in_another_process(agent: Agent) -> None:
    await agent.asked("Refund it!")
    async with agent.chat.turns() as turns, await following(turns) as turn:
        asked = await turn.ask("Refund?", YES, text="Order 7", fields=[{"label": "Sum", "value": "12"}])
        with pytest.raises(TalkwireError, match="closed"):
            await turn.done()
    assert (await agent.turn()).get("cardMessageId") == asked["id"]
    async with agent.other.turns() as turns:
        waiting = asyncio.create_task(following(turns))
        await pause(0.3)
        assert not waiting.done()
        await agent.owner.choose(asked["id"], ["yes"])
        async with await waiting as again:
            assert (again.id, again.attempt, again.tries) == (turn.id, 2, 0)
            assert again.card is not None
            assert (again.card["title"], again.card.get("text"), again.card.get("actionId")) == (
                "Refund?",
                "Order 7",
                "yes",
            )
            assert again.card_message is not None
            assert again.card_message["id"] == asked["id"]
            await again.send("Refunded.")
    assert (await agent.answers())[-1] == "Refunded."


# --- outages ----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def fragile(tmp_path: Path) -> AsyncIterator[FragileServer]:
    server = FragileServer(tmp_path)
    await server.start()
    yield server
    await server.kill()


async def test_turns_survive_an_outage_of_the_server(fragile: FragileServer) -> None:
    assert fragile.process is not None
    tokens = fragile.process.token("backend", role="service"), fragile.process.token("helper")
    async with (
        client_of(fragile.process, tokens[0]) as service,
        client_of(fragile.process, tokens[1], patience_s=0.1) as chat,
    ):
        await service.put_user("helper", kind="agent")
        room = (await service.create_conversation("direct", ["ann", "helper"]))["id"]
        async with chat.turns() as turns:
            waiting = asyncio.create_task(following(turns))
            await pause(0.3)
            await fragile.kill()
            await pause(0.3)
            assert not waiting.done()
            await fragile.start()
            await service.send(room, "Where is it?", sender_id="ann")
            async with await waiting as turn:
                await fragile.kill()
                restarting = asyncio.create_task(fragile.start())
                await turn.update(label="searching")
                await restarting
                async with turn.stream() as message:
                    await message.text("It was ")
                    await fragile.kill()
                    restarting = asyncio.create_task(fragile.start())
                    await message.text("sent.")
                    await restarting
            assert message.message.get("content") == "It was sent."
        assert [each["state"] async for each in chat.list_turns()] == ["done"]


async def test_a_turn_that_cannot_be_given_back_delays_the_end_only_a_little(
    fragile: FragileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_module, "RELEASE_S", 0.2)
    assert fragile.process is not None
    tokens = fragile.process.token("backend", role="service"), fragile.process.token("helper")
    async with client_of(fragile.process, tokens[0]) as service, client_of(fragile.process, tokens[1]) as chat:
        await service.put_user("helper", kind="agent")
        room = await service.create_conversation("direct", ["ann", "helper"])
        await service.send(room["id"], "Where is it?", sender_id="ann")
        async with deadline(), chat.turns() as turns:
            await following(turns)
            await fragile.kill()


# --- without asyncio, and on the page -------------------------------------------------------------------------------


async def test_a_program_without_asyncio_answers_turns(agent: Agent, chat_server: ServerProcess) -> None:
    await agent.asked()

    def work() -> list[str]:
        seen = []
        token = chat_server.token("backend", role="service")
        with (
            BlockingTalkwire(chat_server.url, token=token, max_pause_s=MAX_PAUSE_S, timeout_s=DEADLINE_S) as chat,
            chat.turns(sender_id=agent.id) as turns,
        ):
            for turn in turns:
                with turn:
                    assert (turn.conversation_id, turn.agent_id, turn.attempt) == (agent.conversation_id, agent.id, 1)
                    assert (turn.note, turn.card_message, turn.stopped, turn.tries) == (None, None, None, 0)
                    assert turn.token.startswith(turn.id)
                    assert turn.lease_until
                    assert turn.update(label="searching") is None
                    turn.send("Well", more=True)
                    with turn.stream(more=True) as message:
                        message.text("It was sent.")
                    seen.append(turn.ask("Enough?", YES)["id"])
                break
            chat.choose(seen[0], ["yes"], sender_id=(turn.messages[0])["senderId"])
            turn = next(turns)
            assert turn.card is not None
            assert turn.card.get("actionId") == "yes"
            turn.fail("later")
            turn = next(turns)
            with turn:
                chat.request("POST", f"turns/{turn.id}/release", json={"turn": turn.token, "senderId": agent.id})
                turn.done()
            assert turn.lost
            next(turns).release()
            with pytest.raises(ZeroDivisionError), next(turns):
                _ = 1 / 0
            assert [each["state"] for each in chat.list_turns(agent_id=agent.id)] == ["waiting"]
        with pytest.raises(RuntimeError, match="async with"):
            iter(turns)
        return seen

    await asyncio.to_thread(work)
    assert (await agent.answers())[:2] == ["Well", "It was sent."]
    assert (await agent.turn()).get("error") == {"code": "ZeroDivisionError"}


async def test_the_program_of_the_page_refunds_after_the_decision(agent: Agent) -> None:
    (program,) = [block for block in BLOCKS if "turn.ask(" in block]
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 (the page's program)
    await agent.asked("Refund order 7, please.")
    running = [asyncio.create_task(names["work"](chat)) for chat in (agent.chat, agent.other)]

    async def asked() -> str | None:
        return (await agent.turn()).get("cardMessageId")

    card = await until_asked(asked)
    assert card is not None
    await agent.owner.choose(card, ["refund"])
    await until_asked(lambda: agent.in_state("done"))
    await agent.asked("Thanks!")

    async def answered() -> bool:
        return len(await agent.answers()) == 3 and (await agent.turn())["state"] == "done"

    await until_asked(answered)
    for each in running:
        each.cancel()
    await asyncio.wait(running)
    assert (await agent.answers())[1:] == ["It is refunded.", "You wrote: Thanks! "]
