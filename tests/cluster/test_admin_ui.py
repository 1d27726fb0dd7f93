"""Socket.IO's Admin UI over two nodes: a page at one of them sees and reaches the sockets of both."""

from __future__ import annotations

from tests.admin_ui_page import ACCOUNT, admin_page
from tests.cluster.conftest import StartCluster

ADMIN_UI = {
    "TALKWIRE_SOCKETIO_ADMIN": ACCOUNT,
    "TALKWIRE_SOCKETIO_ADMIN_CONTROL": "on",
    "TALKWIRE_LEASE_S": "3",
}


async def test_a_page_shows_the_sockets_of_both_nodes_until_one_is_killed(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, environment=ADMIN_UI)
    async with cluster.world(0) as here, cluster.world(1) as there:
        there.take_ids_of(here)
        conversation = await here.conversation("alice", "bob")
        alice, bob = await here.connect("alice"), await there.connect("bob")
        async with admin_page(here.server.url) as page:
            await page.next("config")
            while not (bob.socket_id in str(page.seen) and alice.socket_id in str(page.seen)):
                await page.reads_on()
            (session_id,) = await page.next("session")
            await alice.send_message(conversation, "from node to node")
            assert await page.next_event("event_sent", bob.socket_id, "message:new") == ["message:new"]
            await page.sends("_disconnect", "/", False, bob.socket_id)
            await bob.wait_disconnected()
            assert (await page.next("socket_disconnected", "/", bob.socket_id))[2] == "server namespace disconnect"
            # Any node accepts a session of the other.
            async with admin_page(there.server.url, {"sessionId": session_id}) as other:
                await other.next("config")
                assert "session" not in other.names()
            carol = await there.connect("carol")
            await page.next("event_sent", "/", carol.socket_id)
            servers = {packet[1]["serverId"] for packet in page.seen if packet[0] == "server_stats"}
            assert len(servers) == 2
            cluster.nodes[1].process.kill()
            await page.next("socket_disconnected", "/", carol.socket_id)
