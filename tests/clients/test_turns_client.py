"""Turns of the package @talkwire/client: two programs of an agent, of which one answers, also after the other has lost
its network, has asked, or was stopped."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.chat.chat_server import running_chat
from tests.clients.test_cards_client import CLIENT
from tests.clients.test_talkwire_client import DrivenClients, RestChat, driven
from tests.reference.blocks.test_blocks import block_of
from tests.waiting import deadline, until_asked

PLACE = "order-17"
PLACES = tuple(f"order-{number}" for number in range(17, 25))
REFUND = {
    "title": "Refund?",
    "actions": [{"id": "approve", "label": "Approve"}, {"id": "decline", "label": "Decline"}],
    "decide": "first",
}
SOON_MS = 10_000
"""How long a turn may take to a program that waits for one, which would ask again only after a minute."""


@asynccontextmanager
async def _programs(
    folder: Path, node_client: list[str], places: tuple[str, ...] = (PLACE,)
) -> AsyncIterator[tuple[DrivenClients, RestChat]]:
    """Yields alice's client, two programs of the agent "helper", and the REST API."""
    with running_chat(folder) as server:
        chat = RestChat(server)
        chat.send("PUT", "users/alice", name="Alice")
        chat.send("PUT", "users/helper", name="Helper", kind="agent", ownerId="alice")
        for place in places:
            chat.post("conversations", kind="group", id=place, memberIds=["alice", "helper"], agents="all")
        async with driven(node_client, server.url, "turns_client.mjs") as clients:
            await clients.do("open", PLACE)
            yield clients, chat


def _turn(chat: RestChat) -> dict[str, Any]:
    turn: dict[str, Any] = chat.send("GET", "turns?agentId=helper")["items"][0]
    return turn


async def test_of_two_programs_one_answers_each_message(tmp_path: Path, node_client: list[str]) -> None:
    async with _programs(tmp_path, node_client, PLACES) as (clients, chat):
        await clients.do("answer", "one")
        await clients.do("answer", "two", {"atOnce": 2})
        texts = [f"{place} {number}" for number in range(3) for place in PLACES]
        for text in texts:
            await clients.do("say", text, text.split()[0])

        def answers() -> list[str]:
            found: list[str] = []
            for place in PLACES:
                items = chat.send("GET", f"conversations/{place}/messages?limit=100", "alice")["items"]
                found += [item["content"] for item in items if item["senderId"] == "helper"]
            return found

        def answered() -> list[str]:
            return [text for answer in answers() for text in answer.partition(": ")[2].split(", ")]

        async def are_answered() -> bool:
            return Counter(await asyncio.to_thread(answered)) == Counter(texts)

        await until_asked(are_answered)
        turns = (await clients.do("took", "one", 1))["turns"] + (await clients.do("took", "two", 1))["turns"]
        assert len({turn["id"] for turn in turns}) == len(turns) == len(await asyncio.to_thread(answers))
        assert (
            (await clients.do("close", "one"))["ended"]
            == (await clients.do("close", "two"))["ended"]
            == {"result": "done"}
        )


async def test_a_program_that_waits_gets_a_turn_at_once_also_after_its_network_was_gone(
    tmp_path: Path, node_client: list[str]
) -> None:
    async with _programs(tmp_path, node_client) as (clients, _):
        await clients.do("loop", "one", {"atOnce": 1})
        await clients.do("pause", 500)
        await clients.do("say", "Hello?")
        (turn,) = (await clients.do("took", "one", 1, SOON_MS))["turns"]
        assert (turn["messages"], turn["attempt"], turn["tries"]) == (["Hello?"], 1, 0)
        await clients.do("say", "Are you there?")  # the program has as many turns as it wants
        sent = await clients.do("do", "one", "send", "Wait.", {"more": True, "generated": {"model": "m"}})
        assert sent["result"]["generated"] == {"by": "helper", "model": "m"}
        assert len((await clients.do("took", "one", 1))["turns"]) == 1
        await clients.do("do", "one", "done")
        second = (await clients.do("took", "one", 2))["turns"][1]
        assert second["messages"] == ["Are you there?"]
        refused = await clients.do("do", "one", "send", "", {"parts": []})
        assert refused["refused"]["code"] == "invalid_request"
        await clients.do("do", "one", "send", "Yes.")
        assert (await clients.do("do", "one", "done"))["refused"]["code"] == "closed"

        await clients.do("pause", 500)  # it waits again
        await clients.do("cut")
        await clients.do("say", "Still?")
        await clients.do("join")
        assert (await clients.do("took", "one", 3, SOON_MS))["turns"][2]["messages"] == ["Still?"]


async def test_a_program_without_network_loses_its_turn_and_another_continues_its_message(
    tmp_path: Path, node_client: list[str]
) -> None:
    async with _programs(tmp_path, node_client) as (clients, chat):
        await clients.do("loop", "one", {"leaseS": 5})
        await clients.do("say", "How long?")
        await clients.do("took", "one", 1)
        opened = await clients.do("stream", "one", {"generated": {"model": "m"}}, "About")
        assert opened["parts"] == []
        await clients.do("shown", [["How long?"], ["About", "streaming"]])
        await clients.do("loop", "two", {"conversationId": PLACE})
        await clients.do("cut")
        lost = await clients.do("aborted", "one")
        assert (lost["reason"]["code"], lost["reason"]["details"]["reason"]) == ("lost", "lapsed")
        assert (await clients.do("do", "one", "send", "Two days."))["refused"]["code"] == "lost"

        (turn,) = (await clients.do("took", "two", 1))["turns"]
        assert (turn["messages"], turn["attempt"], turn["tries"]) == (["How long?"], 2, 1)
        await clients.do("shown", [["How long?"], ["About", "interrupted"]])
        continued = await clients.do("stream", "two", {"generated": {"model": "m"}, "keep": True}, " a day.")
        assert continued["result"] == opened["result"]
        assert continued["parts"] == [{"type": "text", "text": "About"}]
        await clients.do("shown", [["How long?"], ["About a day.", "streaming"]])
        await clients.do("join")
        assert (await clients.do("finish", "one", {}))["refused"]["code"] == "lost"
        # Another attempt writes it from the start.
        await clients.do("close", "two")
        assert (await clients.do("took", "one", 2))["turns"][1]["attempt"] == 3
        anew = await clients.do("stream", "one", {"generated": {"model": "m"}}, "Two days.")
        assert (anew["result"], anew["parts"]) == (opened["result"], [])
        assert await clients.do("finish", "one", {}) == {"done": "finish", "state": "done", "content": "Two days."}
        await clients.do("shown", [["How long?"], ["Two days.", "done"]])
        assert _turn(chat)["state"] == "done"


async def test_a_turn_is_kept_and_stops_when_somebody_asks(tmp_path: Path, node_client: list[str]) -> None:
    async with _programs(tmp_path, node_client) as (clients, chat):
        await clients.do("loop", "one", {"leaseS": 5})
        asked = (await clients.do("say", "Think."))["id"]
        await clients.do("took", "one", 1)
        await clients.do("loop", "two")
        await clients.do("pause", 7000)
        assert (await clients.do("took", "one", 1))["turns"][0]["aborted"] is None
        assert (await clients.do("took", "two", 0))["turns"] == []
        await clients.do("close", "two")
        await clients.do("stop", asked)
        stopped = await clients.do("aborted", "one")
        assert (stopped["reason"]["code"], stopped["reason"]["details"]["by"]) == ("stopped", "alice")
        assert stopped["stopped"]["by"] == "alice"
        assert (await clients.do("do", "one", "update", {"label": "Ends"}))["result"]["stop"]["by"] == "alice"
        await clients.do("do", "one", "done")
        assert _turn(chat)["state"] == "done"

        asked = (await clients.do("say", "Write."))["id"]
        await clients.do("took", "one", 2)
        await clients.do("stream", "one", {}, "It was")
        assert (await clients.do("do", "one", "done"))["refused"]["details"]["reason"] == "streaming"
        await clients.do("stop", asked)
        assert (await clients.do("aborted", "one"))["reason"]["code"] == "stopped"
        assert (await clients.do("finish", "one", {}))["state"] == "stopped"
        assert (await clients.do("took", "one", 2))["turns"][1]["isOver"]
        assert _turn(chat)["state"] == "done"

        await clients.do("say", "Fail.")
        await clients.do("took", "one", 3)
        await clients.do("stream", "one", {}, "I cannot")
        await clients.do("do", "one", "fail", "overloaded", "Later.")
        turn = _turn(chat)
        assert (turn["state"], turn["tries"]) == ("waiting", 1)
        assert turn["error"] == {"code": "overloaded", "message": "Later."}


async def test_a_question_ends_the_work_and_the_decision_brings_it_back(tmp_path: Path, node_client: list[str]) -> None:
    async with _programs(tmp_path, node_client) as (clients, chat):
        await clients.do("loop", "one")
        await clients.do("say", "Refund it.")
        await clients.do("took", "one", 1)
        card = (await clients.do("do", "one", "ask", REFUND))["result"]["id"]
        assert (await clients.do("took", "one", 1))["turns"][0]["isOver"]
        assert _turn(chat)["cardMessageId"] == card
        assert (await clients.do("close", "one"))["held"] == 0
        await clients.do("loop", "two")
        assert (await clients.do("choose", card, "approve"))["result"] == "decided"
        (turn,) = (await clients.do("took", "two", 1))["turns"]
        assert turn["card"] == {"outcome": "decided", "actionId": "approve"}
        assert (turn["messages"], turn["attempt"]) == (["Refund it."], 2)
        await clients.do("do", "two", "send", "Refunded.")
        assert _turn(chat)["state"] == "done"


async def test_closed_turns_are_released_for_another_program(tmp_path: Path, node_client: list[str]) -> None:
    async with _programs(tmp_path, node_client) as (clients, _):
        await clients.do("loop", "one", {"leaseS": 300})
        await clients.do("say", "Hello?")
        await clients.do("took", "one", 1)
        await clients.do("loop", "two")
        assert await clients.do("close", "one") == {"done": "close", "ended": {"result": "done"}, "held": 0}
        assert (await clients.do("aborted", "one"))["reason"]["code"] == "closed"
        (turn,) = (await clients.do("took", "two", 1, SOON_MS))["turns"]
        # The claim of the first program, which ends at the same time, may have had the turn for a moment.
        assert (turn["attempt"] > 1, turn["tries"]) == (True, 0)
        await clients.do("do", "two", "send", "Yes.")

        # Nothing of the program that has closed its turns waits on the server.
        await clients.do("loop", "one")
        await clients.do("pause", 500)
        await clients.do("close", "one")
        await clients.do("say", "And now?")
        assert (await clients.do("took", "two", 2))["turns"][1]["messages"] == ["And now?"]
        assert len((await clients.do("took", "one", 1))["turns"]) == 1


async def test_members_see_that_the_agent_works_until_it_writes(tmp_path: Path, node_client: list[str]) -> None:
    async with _programs(tmp_path, node_client) as (clients, _):
        await clients.do("loop", "one", {"leaseS": 5})
        await clients.do("say", "How long?")
        await clients.do("took", "one", 1)
        await clients.do("working", [{"agentId": "helper"}])
        await clients.do("do", "one", "update", {"label": "Asks the shop"})
        await clients.do("working", [{"agentId": "helper", "label": "Asks the shop"}])
        await clients.do("stream", "one", {}, "About")
        await clients.do("working", [])
        await clients.do(
            "pause", 4000
        )  # the lease of the message is renewed, and members are not notified that the agent works
        await clients.do("working", [])
        await clients.do("finish", "one", {"more": True})
        await clients.do("working", [{"agentId": "helper", "label": "Asks the shop"}])
        await clients.do("do", "one", "send", "Two days.")
        seen = (await clients.do("working", []))["seen"]
        labels = [each[0].get("label") if each else "" for each in seen]
        assert labels == [None, "Asks the shop", "", "Asks the shop", ""]


async def test_the_program_of_the_page_asks_and_answers_and_ends(tmp_path: Path, node_client: list[str]) -> None:
    beginning = 'import { Talkwire } from "@talkwire/client";\nimport { turnsOf }'
    text = block_of("docs/client-javascript.md", "js", beginning)
    modules = {"@talkwire/client/turns": CLIENT / "turns" / "index.js", "@talkwire/client": CLIENT / "index.js"}
    for name, module in modules.items():
        text = text.replace(f'"{name}"', f'"{module}"')
    program = tmp_path / "turns.mjs"
    program.write_text(text)
    async with _programs(tmp_path, node_client) as (clients, chat):
        command = [node_client[0], str(program), *chat.access("helper")]
        process = await asyncio.create_subprocess_exec(*command)
        try:
            await clients.do("say", "Please refund my order.")

            async def is_asked() -> list[dict[str, Any]]:
                return list((await asyncio.to_thread(chat.send, "GET", "cards?open=mine", "alice"))["items"])

            (card,) = await until_asked(is_asked)
            assert (await clients.do("choose", card["messageId"], "yes"))["result"] == "decided"
            await clients.do("answered", ["It is refunded.", "done"])
            await clients.do("say", "And my hat?")
            await clients.do("answered", ["I cannot do that.", "done"])
            process.send_signal(signal.SIGTERM)
            async with deadline():
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
