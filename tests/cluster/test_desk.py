"""Teams over two nodes: claims at once, what customers receive of a changed team, and what a killed node leaves."""

from __future__ import annotations

import asyncio

from tests.chat.chat_client import ChatClient
from tests.chat.conftest import World
from tests.cluster.conftest import StartCluster
from tests.waiting import until_asked


async def _put_team(world: World, *names: str) -> dict[str, object]:
    body = {"name": "Support", "memberIds": [world.id_of(name) for name in names]}
    answer = await world.service("PUT", f"/api/v1/teams/{world.id_of('support')}", body)
    assert isinstance(answer, dict)
    return answer


async def _orders(world: World, count: int) -> list[str]:
    """Creates conversations of alice and the team, and returns their ids."""
    body = {"kind": "group", "memberIds": [world.id_of("alice")], "teamIds": [world.id_of("support")]}
    made = await asyncio.gather(*(world.service("POST", "/api/v1/conversations", body) for _ in range(count)))
    return [str(each["id"]) for each in made]


async def _staff_of(world: World, order: str) -> set[str]:
    found = await world.service("GET", f"/api/v1/conversations/{order}")
    return {member["userId"] for member in found["members"] if member.get("via")}


async def test_of_two_sockets_that_claim_at_once_on_two_nodes_one_has_it(start_cluster: StartCluster) -> None:
    """And no customer's socket receives anything of a whole change of the team, on either node."""
    cluster = start_cluster(2)
    async with cluster.world(0) as here, cluster.world(1) as there:
        there.take_ids_of(here)
        customers = [await world.connect("alice") for world in (here, there)]
        await _put_team(here, "sam")
        orders = await _orders(here, 55)
        sam, kim = await here.connect("sam"), await there.connect("kim")
        for customer in customers:
            await customer.pending()
            customer.events.clear()
        for world, names in ((there, ("sam", "kim")), (here, ("kim",)), (there, ("sam", "kim"))):
            assert "pending" not in await _put_team(world, *names)
            assert await _staff_of(here, orders[-1]) == {world.id_of(name) for name in names}
        await kim.send_message(orders[-1], "Hello")
        for customer in customers:
            await customer.next("message:new")  # everything before it has come too
            assert [*customer.events] == []
        for order in orders[:3]:
            await _claim_at_once(here, order, sam, kim)
        await there.service("DELETE", f"/api/v1/teams/{here.id_of('support')}")
        for customer in customers:
            for _ in orders:
                await customer.next("conversation:updated")  # who serves them is what customers see
            # Kim's message has reached the customer, on the other node too.
            assert {name for name, _ in customer.events} <= {"conversation:handling", "message:delivered:receipt"}


async def _claim_at_once(world: World, order: str, *claimants: ChatClient) -> None:
    answers = await asyncio.gather(*(each.call("conversation:claim", {"conversationId": order}) for each in claimants))
    (handler,) = [answer["handling"]["handler"] for answer in answers if answer["success"]]
    (refusal,) = [answer["error"] for answer in answers if not answer["success"]]
    assert (refusal["code"], refusal["details"]) == ("conflict", {"handler": handler})
    assert (await world.service("GET", f"/api/v1/conversations/{order}"))["handler"] == handler


async def test_what_a_killed_node_has_left_of_a_change_another_one_finishes(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2)
    async with cluster.world(0) as here, cluster.world(1) as there:
        there.take_ids_of(here)
        await _put_team(here, "sam")
        orders = await _orders(here, 500)
        await there.service("POST", f"/api/v1/conversations/{orders[0]}/claim", {"senderId": here.id_of("sam")})
        changing = asyncio.ensure_future(_put_team(here, "kim"))
        await until_asked(lambda: _is_pending(there))
        cluster.nodes[0].process.kill()
        await asyncio.gather(changing, return_exceptions=True)
        await until_asked(lambda: _is_settled(there))
        staff = [await _staff_of(there, order) for order in orders]
        assert staff == [{here.id_of("kim")}] * len(orders)
        assert (await there.service("GET", f"/api/v1/conversations/{orders[0]}"))["handler"] is None


async def _is_pending(world: World) -> bool:
    return bool((await world.service("GET", f"/api/v1/teams/{world.id_of('support')}")).get("pending"))


async def _is_settled(world: World) -> bool:
    return not await _is_pending(world)
