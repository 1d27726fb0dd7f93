"""Authors and homes of streams that are stopped (SIGSTOP), and woken (SIGCONT) after another has taken over: nothing of
theirs is stored or shown."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from rigs.torture.cluster.cluster import token
from rigs.torture.cluster.place import back_end_of, running_place
from rigs.torture.streams.author import Job
from rigs.torture.streams.author_process import AuthorProcess
from rigs.torture.streams.draft import Draft
from talkwire.core.signals.streams.pauses import PAUSED_S
from tests.chat.chat_client import ChatClient, Payload
from tests.chat.test_agents import with_agent
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import StartCluster
from tests.waiting import deadline, pause, until_asked

FIRST, SECOND = 1, 2
"""The seeds of two authors who write different texts to one message."""


async def test_an_author_that_was_stopped_is_superseded_and_nothing_of_it_is_stored(tmp_path: Path) -> None:
    async with running_place("sqlite", tmp_path) as place, back_end_of(place, FIRST) as back_end:
        await back_end.request("PUT", "/users/helper", {"kind": "agent"})
        await back_end.request("POST", "/conversations", {"kind": "group", "id": "c", "memberIds": ["helper"]})
        cursor = (await back_end.request("GET", "/events"))["cursor"]
        first = AuthorProcess(_job(place.urls, FIRST, rate=50.0, appends=400, gives_up=True), tmp_path / "first.log")
        second = AuthorProcess(_job(place.urls, SECOND, is_heir=True, finishes=False), tmp_path / "second.log")
        try:
            first.start()
            await first.wait_for(lambda: any(answer["stored"] for answer in first.answers))
            first.pause()
            second.start()
            await second.until_answered(second.appends)
            first.resume()
            refused = await first.wait_for(lambda: [line["refused"] for line in first.lines if "refused" in line])
        finally:
            await first.kill()
            await second.kill()
        assert refused[0]["details"] == {"reason": "superseded"}
        message_id, taken_over_at = second.message_id, second.lines[0]["length"]
        finished = await back_end.request("POST", f"/messages/{message_id}/finish", {"attempt": 2}, by="helper")
        assert taken_over_at >= first.answers[-1]["stored"] > 0
        text = Draft(FIRST, first.appends).cut(0, taken_over_at) + Draft(SECOND, second.appends).text
        assert (finished["id"], finished["content"], finished["state"]) == (first.message_id, text, "done")
        events = (await back_end.request("GET", f"/events?after={cursor}&types=message:new,message:updated"))["items"]
        assert [event["type"] for event in events] == ["message:new", "message:updated"]


def _job(urls: list[str], seed: int, **more: object) -> Job:
    fields = {"appends": 40, "rate": 0.0, **more}
    return Job(urls=urls, token=token("helper"), conversation_id="c", seed=seed, **fields)  # type: ignore[arg-type]


async def _opened(author: ChatClient, conversation: str) -> Payload:
    return await author.done("message:stream", {"conversationId": conversation, "clientMessageId": "answer"})


def _append(opened: Payload, text: str, at: int) -> Payload:
    return {"messageId": opened["message"]["id"], "attempt": opened["attempt"], "part": 0, "text": text, "at": at}


async def _is_stored(author: ChatClient, append: Payload) -> None:
    async def stored() -> bool:
        answer = await author.done("message:append", append)
        return bool(answer["stored"] == answer["length"])

    await until_asked(stored)


@pytest.mark.parametrize("continues_by", ["the next append", "a new attempt"])
async def test_a_home_that_was_stopped_stores_and_shows_nothing(two_nodes: Cluster, continues_by: str) -> None:
    """The author writes to the node that is stopped, and what it has written is in that node's socket when it wakes."""
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        conversation, _ = await with_agent(here)
        readers = [await world.connect("bob") for world in (here, there)]
        former, other = await here.connect("helper"), await there.connect("helper")
        opened = await _opened(former, conversation)
        await _is_stored(former, _append(opened, "stored, ", 0))
        two_nodes.nodes[0].process.send_signal(signal.SIGSTOP)
        late = former.start_call("message:append", _append(opened, "late", 8))
        if continues_by == "a new attempt":
            opened = await _opened(other, conversation)
        await _is_stored(other, _append(opened, "continued", 8))
        two_nodes.nodes[0].process.send_signal(signal.SIGCONT)
        async with deadline():
            answer = await late
        assert answer["success"] is False
        assert answer["error"]["code"] == "conflict"
        finish = {"messageId": opened["message"]["id"], "attempt": opened["attempt"]}
        finished = await other.done("message:finish", finish)
        assert finished["message"]["content"] == "stored, continued"
        for reader in readers:
            assert (await reader.next("message:updated"))["content"] == "stored, continued"
            deltas = [delta["text"] for _, delta in await reader.pending("message:delta")]
            assert not [text for text in deltas if "late" in text], deltas


async def test_a_home_that_was_stopped_while_nobody_wrote_elsewhere_continues_with_all_it_has(
    start_cluster: StartCluster,
) -> None:
    cluster = start_cluster(2)
    async with cluster.world(0) as here, cluster.world(1) as there:
        there.take_ids_of(here)
        conversation, _ = await with_agent(here)
        reader, author = await there.connect("bob"), await here.connect("helper")
        opened = await _opened(author, conversation)
        await author.done("message:append", _append(opened, "perhaps stored, ", 0))
        cluster.nodes[0].process.send_signal(signal.SIGSTOP)
        late = author.start_call("message:append", _append(opened, "late", 16))
        await pause(PAUSED_S * 1.2)
        cluster.nodes[0].process.send_signal(signal.SIGCONT)
        async with deadline():
            assert (await late)["length"] == 20
        finish = {"messageId": opened["message"]["id"], "attempt": opened["attempt"]}
        assert (await author.done("message:finish", finish))["message"]["content"] == "perhaps stored, late"
        assert (await reader.next("message:updated"))["content"] == "perhaps stored, late"
        deltas = [delta["text"] for _, delta in await reader.pending("message:delta")]
        assert "".join(deltas) == "perhaps stored, late"
