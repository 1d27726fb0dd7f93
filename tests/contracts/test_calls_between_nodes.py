"""Calls over two nodes: each has one home node, to which the other one forwards signals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from talkwire.core.commands.calls import AcceptCall, FindCall, HangUpCall, InviteToCall, SendCallSignal
from talkwire.core.commands.members import RemoveMember
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import CallAccepted, CallEnded, CallInvited, CallMissed, CallRecorded, CallSignalled
from tests.contracts.cluster import Cluster, running_cluster
from tests.contracts.node import ALICE, BOB, CAROL, OPERATOR, Clock
from tests.databases import Database
from tests.waiting import until_asked


@pytest.fixture
async def cluster(postgresql_database: Database, clock: Clock) -> AsyncIterator[Cluster]:
    """Alice is connected to the first node, bob to the second one."""
    async with running_cluster(postgresql_database, clock) as cluster:
        await cluster.a.connect(ALICE, "a")
        await cluster.b.connect(BOB, "b")
        await cluster.renew()
        yield cluster


async def _has_call(cluster: Cluster) -> bool:
    return await cluster.b.node.do(OPERATOR, FindCall("c")) is not None


async def _has_no_call(cluster: Cluster) -> bool:
    return not await _has_call(cluster)


async def test_a_user_called_on_another_node_accepts_there(cluster: Cluster) -> None:
    await cluster.a.node.do(ALICE, InviteToCall("c", "x", data={"sdp": 1}, source="a"))
    invited = await cluster.b.next(CallInvited)
    assert (invited.to, invited.data, invited.source) == (("bob",), {"sdp": 1}, "a")
    assert await cluster.b.node.do(BOB, AcceptCall("c", "x", source="b")) == "x"
    assert (await cluster.a.next(CallAccepted)).source == "b"
    await cluster.b.node.do(BOB, SendCallSignal("c", "x", data=[1]))
    assert (await cluster.a.next(CallSignalled)).data == [1]
    assert await _has_call(cluster)
    await cluster.b.node.do(BOB, HangUpCall("c", "x"))
    assert (await cluster.b.next(CallEnded)).reason == "hangup"
    await until_asked(lambda: _has_no_call(cluster))
    assert len(cluster.a.of(CallEnded)) == len(cluster.b.of(CallEnded)) == 1


async def test_a_conversation_has_one_call_on_all_nodes(cluster: Cluster) -> None:
    await cluster.a.node.do(ALICE, InviteToCall("c", "x"))
    with pytest.raises(ChatError) as refused:
        await cluster.b.node.do(BOB, InviteToCall("c", "y"))
    assert refused.value.code == "conflict"
    assert refused.value.details == {"callId": "x", "conversationId": "c", "userIds": ["alice"]}
    assert await cluster.b.node.refusal(BOB, AcceptCall("c", "y")) == "not_found"
    assert await cluster.b.node.refusal(CAROL, AcceptCall("c", "x")) == "forbidden"


async def test_one_of_two_simultaneous_calls_is_started(cluster: Cluster) -> None:
    answers = await asyncio.gather(
        cluster.a.node.do(ALICE, InviteToCall("c", "x")),
        cluster.b.node.do(BOB, InviteToCall("c", "y")),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, ChatError)]
    assert [answer.code for answer in refused] == ["conflict"]


async def test_a_participant_disconnected_from_all_nodes_ends_the_call(cluster: Cluster) -> None:
    await cluster.a.node.do(ALICE, InviteToCall("c", "x"))
    await cluster.b.node.do(BOB, AcceptCall("c", "x"))
    await cluster.a.connect(BOB, "b2")
    await cluster.a.recorded()
    cluster.b.disconnect(BOB, "b")
    await cluster.renew()
    await cluster.renew()
    assert cluster.a.of(CallEnded) == [], "bob has another device"
    cluster.a.disconnect(BOB, "b2")
    assert (await cluster.a.next(CallEnded)).reason == "gone"


async def test_membership_ends_a_call_wherever_it_changed(cluster: Cluster) -> None:
    await cluster.a.node.do(ALICE, InviteToCall("c", "x"))
    await cluster.b.node.do(BOB, AcceptCall("c", "x"))
    await cluster.b.node.do(BOB, RemoveMember("c", "bob"))
    assert (await cluster.b.next(CallEnded)).reason == "left"


async def test_a_ringing_user_who_connects_to_another_node_is_called_there(cluster: Cluster) -> None:
    cluster.b.disconnect(BOB, "b")
    await cluster.renew()
    await cluster.renew()
    await cluster.a.node.do(ALICE, InviteToCall("c", "x"))
    await cluster.b.connect(BOB, "b")
    assert (await cluster.b.next(CallInvited, 2)).to == ("bob",)


async def test_a_second_device_is_called_on_every_node_while_it_rings(cluster: Cluster) -> None:
    await cluster.a.node.do(ALICE, InviteToCall("c", "x", data="offer"))
    await cluster.b.next(CallInvited)
    for place, device, number in ((cluster.a, "b2", 2), (cluster.b, "b3", 2)):
        await place.connect(BOB, device)
        invited = await place.next(CallInvited, number)
        assert (invited.to, invited.data, invited.only) == (("bob",), "offer", device)
    await cluster.b.node.do(BOB, AcceptCall("c", "x", source="b3"))
    await cluster.a.next(CallAccepted)
    await cluster.b.next(CallAccepted)
    for place in (cluster.a, cluster.b):
        before = len(place.of(CallInvited))
        await place.connect(BOB, "late")
        assert len(place.of(CallInvited)) == before


async def test_a_call_of_a_killed_home_ends_once_and_is_missed_by_ringing_users(
    cluster: Cluster,
) -> None:
    await cluster.a.node.do(ALICE, InviteToCall("c", "x"))
    await cluster.b.next(CallInvited)
    await cluster.a.kill()
    assert await cluster.b.node.refusal(BOB, AcceptCall("c", "x")) == "unavailable"
    await cluster.settle()
    ended = await cluster.b.next(CallEnded)
    assert (ended.call_id, ended.reason, ended.to, ended.missed_by) == ("x", "gone", ("alice", "bob"), ("bob",))
    await cluster.b.until(lambda: any(isinstance(event, CallMissed) for event in cluster.b.node.log))
    await cluster.settle()
    assert len(cluster.b.of(CallEnded)) == 1
    assert not await _has_call(cluster)


async def test_an_accepted_call_is_not_missed(cluster: Cluster) -> None:
    await cluster.a.node.do(ALICE, InviteToCall("c", "x"))
    await cluster.b.node.do(BOB, AcceptCall("c", "x"))
    await cluster.renew()
    await cluster.a.kill()
    await cluster.settle()
    assert (await cluster.b.next(CallEnded)).missed_by == ()


async def test_an_ended_call_is_recorded_once(cluster: Cluster) -> None:
    await cluster.a.node.do(ALICE, InviteToCall("c", "x"))
    await cluster.b.node.do(BOB, AcceptCall("c", "x"))
    await cluster.b.node.do(BOB, HangUpCall("c", "x"))
    await cluster.b.until(lambda: any(isinstance(event, CallRecorded) for event in cluster.b.node.log))
    await cluster.settle()
    for place in (cluster.a, cluster.b):
        (recorded,) = [event for event in place.node.log if isinstance(event, CallRecorded)]
        assert (recorded.call_id, recorded.caller_id, recorded.reason) == ("x", "alice", "hangup")
        assert recorded.duration_s is not None


async def test_a_new_call_takes_the_place_of_one_whose_home_is_dead(cluster: Cluster) -> None:
    await cluster.a.node.do(ALICE, InviteToCall("c", "x"))
    await cluster.a.kill()
    cluster.clock.now_ms += 15_000
    await cluster.b.node.do(BOB, InviteToCall("c", "y"))
    assert (await cluster.b.next(CallEnded)).call_id == "x"
    assert (await cluster.b.next(CallInvited, 2)).call_id == "y"


async def test_a_node_that_stops_ends_its_calls(cluster: Cluster) -> None:
    await cluster.a.node.do(ALICE, InviteToCall("c", "x"))
    cluster.a.node.chat.close()
    assert (await cluster.b.next(CallEnded)).reason == "gone"
    await until_asked(lambda: _has_no_call(cluster))
