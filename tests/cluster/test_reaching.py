"""Which users an event reaches over two nodes, and on how many sockets."""

from __future__ import annotations

from talkwire.dialects.gateway.vocabulary import GATEWAY
from talkwire.dialects.talks.vocabulary import TALKS
from tests.cluster.cluster import Cluster


async def test_events_of_the_application_reach_the_sockets_of_all_nodes_and_are_counted(two_nodes: Cluster) -> None:
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        sockets = [
            await here.connect("alice", dialect=GATEWAY),
            await there.connect("alice", dialect=GATEWAY),
            await there.connect("bob", dialect=GATEWAY),
        ]
        for socket in sockets:
            socket.custom_events.add("alert")
        alice, bob, carol = (here.id_of(name) for name in ("alice", "bob", "carol"))
        body = {"userIds": [alice, bob, carol], "event": "alert", "message": {"n": 1}, "store": True}
        answer = await here.service("POST", "/api/gateway/send-many", body)
        for socket in sockets:
            assert await socket.next("alert") == {"n": 1}
        assert answer["userIds"] == [alice, bob], answer
        late = await there.open(dialect=GATEWAY)
        late.custom_events.add("alert")
        await late.sign_in({"token": there.server.token(carol)})
        assert await late.next("alert") == {"n": 1}
        for socket in sockets:
            assert await socket.pending("alert") == []


async def test_a_conversation_is_entered_and_left_once_on_all_nodes(two_nodes: Cluster) -> None:
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        talk = await here.conversation("alice", "bob")
        bob = await there.connect("bob", dialect=TALKS)
        await bob.done("join-conversation", {"conversationId": talk})
        phone, laptop = await here.connect("alice", dialect=TALKS), await there.connect("alice", dialect=TALKS)
        await phone.done("join-conversation", {"conversationId": talk})
        assert (await bob.next("user-joined"))["userId"] == here.id_of("alice")
        await laptop.done("join-conversation", {"conversationId": talk})
        await phone.close()
        await laptop.done("leave-conversation", {"conversationId": talk})
        assert (await bob.next("user-left"))["userId"] == here.id_of("alice")
        assert await bob.pending("user-joined", "user-left") == []
