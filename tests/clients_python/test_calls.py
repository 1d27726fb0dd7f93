"""Each call of the client against a server, as a user and as the service."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from talkwire_client import Talkwire, TalkwireError
from talkwire_client.api import Api, Request
from talkwire_client.desk import DeskCalls
from talkwire_client.payloads import SourcePart, TextPart
from talkwire_client.tokens import TokenSource
from tests.chat.conftest import World
from tests.clients_python.conftest import MAX_PAUSE_S, Clients
from tests.waiting import DEADLINE_S, deadline, pause, until_asked


@pytest.fixture
async def alice(clients: Clients, world: World) -> Talkwire:
    return await clients.user(world.id_of("alice"))


@pytest.fixture
async def bob(clients: Clients, world: World) -> Talkwire:
    return await clients.user(world.id_of("bob"))


@pytest.fixture
async def room(clients: Clients, alice: Talkwire, bob: Talkwire) -> str:
    """Returns the id of a group of alice, who owns it, and bob."""
    service = await clients.service()
    members = [(await client.me())["id"] for client in (alice, bob)]
    made = await service.create_conversation("group", members, name="Plans", owner_id=members[0])
    return made["id"]


async def test_messages_are_sent_read_and_changed(alice: Talkwire, bob: Talkwire, room: str) -> None:
    sent = await alice.send(room, "Hello!", metadata={"order": 17})
    assert (sent["seq"], sent.get("content"), sent.get("metadata")) == (1, "Hello!", {"order": 17})
    edited = await alice.edit(sent["id"], "Hello, Bob!")
    assert (edited.get("content"), edited.get("metadata")) == ("Hello, Bob!", {"order": 17})
    edited = await alice.edit(sent["id"], "Hi, Bob!", metadata={"order": 18})
    assert (edited.get("content"), edited.get("metadata")) == ("Hi, Bob!", {"order": 18})
    cleared = await alice.edit(sent["id"], metadata=None)
    assert cleared == {name: value for name, value in edited.items() if name != "metadata"}
    assert [each["emoji"] for each in (await bob.react(sent["id"], "👍")).get("reactions", ())] == ["👍"]
    assert "reactions" not in await bob.unreact(sent["id"], "👍")
    assert (await alice.pin(sent["id"])).get("pinned") is True
    assert "pinned" not in await alice.unpin(sent["id"])
    reply = await bob.send(room, "Hi!", reply_to_id=sent["id"])
    assert reply.get("replyTo", {}).get("id") == sent["id"]
    await alice.delete(sent["id"])
    assert "deletedAt" in await alice.message(sent["id"])


async def test_messages_of_agents_are_rated(clients: Clients, alice: Talkwire, bob: Talkwire, room: str) -> None:
    service = await clients.service()
    agent = await service.put_user("rated-agent", kind="agent")
    await service.add_members(room, [agent["id"]])
    sent = await service.send(room, "It was sent.", sender_id=agent["id"])
    assert await bob.rate(sent["id"], -1, "Too late") == {"mine": -1, "comment": "Too late"}
    assert await bob.rating(sent["id"]) == {"mine": -1, "comment": "Too late"}
    assert await alice.rate(sent["id"], 1) == {"mine": 1, "up": 1, "down": 1}
    assert await bob.rate(sent["id"], 0) == {"mine": 0}
    own = (await bob.me())["id"]
    assert await service.rate(sent["id"], 1, sender_id=own) == {"mine": 1, "up": 2, "down": 0}
    with pytest.raises(TalkwireError) as refused:
        await bob.rate((await alice.send(room, "Hello"))["id"], 1)
    assert refused.value.code == "invalid_request"


async def test_a_message_is_stored_only_if_nothing_new_has_come(alice: Talkwire, bob: Talkwire, room: str) -> None:
    question = await alice.send(room, "Who can help?", if_last_seq=0)
    answer = await bob.send(room, "I can.", if_last_seq=question["seq"])
    with pytest.raises(TalkwireError) as refused:
        await alice.send(room, "Anybody?", if_last_seq=question["seq"])
    assert refused.value.code == "conflict"
    assert refused.value.details == {"reason": "changed", "lastSeq": answer["seq"], "messages": [answer]}


async def test_pages_and_histories_have_every_message(alice: Talkwire, room: str) -> None:
    ids = [(await alice.send(room, f"message {number}"))["id"] for number in range(3)]
    page = await alice.messages(room, limit=2)
    assert [message["id"] for message in page["items"]] == ids[1:]
    older = await alice.messages(room, before=page["next"], limit=2)
    assert ([message["id"] for message in older["items"]], older["next"]) == (ids[:1], None)
    assert [message["id"] for message in (await alice.messages(room, around_seq=1, limit=1))["items"]] == ids[:1]
    assert [message["id"] async for message in alice.history(room)] == ids[::-1]


async def test_a_long_history_is_loaded_page_by_page(alice: Talkwire, room: str) -> None:
    for number in range(101):
        await alice.send(room, f"message {number}")
    assert [message["seq"] async for message in alice.history(room)] == list(range(101, 0, -1))


async def test_messages_of_one_conversation_keep_the_order_of_the_calls(alice: Talkwire, room: str) -> None:
    sent = await asyncio.gather(*(alice.send(room, str(number)) for number in range(20)))
    assert [message["seq"] for message in sent] == list(range(1, 21))


async def test_a_message_with_an_id_of_ones_own_is_stored_once(alice: Talkwire, room: str) -> None:
    first = await alice.send(room, "Hello!", client_message_id="hello-1")
    assert await alice.send(room, "Hello!", client_message_id="hello-1") == first
    with pytest.raises(TalkwireError) as refused:
        await alice.send(room, "Something else", client_message_id="hello-1")
    assert (refused.value.code, refused.value.status) == ("conflict", 409)


async def test_reading_moves_the_unread_count(alice: Talkwire, bob: Talkwire, room: str) -> None:
    await alice.send(room, "one")
    two = await alice.send(room, "two")
    assert (await bob.conversation(room)).get("unreadCount") == 2
    assert (await bob.mark_read(room))["unreadCount"] == 0
    assert (await bob.mark_unread(room, two["id"]))["unreadCount"] == 1


async def test_the_unread_total_counts_all_conversations(alice: Talkwire, bob: Talkwire, room: str) -> None:
    before = await bob.unread()
    await alice.send(room, "one")
    await alice.send(room, f"hello @{(await bob.me())['id']}")
    after = await bob.unread()
    assert after["messages"] == before["messages"] + 2
    assert after["mentions"] == before["mentions"] + 1
    assert after["conversations"] == before["conversations"] + 1


async def test_teams_are_managed_and_serve_conversations(alice: Talkwire, clients: Clients, world: World) -> None:
    service, bob = await clients.service(), await clients.user(world.id_of("bob"))
    ids = {name: world.id_of(name) for name in ("alice", "bob", "carol", "support", "sales", "order", "other")}
    made = await service.put_team(ids["support"], "Support", [ids["carol"]])
    assert (made["name"], made["memberIds"]) == ("Support", [ids["carol"]])
    assert (await service.add_team_members(ids["support"], [ids["bob"]]))["memberIds"] == [ids["bob"], ids["carol"]]
    await service.put_team(ids["sales"], "Sales", [ids["bob"]])
    assert [team["id"] async for team in bob.teams()] == sorted([ids["support"], ids["sales"]])
    assert [team["id"] async for team in service.teams(member_id=ids["carol"])] == [ids["support"]]
    await service.create_conversation(
        "group", [ids["alice"]], id=ids["order"], team_ids=[ids["support"]], notify="all", metadata={"paid": True}
    )
    await alice.send(ids["order"], "Where is it?")
    assert (await bob.team_numbers(ids["support"]))["unhandled"] == 1

    claimed = await bob.claim(ids["order"])
    assert claimed == {"conversationId": ids["order"], "handler": ids["bob"], "state": "open"}
    with pytest.raises(TalkwireError) as refused:
        await service.claim(ids["order"], sender_id=ids["carol"])
    assert (refused.value.code, refused.value.details) == ("conflict", {"handler": ids["bob"]})
    taken = await service.claim(ids["order"], take_from=ids["bob"], sender_id=ids["carol"])
    assert taken["handler"] == ids["carol"]
    assert (await bob.hand_off(ids["order"], ids["bob"], note="Yours"))["handler"] == ids["bob"]
    with pytest.raises(TalkwireError) as refused:
        await alice.send(ids["order"], "Nobody?", if_handler=None)
    assert refused.value.details["handler"] == ids["bob"]
    assert (await bob.release(ids["order"]))["handler"] is None
    await bob.send(ids["order"], "It is on its way.", if_handler=None)

    await service.create_conversation("group", [ids["alice"]], id=ids["other"], team_ids=[ids["support"]])
    await alice.send(ids["other"], "Hello?")

    async def listed(**filters: Any) -> list[str]:  # noqa: ANN401 (parameters)
        return [each["id"] async for each in bob.conversations(team_id=ids["support"], **filters)]

    assert await listed(order="waitingSince") == [ids["other"], ids["order"]]
    assert await listed(handler="me") == []
    assert (await bob.close_conversation(ids["other"]))["state"] == "closed"
    assert (await listed(state="closed"), await listed(state="open")) == ([ids["other"]], [ids["order"]])
    with pytest.raises(TalkwireError, match="conversation_keys"):
        await listed(metadata={"paid": True})

    await service.add_members(ids["order"], team_ids=[ids["sales"]])
    await service.remove_team(ids["order"], ids["support"])
    assert [team["teamId"] for team in (await bob.conversation(ids["order"])).get("teams", ())] == [ids["sales"]]
    assert (await service.remove_team_member(ids["support"], ids["bob"]))["memberIds"] == [ids["carol"]]
    assert (await service.team(ids["support"]))["memberIds"] == [ids["carol"]]
    assert (await service.delete_team(ids["support"]))["memberIds"] == []


async def test_a_note_is_sent_until_it_is_stored_once() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(503 if len(requests) == 1 else 201, json={"id": "1", "content": "A friend"})

    async with httpx.AsyncClient(base_url="http://chat.test", transport=httpx.MockTransport(answer)) as http:
        calls = DeskCalls()
        calls._api = Api(http, TokenSource("token", MAX_PAUSE_S), patience_s=0, max_pause_s=MAX_PAUSE_S)
        note = await calls.send_note("order 1", "A friend", attachments=[{"id": "f1", "url": "/f1"}])
    assert note["id"] == "1"
    assert [request.url.raw_path for request in requests] == [b"/api/v1/conversations/order%201/notes"] * 2
    first, second = (json.loads(request.content) for request in requests)
    assert first == second
    assert first.pop("clientMessageId")
    assert first == {"content": "A friend", "attachments": [{"id": "f1"}]}


async def test_notes_are_for_the_teams_of_a_conversation(alice: Talkwire, clients: Clients, world: World) -> None:
    service, bob = await clients.service(), await clients.user(world.id_of("bob"))
    team, order = world.id_of("support"), world.id_of("order")
    await service.put_team(team, "Support", [world.id_of("bob")])
    await service.create_conversation("group", [world.id_of("alice")], id=order, team_ids=[team])
    note = await bob.send_note(order, "A friend of ours")
    assert (await bob.conversation(order)).get("notesId") == note["conversationId"] != order
    again = await service.send_note(order, "Not today", sender_id=world.id_of("bob"), client_message_id="n1")
    assert await service.send_note(order, "Not today", sender_id=world.id_of("bob"), client_message_id="n1") == again
    assert [each["id"] async for each in bob.history(note["conversationId"])] == [again["id"], note["id"]]
    with pytest.raises(TalkwireError) as refused:
        await alice.send_note(order, "Hello?")
    assert refused.value.code == "forbidden"


async def test_preferences_are_chosen_by_users_and_by_the_service(alice: Talkwire, clients: Clients, room: str) -> None:
    service, me = await clients.service(), (await alice.me())["id"]
    assert (await alice.set_conversation_preferences(room, notify="all"))["notify"] == "all"
    chosen = await service.set_conversation_preferences(room, user_id=me, notify="none")
    assert chosen == await alice.conversation_preferences(room)
    assert chosen == await service.conversation_preferences(room, user_id=me)
    changed = await alice.set_preferences(readReceipts=False)
    assert changed["readReceipts"] is False
    assert (await service.set_preferences(me, readReceipts=True))["readReceipts"] is True
    assert (await alice.preferences()) == await service.preferences(me)


async def test_conversations_and_members_are_managed(alice: Talkwire, bob: Talkwire, clients: Clients) -> None:
    carol = await clients.user((await alice.me())["id"].replace("alice", "carol"))
    ids = [(await client.me())["id"] for client in (alice, bob, carol)]
    made = await alice.create_conversation("group", [ids[1]], name="Plans")
    assert (await alice.update_conversation(made["id"], name="New plans")).get("name") == "New plans"
    await alice.add_members(made["id"], [ids[2]])
    assert (await alice.update_member(made["id"], ids[1], "admin"))["role"] == "admin"
    roles = {member["userId"]: member["role"] for member in await carol.members(made["id"])}
    assert roles == dict(zip(ids, ("owner", "admin", "member"), strict=True))
    await carol.remove_member(made["id"], ids[2])
    assert made["id"] not in [each["id"] async for each in carol.conversations()]
    assert made["id"] in [each["id"] async for each in bob.conversations()]
    await alice.delete_conversation(made["id"])
    assert [each["id"] async for each in bob.conversations()] == []


async def test_files_are_uploaded_attached_and_downloaded(
    alice: Talkwire, bob: Talkwire, room: str, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("Buy milk.")
    stored = [await alice.upload(tmp_path / "notes.txt"), await alice.upload(b"x", name="x.bin")]
    assert [file["name"] for file in stored] == ["notes.txt", "x.bin"]
    sent = await alice.send(room, attachments=[*stored, {"url": "https://example.com/a.pdf", "name": "a.pdf"}])
    attached = sent.get("attachments", [])
    assert [each["name"] for each in attached] == ["notes.txt", "x.bin", "a.pdf"]
    assert await bob.download(attached[0]["url"]) == b"Buy milk."
    with pytest.raises(ValueError, match="not an address of this server"):
        await bob.download(attached[2]["url"])
    with pytest.raises(ValueError, match="bytes need a name"):
        await alice.upload(b"x")


async def test_notifications_are_listed_and_marked_as_read(alice: Talkwire, bob: Talkwire, room: str) -> None:
    await alice.send(room, f"@{(await bob.me())['id']}: lunch?")
    (unread,) = [each async for each in bob.notifications(unread=True)]
    assert unread["type"] == "mention"
    await bob.mark_notifications_read([unread["id"]])
    assert [each async for each in bob.notifications(unread=True)] == []
    await alice.send(room, f"@{(await bob.me())['id']}: dinner?")
    await bob.mark_notifications_read()
    assert [each async for each in bob.notifications(unread=True)] == []
    assert len([each async for each in bob.notifications()]) == 2


async def test_others_see_typing_as_a_signal(alice: Talkwire, bob: Talkwire, room: str) -> None:
    signals = bob.signals()

    async def type_until_seen() -> None:
        # Signals are lost before the socket has connected, so alice types again and again, as users do.
        while True:
            await alice.typing(room)
            await pause(0.05)

    typing = asyncio.create_task(type_until_seen())
    async with deadline():
        async for signal in signals:
            if signal.type == "typing:user" and signal.data["conversationId"] == room:
                assert signal.data["userId"] == (await alice.me())["id"]
                break
    typing.cancel()


async def test_a_custom_signal_arrives(alice: Talkwire, bob: Talkwire, room: str) -> None:
    signals = bob.signals()

    async def send_until_seen() -> None:
        # Signals are lost before the socket has connected.
        while True:
            await alice.signal(room, "cursor", {"x": 1})
            await pause(0.1)

    sending = asyncio.create_task(send_until_seen())
    async with deadline():
        async for signal in signals:
            if signal.type == "signal" and signal.data["conversationId"] == room:
                assert signal.data["userId"] == (await alice.me())["id"]
                assert (signal.data["name"], signal.data.get("data")) == ("cursor", {"x": 1})
                break
    sending.cancel()


async def test_search_and_forwarding(alice: Talkwire, room: str) -> None:
    sent = await alice.send(room, "a rare pterodactyl")
    (copy,) = await alice.forward(sent["id"], [room])
    assert copy.get("content") == "a rare pterodactyl"

    async def are_found() -> bool:
        found = {each["id"] async for each in alice.search("pterodactyl", conversation_id=room)}
        return found == {sent["id"], copy["id"]}

    await until_asked(are_found)  # the index follows the log


async def test_the_service_acts_for_users(clients: Clients, alice: Talkwire, room: str) -> None:
    service, alice_id = await clients.service(), (await alice.me())["id"]
    assert (await service.put_user(alice_id, name="Alice A."))["name"] == "Alice A."
    assert (await service.user(alice_id))["name"] == "Alice A."
    assert [user["id"] async for user in service.users("Alice A.") if user["id"] == alice_id] == [alice_id]
    sent = await service.send(room, "from the back end", sender_id=alice_id)
    assert sent["senderId"] == alice_id
    assert room in [each["id"] for each in (await service.load()).conversations]
    rights = await alice.request("GET", "/api/v1/users/me/rights")
    assert rights["createDirect"] is True


async def test_an_agent_says_how_it_wrote_and_for_whom(clients: Clients, alice: Talkwire, room: str) -> None:
    service, alice_id = await clients.service(), (await alice.me())["id"]
    agent = await service.put_user(f"{alice_id}-helper", kind="agent", ownerId=alice_id)
    assert (agent["kind"], agent.get("ownerId"), (await alice.me())["kind"]) == ("agent", alice_id, "person")
    await service.add_members(room, [agent["id"]])
    sent = await service.send(
        room, "Paid", generated={"model": "small-1"}, on_behalf_of=alice_id, sender_id=agent["id"]
    )
    assert sent.get("generated") == {"by": agent["id"], "model": "small-1"}
    assert sent.get("onBehalfOf") == alice_id
    with pytest.raises(TalkwireError, match="forbidden"):
        await alice.send(room, "By hand", generated={"model": "small-1"})


async def test_a_message_is_sent_and_edited_with_parts(alice: Talkwire, room: str) -> None:
    parts: list[TextPart | SourcePart] = [
        {"type": "text", "text": "It was sent."},
        {"type": "source", "url": "https://example.com/17", "quote": "sent"},
    ]
    sent = await alice.send(room, parts=parts)
    assert (sent.get("content"), sent.get("parts")) == ("It was sent.", parts)
    edited = await alice.edit(sent["id"], "It came.")
    assert edited.get("parts") == [{"type": "text", "text": "It came."}, parts[1]]
    edited = await alice.edit(sent["id"], parts=[parts[1], {"type": "text", "text": "It is here."}])
    assert [each["type"] for each in edited.get("parts", [])] == ["source", "text"]
    with pytest.raises(TalkwireError, match="invalid_request"):
        await alice.edit(sent["id"], "x", parts=parts)


async def test_a_refusal_has_its_code_and_details(alice: Talkwire) -> None:
    with pytest.raises(TalkwireError, match="forbidden") as refused:
        await alice.send("no-such-room", "Hello!")
    assert (refused.value.code, refused.value.status, refused.value.must_reload) == ("forbidden", 403, False)
    with pytest.raises(TalkwireError) as refused:
        await alice.messages("no-such-room", limit=1000)
    assert (refused.value.code, refused.value.status) == ("invalid_request", 422)
    assert refused.value.details[0]["path"]


async def test_a_refused_token_is_an_error_and_a_renewed_one_is_tried_once(clients: Clients) -> None:
    with pytest.raises(TalkwireError) as refused:
        await clients.made("no token").__aenter__()
    assert (refused.value.code, refused.value.status) == ("unauthenticated", 401)
    asked = iter(["no token", clients.server.token("alice")])
    async with clients.made(lambda: next(asked)) as chat:
        assert (await chat.me())["id"] == "alice"
    with pytest.raises(TalkwireError):
        await clients.made(lambda: "no token").__aenter__()


async def test_a_client_outside_its_context_says_so(clients: Clients) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        clients.made("token").events()


async def test_a_request_is_repeated_when_a_proxy_answers_with_a_page() -> None:
    page = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<h1>Back soon</h1>"
    answers = [page, page, b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{}"]

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers.pop(0))
        writer.close()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, httpx.AsyncClient(base_url=url) as http:
        api = Api(http, TokenSource("token", MAX_PAUSE_S), patience_s=DEADLINE_S, max_pause_s=MAX_PAUSE_S)
        file = await api.send(Request("GET", "/api/v1/files/1", has_json=False))
        assert file.content == b"<h1>Back soon</h1>"
        assert await api.get("/api/v1/users/me") == {}
    assert answers == []
