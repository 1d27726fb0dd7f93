"""Teams over REST and sockets: what customers and members of a team receive."""

from __future__ import annotations

from tests.chat.conftest import World


async def _team(world: World, name: str, *people: str) -> str:
    """Creates a team of these people, or gives it these members. Returns its id."""
    id_ = world.id_of(name)
    body = {"name": "Support", "memberIds": [world.id_of(person) for person in people]}
    assert (await world.service("PUT", f"/api/v1/teams/{id_}", body))["memberIds"] == sorted(body["memberIds"])
    return id_


async def _order(world: World, team_id: str) -> str:
    body = {"kind": "group", "memberIds": [world.id_of("alice")], "teamIds": [team_id]}
    made = await world.service("POST", "/api/v1/conversations", body)
    assert (made["memberCount"], made["teams"]) == (1, [{"teamId": team_id, "name": "Support"}])
    assert {member["userId"]: member.get("via") for member in made["members"]} == {world.id_of("alice"): None}
    return str(made["id"])


async def test_a_colleague_comes_and_goes_while_a_customer_talks(world: World) -> None:
    alice, sam, kim = [await world.connect(name) for name in ("alice", "sam", "kim")]
    team_id = await _team(world, "support", "sam")
    assert (await sam.next("team:updated"))["added"] == [world.id_of("sam")]
    order = await _order(world, team_id)
    assert (await alice.next("conversation:new"))["teamIds"] == [team_id]
    (added,) = (await sam.next("member:added"))["members"]
    assert (added["userId"], added["via"]) == (world.id_of("sam"), [team_id])
    await alice.send_message(order, "Where is it?")
    assert (await sam.next("message:new"))["content"] == "Where is it?"

    await _team(world, "support", "kim", "sam")
    for client in (sam, kim):
        (added,) = (await client.next("member:added"))["members"]
        assert (added["userId"], added["via"]) == (world.id_of("kim"), [team_id])
        assert (await client.next("team:updated"))["added"] == [world.id_of("kim")]
    await kim.send_message(order, "On its way")
    contents = [(await alice.next("message:new"))["content"] for _ in range(2)]
    assert contents == ["Where is it?", "On its way"]

    await _team(world, "support", "sam")
    for client in (sam, kim):
        removed = await client.next("member:removed")
        assert (removed["userId"], removed["via"]) == (world.id_of("kim"), [team_id])
    await kim.next("message:new")
    await alice.send_message(order, "Thank you")
    assert await kim.pending("message:new", "member:added") == []
    assert (await kim.refused("message:send", {"conversationId": order, "content": "x"}))["code"] == "forbidden"
    assert await alice.pending("member:added", "member:removed", "presence:changed") == []


async def test_who_is_there_through_a_team_is_shown_to_the_team(world: World) -> None:
    await world.connect("alice")
    sam = await world.connect("sam")
    team_id = await _team(world, "desk", "sam", "kim")
    order = await _order(world, team_id)

    async def shown_to(name: str) -> dict[str, object]:
        found = (await world.request("GET", f"/api/v1/conversations/{order}", by=name)).json()
        assert found["teams"] == [{"teamId": team_id, "name": "Support"}]
        return {member["userId"]: (member.get("via"), member.get("own")) for member in found["members"]}

    alice_id, sam_id, kim_id = (world.id_of(name) for name in ("alice", "sam", "kim"))
    assert await shown_to("alice") == {alice_id: (None, None)}
    staff = {sam_id: ([team_id], False), kim_id: ([team_id], False)}
    assert await shown_to("sam") == {alice_id: (None, None), **staff}
    refused = await sam.refused("member:remove", {"conversationId": order, "userId": sam_id})
    assert (refused["code"], refused["details"]) == ("conflict", {"via": [team_id]})

    await world.service("POST", f"/api/v1/conversations/{order}/members", {"userIds": [sam_id]})
    changed = await sam.next("member:updated")
    assert changed == {"conversationId": order, "userId": sam_id, "role": "member", "via": [team_id]}
    assert await shown_to("alice") == {alice_id: (None, None), sam_id: (None, None)}


async def test_a_member_gives_a_conversation_to_another_team(world: World) -> None:
    sam, kim = await world.connect("sam"), await world.connect("kim")
    front, back = await _team(world, "front", "sam"), await _team(world, "back", "kim", "sam")
    order = await _order(world, front)
    await sam.done("member:add", {"conversationId": order, "teamIds": [back]})
    (added,) = (await kim.next("member:added"))["members"]
    assert added["via"] == [back]
    refused = await kim.refused("member:remove", {"conversationId": order, "teamIds": [front]})
    assert refused["code"] == "forbidden"
    await sam.done("member:remove", {"conversationId": order, "teamIds": [front]})
    conversation = (await world.request("GET", f"/api/v1/conversations/{order}", by="sam")).json()
    assert conversation["teamIds"] == [back]
    answer = await world.request("DELETE", f"/api/v1/conversations/{order}/teams/{back}", by="kim")
    assert (answer.status_code, answer.json()) == (200, {})
    assert (await sam.refused("message:send", {"conversationId": order, "content": "x"}))["code"] == "forbidden"
