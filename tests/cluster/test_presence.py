"""Presence over two nodes: published once, in the words of each dialect, also when a node is killed."""

from __future__ import annotations

from typing import Any

from talkwire.dialects.crm.vocabulary import CRM
from talkwire.dialects.dialect import Dialect
from talkwire.dialects.messenger import MESSENGER
from talkwire.dialects.talks.vocabulary import TALKS
from talkwire.dialects.whatsapp.vocabulary import WHATSAPP
from tests.chat.chat_client import ChatClient, Payload
from tests.chat.conftest import World
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import StartCluster
from tests.waiting import until_asked

QUICK = {"TALKWIRE_PRESENCE_GRACE_S": "0.3", "TALKWIRE_LEASE_S": "6"}

WORDS: dict[Dialect, tuple[str, str]] = {
    TALKS: ("user-online", "user-offline"),
    WHATSAPP: ("user:online", "user:offline"),
    CRM: ("userOnline", "userOffline"),
}


async def _update(client: ChatClient, world: World, name: str) -> Payload:
    """Returns the next update about a user. After a kill, it takes the other node ten seconds and more."""
    while True:
        update = await client.next("presence:update")
        if update["userId"] == world.id_of(name):
            return update


async def _updates(client: ChatClient, world: World, name: str) -> list[str]:
    """Returns the received updates about a user."""
    pending = await client.pending("presence:update")
    return [update["status"] for _, update in pending if update["userId"] == world.id_of(name)]


async def _presence(world: World, name: str, by: str) -> Any:  # noqa: ANN401 (JSON)
    return (await world.request("GET", f"/api/v1/users/{world.id_of(name)}/presence", by=by)).json()


async def _is_shown_as(world: World, name: str, status: str) -> bool:
    return bool((await _presence(world, name, by="bob"))["status"] == status)


async def test_a_user_on_both_nodes_receives_each_event_once(two_nodes: Cluster) -> None:
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        await here.conversation("alice", "bob")
        bob = await there.connect("bob")
        phone = await here.connect("alice")
        assert (await _update(bob, there, "alice"))["status"] == "online"
        laptop = await there.connect("alice")
        await phone.close()
        await laptop.done("presence:set", {"status": "dnd", "text": "busy"})
        update = await _update(bob, there, "alice")
        assert (update["status"], update["text"]) == ("dnd", "busy")
        # The other node receives it a moment later.
        await until_asked(lambda: _is_shown_as(here, "alice", "dnd"))
        await laptop.close()
        assert (await _update(bob, there, "alice"))["status"] == "offline"
        assert await _updates(bob, there, "alice") == []


async def test_a_subscriber_receives_the_presence_of_a_user_on_another_node(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, environment={**QUICK, "TALKWIRE_CONTACTS_MAX": "2"})
    async with cluster.world(0) as here, cluster.world(1) as there:
        there.take_ids_of(here)
        await here.conversation("alice", "bob", "carol")
        bob, carol = await there.connect("bob"), await there.connect("carol")
        await bob.done("presence:subscribe", {"userIds": [there.id_of("alice")]})
        await carol.done("presence:subscribe", {"userIds": [there.id_of("alice")]})
        await here.request("PUT", f"/api/v1/users/me/blocks/{here.id_of('carol')}", by="alice")
        await here.connect("alice")
        assert (await _update(bob, there, "alice"))["status"] == "online"
        assert await _updates(carol, there, "alice") == []


async def test_users_of_a_killed_node_are_offline_in_every_dialect(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, valkey=True, environment=QUICK)
    async with cluster.world(0) as here, cluster.world(1) as there:
        there.take_ids_of(here)
        talk = await here.conversation("alice", "bob")
        watching = {dialect: await there.connect("bob", dialect=dialect) for dialect in (MESSENGER, *WORDS)}
        await watching[TALKS].done("join-conversation", {"conversationId": talk})
        alice = await here.connect("alice", dialect=TALKS)
        for dialect, (online, _) in WORDS.items():
            await watching[dialect].next(online)
        await alice.done("join-conversation", {"conversationId": talk})
        assert (await watching[TALKS].next("user-joined"))["userId"] == here.id_of("alice")
        await alice.emit("typing", {"conversationId": talk, "isTyping": True})
        assert (await watching[MESSENGER].next("typing:user"))["isTyping"] is True
        cluster.nodes[0].process.kill()
        assert (await watching[MESSENGER].next("typing:user"))["isTyping"] is False, "nobody else says so"
        for dialect, (_, offline) in WORDS.items():
            await watching[dialect].next(offline)
        await watching[TALKS].next("user-left")
        updates = [(await _update(watching[MESSENGER], there, "alice"))["status"] for _ in range(2)]
        assert updates == ["online", "offline"]
        assert (await _presence(there, "alice", by="bob"))["status"] == "offline"
        overview = await there.request("GET", "/api/v1/admin/overview", by="boss", role="admin")
        assert [each["users"] for each in overview.json()["lostNodes"]] == [1], "operators see who died"
        # Events recorded after that are also published after it.
        await (await there.connect("alice")).close()
        updates = [(await _update(watching[MESSENGER], there, "alice"))["status"] for _ in range(2)]
        assert updates == ["online", "offline"]
        assert await _updates(watching[MESSENGER], there, "alice") == []
        assert await watching[TALKS].pending("user-left") == []


async def test_a_contact_who_renames_themselves_on_another_node_is_seen(two_nodes: Cluster) -> None:
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        await here.conversation("alice", "bob")
        bob = await there.connect("bob")
        await here.request("PATCH", "/api/v1/users/me", by="alice", json={"name": "Alice the Second"})
        assert (await bob.next("user:updated"))["name"] == "Alice the Second"


async def test_a_connected_user_is_online_for_the_next_query_on_any_node(two_nodes: Cluster) -> None:
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        names = [f"user{number}" for number in range(12)]
        await here.conversation("alice", "bob", *names)
        asking = [await here.connect("alice"), await there.connect("bob")]
        for number, name in enumerate(names):
            await (here, there)[number % 2].connect(name)
            shown = []
            for client in asking:
                [presence] = (await client.done("presence:get", {"userIds": [here.id_of(name)]}))["presence"]
                shown.append(presence["status"])
            assert shown == ["online", "online"], number
