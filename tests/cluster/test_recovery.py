"""A socket is recovered on another node, whether its first node is alive or was killed."""

from __future__ import annotations

from tests.chat.returner import Returner
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import StartCluster


async def test_a_socket_is_recovered_on_another_node_and_the_old_one_is_closed(two_nodes: Cluster) -> None:
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        talk, closed = await here.conversation("alice", "bob"), await here.conversation("alice", "bob")
        alice = Returner(here, "alice")
        await alice.come()
        await alice.socket.done("conversation:leave", {"conversationId": closed})
        bob = await here.connect("bob")
        await bob.send_message(talk, "one")
        await alice.socket.next("message:new")
        await alice.notified()
        alice.note()
        old = alice.socket
        alice.world = there
        await bob.send_message(talk, "two")
        await bob.send_message(closed, "not for a socket that has closed the conversation")
        assert await alice.come() is True
        assert (await alice.socket.next("message:new"))["content"] == "two"
        await old.wait_disconnected()
        await bob.send_message(talk, "three")
        assert (await alice.socket.next("message:new"))["content"] == "three"
        assert await alice.socket.pending("message:new") == []
        # And back, while the connection there seems to be open still.
        await alice.notified()
        alice.note()
        elsewhere = alice.socket
        alice.world = here
        assert await alice.come() is True
        await elsewhere.wait_disconnected()
        await bob.send_message(talk, "four")
        assert (await alice.socket.next("message:new"))["content"] == "four"


async def test_a_socket_is_recovered_at_once_when_its_node_was_killed(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, valkey=True)
    async with cluster.world(0) as here, cluster.world(1) as there:
        there.take_ids_of(here)
        talk, closed = await here.conversation("alice", "bob"), await here.conversation("alice", "bob")
        alice = Returner(here, "alice")
        await alice.come()
        await alice.socket.done("conversation:leave", {"conversationId": closed})
        bob = await there.connect("bob")
        await bob.send_message(talk, "one")
        await alice.socket.next("message:new")
        await alice.notified()
        alice.note()
        cluster.nodes[0].process.kill()
        await bob.send_message(closed, "not for a socket that has closed the conversation")
        await bob.send_message(talk, "two")
        alice.world = there
        assert await alice.come() is True
        assert (await alice.socket.next("message:new"))["content"] == "two"
        await bob.send_message(talk, "three")
        assert (await alice.socket.next("message:new"))["content"] == "three"
        assert await alice.socket.pending("message:new") == []
