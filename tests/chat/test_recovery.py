"""Recovery of sockets after their connection broke."""

from __future__ import annotations

import asyncio
import base64
import json
import re

import pytest

from talkwire.dialects.dialect import Dialect
from talkwire.dialects.messenger import MESSENGER
from talkwire.dialects.talks.vocabulary import TALKS
from talkwire.dialects.whatsapp.vocabulary import WHATSAPP
from tests.chat.chat_client import Refused
from tests.chat.conftest import World
from tests.chat.returner import Returner, open_returning
from tests.waiting import deadline


async def log_reads(world: World) -> int:
    """Returns how often recoveries have read the log."""
    return await count(world, "recovery_log_reads")


async def count(world: World, name: str) -> int:
    metrics = (await world.request("GET", "/metrics")).text
    found = re.search(rf"^talkwire_{name}_total (\d+)", metrics, re.MULTILINE)
    assert found is not None
    return int(found.group(1))


def contents(notified: list[tuple[str, dict[str, object], str | None]]) -> list[object]:
    return [payload.get("content") for name, payload, _ in notified if name == "message:new"]


async def service_send(world: World, conversation: str, sender: str, content: str) -> None:
    body = {"conversationId": conversation, "content": content, "senderId": world.id_of(sender)}
    await world.service("POST", "/api/v1/messages", body)


# --- recovering -----------------------------------------------------------------------------------------------------


async def test_a_client_that_does_not_ask_for_recovery_sees_nothing_of_it(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    socket = await open_returning(world, MESSENGER)
    await socket.sign_in({"token": world.server.token(world.id_of("alice"))})
    assert list(socket.answer) == ["sid"]
    await service_send(world, conversation, "bob", "hello")
    await socket.next("message:new")
    assert socket.extra == [[] for _ in socket.notified]


async def test_a_client_without_recovery_cannot_recover_with_a_pid(world: World) -> None:
    await world.conversation("alice", "bob")
    alice = Returner(world, "alice")
    await alice.come()
    await alice.cut()
    socket = await open_returning(world, MESSENGER)
    await socket.sign_in({"token": world.server.token(world.id_of("alice")), "pid": alice.pid})
    assert list(socket.answer) == ["sid"]


async def test_a_recovery_from_memory_delivers_missed_events_without_reading_the_log(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = Returner(world, "alice")
    assert not await alice.come()
    sid = alice.socket.socket_id
    await service_send(world, conversation, "bob", "before")
    assert contents(await alice.cut()) == ["before"]
    for number in range(5):
        await service_send(world, conversation, "bob", f"missed {number}")
    reads, recoveries = await log_reads(world), await count(world, "recoveries")
    assert await alice.come()
    assert alice.socket.socket_id == sid
    await service_send(world, conversation, "bob", "after")
    await alice.socket.next("message:new")
    assert contents(await alice.notified()) == [*(f"missed {number}" for number in range(5)), "after"]
    assert await log_reads(world) == reads
    assert await count(world, "recoveries") == recoveries + 1
    assert [name for name, *_ in alice.socket.notified if name == "connected"] == [], "it was greeted already"


async def test_recovery_can_be_requested_in_the_query(world: World) -> None:
    alice = Returner(world, "alice")
    await alice.come({"recovery": "1"}, recovery=None)
    assert alice.pid is not None
    await alice.cut()
    assert await alice.come({"recovery": "1"}, recovery=None)


async def test_a_client_without_any_event_recovers_from_its_start(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = Returner(world, "alice")
    await alice.come()
    await alice.cut()
    alice.offset = None
    await service_send(world, conversation, "bob", "missed")
    assert await alice.come()
    assert contents(await alice.notified()) == ["missed"]


async def test_an_offset_of_an_earlier_session_delivers_nothing_from_before(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = Returner(world, "alice")
    await alice.come()
    await service_send(world, conversation, "bob", "first")
    await alice.socket.next("message:new")
    alice.note()
    earlier = alice.offset
    await alice.socket.connection.send("41")
    await alice.socket.close()
    await service_send(world, conversation, "bob", "between")
    assert not await alice.come()
    await alice.cut()
    alice.offset = earlier
    await service_send(world, conversation, "bob", "missed")
    assert await alice.come()
    assert contents(await alice.notified()) == ["missed"]


async def test_a_session_can_be_recovered_repeatedly(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = Returner(world, "alice")
    await alice.come()
    received = contents(await alice.cut())
    for number in range(6):
        await service_send(world, conversation, "bob", f"m{number}")
        assert await alice.come()
        received += contents(await alice.cut())
    assert received == [f"m{number}" for number in range(6)]


async def test_recovery_delivers_other_events_than_messages_too(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol")
    alice, bob = Returner(world, "alice"), await world.connect("bob")
    await alice.come()
    await alice.cut()
    message = await bob.send_message(conversation, "hello")
    await bob.done("message:react", {"messageId": message["id"], "emoji": "👍"})
    await bob.done("message:edit", {"messageId": message["id"], "content": "hello!"})
    await bob.done("message:read", {"conversationId": conversation})
    assert await alice.come()
    names = [name for name, *_ in await alice.notified()]
    assert names == [
        "message:new",
        "message:reaction",
        "message:reaction:new",
        "message:updated",
        "message:read:receipt",
    ]


async def test_recovery_delivers_changed_profiles(world: World) -> None:
    await world.conversation("alice", "bob")
    alice = Returner(world, "alice")
    await alice.come()
    await alice.cut()
    await world.request("PATCH", "/api/v1/users/me", by="bob", json={"name": "Robert"})
    await world.request("PATCH", "/api/v1/users/me", by="stranger", json={"name": "Nobody"})
    assert await alice.come()
    assert [payload["name"] for name, payload, _ in await alice.notified() if name == "user:updated"] == ["Robert"]


async def test_a_missed_message_that_was_deleted_has_no_content(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = Returner(world, "alice"), await world.connect("bob")
    await alice.come()
    await alice.cut()
    message = await bob.send_message(conversation, "not meant so")
    await bob.done("message:delete", {"messageId": message["id"]})
    assert await alice.come()
    notified = await alice.notified()
    assert [name for name, *_ in notified] == ["message:new", "message:deleted"]
    assert "not meant so" not in json.dumps(notified)


# --- rooms ----------------------------------------------------------------------------------------------------------


async def test_a_conversation_that_was_left_stays_left(world: World) -> None:
    quiet, loud = await world.conversation("alice", "bob"), await world.conversation("alice", "bob")
    alice = Returner(world, "alice")
    await alice.come()
    await alice.socket.done("conversation:leave", {"conversationId": loud})
    await alice.cut()
    await service_send(world, loud, "bob", "loud")
    await service_send(world, quiet, "bob", "quiet")
    assert await alice.come()
    await service_send(world, loud, "bob", "loud again")
    assert contents(await alice.notified()) == ["quiet"]
    await alice.socket.done("conversation:join", {"conversationId": loud})
    await service_send(world, loud, "bob", "joined")
    await alice.socket.next("message:new")
    assert contents(await alice.notified()) == ["quiet", "joined"]


async def test_a_conversation_that_was_opened_stays_open(world: World) -> None:
    opened, closed = await world.conversation("alice", "bob"), await world.conversation("alice", "bob")
    alice = Returner(world, "alice", WHATSAPP)
    await alice.come()
    await alice.socket.call("conversation:join", {"conversationId": opened})
    await alice.cut()
    await service_send(world, opened, "bob", "in it")
    await service_send(world, closed, "bob", "not in it")
    assert await alice.come()
    await service_send(world, opened, "bob", "still in it")
    await alice.socket.next("message:received")
    await alice.socket.next("message:received")
    notified = [payload["content"] for name, payload, _ in await alice.notified() if name == "message:received"]
    assert notified == [{"text": "in it"}, {"text": "still in it"}]


async def test_a_user_added_while_disconnected_receives_the_conversation(world: World) -> None:
    alice = Returner(world, "alice")
    await alice.come()
    await alice.cut()
    conversation = await world.conversation("alice", "bob")
    await service_send(world, conversation, "bob", "welcome")
    assert await alice.come()
    await service_send(world, conversation, "bob", "live")
    await alice.socket.next("message:new")
    await alice.socket.next("message:new")
    assert contents(await alice.notified()) == ["welcome", "live"]
    assert "conversation:new" in [name for name, *_ in await alice.notified()]


async def test_a_user_removed_while_disconnected_receives_only_the_removal(world: World) -> None:
    conversation = await world.conversation("bob", "alice")
    alice, bob = Returner(world, "alice"), await world.connect("bob")
    await alice.come()
    await alice.cut()
    await bob.send_message(conversation, "was for alice")
    await bob.done("member:remove", {"conversationId": conversation, "userId": world.id_of("alice")})
    await bob.send_message(conversation, "not for alice")
    assert await alice.come()
    await bob.send_message(conversation, "nor this")
    assert [name for name, *_ in await alice.notified()] == ["member:removed"]


async def test_a_user_removed_and_added_again_misses_the_time_between(world: World) -> None:
    conversation = await world.conversation("bob", "alice")
    alice, bob = Returner(world, "alice"), await world.connect("bob")
    await alice.come()
    await alice.cut()
    await bob.send_message(conversation, "before")
    await bob.done("member:remove", {"conversationId": conversation, "userId": world.id_of("alice")})
    await bob.send_message(conversation, "not for alice")
    await bob.done("member:add", {"conversationId": conversation, "userIds": [world.id_of("alice")]})
    await bob.send_message(conversation, "for alice")
    assert await alice.come()
    assert contents(await alice.notified()) == ["before", "for alice"]


async def test_a_deletion_of_a_conversation_while_disconnected_is_delivered(world: World) -> None:
    conversation = await world.conversation("bob", "alice")
    alice, bob = Returner(world, "alice"), await world.connect("bob")
    await alice.come()
    await alice.cut()
    await bob.done("conversation:delete", {"conversationId": conversation})
    assert await alice.come()
    assert [name for name, *_ in await alice.notified()] == ["conversation:deleted"]


async def test_others_in_a_room_receive_leaving_and_joining(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = Returner(world, "alice", TALKS), await world.connect("bob", dialect=TALKS)
    await bob.call("join-conversation", {"conversationId": conversation})
    await alice.come()
    await alice.socket.call("join-conversation", {"conversationId": conversation})
    await bob.next("user-joined")
    await alice.cut()
    await bob.next("user-left")
    assert await alice.come()
    await bob.next("user-joined")


# --- several packets of one event -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", [MESSENGER, WHATSAPP], ids=lambda dialect: dialect.name)
async def test_each_packet_of_an_event_has_an_offset_of_its_own(world: World, dialect: Dialect) -> None:
    """In the messenger dialect one reaction is two events; in the whatsapp dialect a receipt is one event for each
    message."""
    conversation = await world.conversation("alice", "bob")
    alice, bob = Returner(world, "alice", dialect), await world.connect("bob")
    await alice.come()
    if not dialect.follows_all:
        await alice.socket.call("conversation:join", {"conversationId": conversation})
    sent = [await send_as(world, conversation, "alice", f"m{number}") for number in range(3)]
    await bob.done("message:read", {"conversationId": conversation})
    await bob.done("message:react", {"messageId": sent[0], "emoji": "👍"})
    await bob.send_message(conversation, "the end")
    notified = await until_the_end(alice)
    offsets = [offset for *_, offset in notified]
    assert len(set(offsets)) == len(offsets) > 5
    assert any(str(offset).endswith((".1", ".100")) for offset in offsets), offsets
    for number, offset in enumerate(offsets):
        alice.offset = offset
        assert await alice.come()
        assert await alice.notified() == notified[number + 1 :], offset


async def send_as(world: World, conversation: str, sender: str, content: str) -> str:
    body = {"conversationId": conversation, "content": content, "senderId": world.id_of(sender)}
    return str((await world.service("POST", "/api/v1/messages", body))["id"])


async def until_the_end(alice: Returner) -> list[tuple[str, dict[str, object], str | None]]:
    name = "message:new" if alice.dialect is MESSENGER else "message:received"
    while "the end" not in json.dumps(await alice.socket.next(name)):
        pass
    return await alice.notified()


# --- refused recoveries ---------------------------------------------------------------------------------------------


async def test_a_stolen_pid_is_useless_to_another_user(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = Returner(world, "alice")
    await alice.come()
    await alice.cut()
    await service_send(world, conversation, "bob", "secret")
    mallory = Returner(world, "mallory")
    mallory.pid, mallory.offset = alice.pid, alice.offset
    assert not await mallory.come()
    assert mallory.pid not in {None, alice.pid}
    assert await mallory.notified() == []
    assert await alice.come(), "and alice still has it"
    assert contents(await alice.notified()) == ["secret"]


@pytest.mark.parametrize(
    "forge",
    [
        lambda pid: pid[:-1] + ("A" if pid[-1] != "A" else "B"),
        lambda pid: pid.partition(".")[0],
        lambda pid: pid.partition(".")[0] + ".",
        lambda pid: "." + pid.partition(".")[2],
        lambda pid: base64.urlsafe_b64encode(b'["alice","/","messenger","x","y","z",0]').decode() + ".c2ln",
        lambda pid: "é" * 40,
        lambda pid: pid + "x" * 5000,
        lambda pid: "",
        lambda pid: 17,
        lambda pid: {"pid": pid},
        lambda pid: [pid],
    ],
    ids=["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"],
)
async def test_a_forged_pid_gets_a_fresh_session(world: World, forge: object) -> None:
    alice = Returner(world, "alice")
    await alice.come()
    await alice.cut()
    assert callable(forge)
    assert alice.pid is not None
    assert not await alice.come(pid=forge(alice.pid))
    assert isinstance(alice.pid, str)


@pytest.mark.parametrize(
    "offset",
    ["", "x", "-", "-1", "{epoch}", "{epoch}-", "{epoch}--1", "{epoch}-1.", "{epoch}-1.x", "{epoch}-1e3",
     "{epoch}-99999999999", "{epoch}-99999999999999999999999", "{epoch}-99999999.5", "00000000-5", "{epoch}-٣",
     5, True, ["a"], {"a": 1}],
)  # fmt: skip
async def test_an_invalid_offset_gets_a_fresh_session(world: World, offset: object) -> None:
    alice = Returner(world, "alice")
    await alice.come()
    await alice.cut()
    assert alice.offset is not None
    epoch = alice.offset.rpartition("-")[0]
    text = offset.replace("{epoch}", epoch) if isinstance(offset, str) else offset
    assert not await alice.come(offset=text)
    assert isinstance(alice.pid, str)


async def test_a_pid_is_valid_in_its_own_namespace_and_dialect_only(world: World) -> None:
    alice = Returner(world, "alice")
    await alice.come()
    await alice.cut()
    pid = alice.pid
    assert not await alice.come(dialect="talks")
    await alice.socket.close()
    alice.socket.undescribed.clear()  # another dialect's description applies to this socket
    elsewhere = Returner(world, "alice", WHATSAPP)
    elsewhere.pid, elsewhere.offset = pid, alice.offset
    assert not await elsewhere.come()


async def test_two_namespaces_of_one_connection_recover_separately(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    token = world.server.token(world.id_of("alice"))
    socket = await open_returning(world, MESSENGER)
    await socket.sign_in({"token": token, "recovery": True})
    root = socket.answer["pid"]
    socket._namespace = "/messages,"
    await socket.sign_in({"token": token, "recovery": True})
    other = socket.answer["pid"]
    assert root != other
    await socket.close()
    await service_send(world, conversation, "bob", "missed")
    again = await open_returning(world, MESSENGER)
    await again.sign_in({"token": token, "recovery": True, "pid": root})
    assert again.answer["pid"] == root
    assert contents(again.notified) == ["missed"] or contents(
        [*again.notified, ("message:new", await again.next("message:new"), None)]
    )
    again._namespace = "/messages,"
    await again.sign_in({"token": token, "recovery": True, "pid": other})
    assert again.answer["pid"] == other


async def test_a_user_banned_while_disconnected_is_refused(world: World) -> None:
    alice = Returner(world, "alice")
    await alice.come()
    await alice.cut()
    await world.request("PUT", f"/api/v1/users/{world.id_of('alice')}/ban", by="boss", role="admin", json={})
    with pytest.raises(Refused) as refused:
        await alice.come()
    assert refused.value.error["data"]["code"] == "banned"


async def test_a_session_ended_by_a_ban_is_not_recovered_after_unbanning(world: World) -> None:
    alice = Returner(world, "alice")
    await alice.come()
    path = f"/api/v1/users/{world.id_of('alice')}/ban"
    await world.request("PUT", path, by="boss", role="admin", json={})
    await alice.socket.wait_disconnected()
    alice.note()
    await world.request("DELETE", path, by="boss", role="admin")
    assert not await alice.come()


async def test_a_session_that_the_client_disconnected_is_not_recovered(world: World) -> None:
    alice = Returner(world, "alice")
    await alice.come()
    alice.note()
    await alice.socket.connection.send("41")
    await alice.socket.close()
    assert not await alice.come()


async def test_a_session_whose_token_expired_is_recovered_with_a_newer_token(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = Returner(world, "alice")
    await alice.come(token=world.server.token(world.id_of("alice"), ttl_s=1))
    await service_send(world, conversation, "bob", "before")
    await alice.socket.wait_closed()
    alice.note()
    await service_send(world, conversation, "bob", "while away")
    assert await alice.come()
    assert contents(await alice.notified()) == ["while away"]


# --- taking over ----------------------------------------------------------------------------------------------------


async def test_a_newer_connection_takes_over_from_an_open_one(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = Returner(world, "alice")
    await alice.come()
    await service_send(world, conversation, "bob", "first")
    await alice.socket.next("message:new")
    alice.note()
    older = alice.socket
    await service_send(world, conversation, "bob", "lost on the way")
    assert await alice.come()
    await older.wait_disconnected()
    await older.wait_closed()
    await service_send(world, conversation, "bob", "last")
    await alice.socket.next("message:new")
    await alice.socket.next("message:new")
    assert contents(await alice.notified()) == ["lost on the way", "last"]


async def test_taking_over_sends_no_leave_and_join(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = Returner(world, "alice", TALKS), await world.connect("bob", dialect=TALKS)
    await bob.call("join-conversation", {"conversationId": conversation})
    await alice.come()
    await alice.socket.call("join-conversation", {"conversationId": conversation})
    await bob.next("user-joined")
    older = alice.socket
    assert await alice.come()
    await older.wait_closed()
    assert await bob.pending("user-left", "user-joined") == []
    await alice.socket.close()
    await bob.next("user-left")


async def test_a_pid_used_many_times_at_once_leaves_exactly_one(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = Returner(world, "alice")
    await alice.come()
    await alice.cut()
    await service_send(world, conversation, "bob", "missed")
    twins = [Returner(world, "alice") for _ in range(5)]
    for twin in twins:
        twin.pid, twin.offset = alice.pid, alice.offset
    assert await asyncio.gather(*(twin.come() for twin in twins)) == [True] * 5
    for _ in range(4):
        await asyncio.wait(
            [asyncio.ensure_future(twin.socket.wait_disconnected()) for twin in twins],
            return_when=asyncio.FIRST_COMPLETED,
        )
        gone = [twin for twin in twins if twin.socket.disconnected or twin.socket.close_code is not None]
        twins = [twin for twin in twins if twin not in gone]
        if len(twins) == 1:
            break
    (last,) = twins
    await service_send(world, conversation, "bob", "after")
    await last.socket.next("message:new")
    await last.socket.next("message:new")
    assert contents(await last.notified()) == ["missed", "after"]


# --- many missed events ---------------------------------------------------------------------------------------------


async def test_many_missed_events_arrive_as_fast_as_the_client_reads(world: World) -> None:
    """The missed events are larger than what a connection may leave unread."""
    conversation = await world.conversation("alice", "bob")
    alice, bob = Returner(world, "alice"), await world.connect("bob")
    await alice.come()
    await alice.cut()
    for number in range(80):
        await bob.send_message(conversation, f"{number} {'x' * 50_000}")
    reads = await log_reads(world)
    assert await alice.come()
    answered = alice.socket.start_call("ping")
    for number in range(80):
        assert (await alice.socket.next("message:new"))["content"].startswith(f"{number} ")
        if number < 40:
            assert not answered.done(), "what it asks for waits until it has all"
    async with deadline():
        assert (await answered)["success"] is True
    assert await log_reads(world) == reads


async def test_a_user_banned_during_a_recovery_is_disconnected(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = Returner(world, "alice"), await world.connect("bob")
    await alice.come()
    await alice.cut()
    for number in range(400):
        await bob.send_message(conversation, f"{number} {'x' * 60_000}")
    assert await alice.come()
    alice.socket.connection.transport.pause_reading()
    await world.request("PUT", f"/api/v1/users/{world.id_of('alice')}/ban", by="boss", role="admin", json={})
    await bob.send_message(conversation, "after the ban")
    alice.socket.connection.transport.resume_reading()
    assert (await alice.socket.next("session:ending"))["reason"] == "banned"
    await alice.socket.wait_disconnected()
    received = contents(alice.socket.notified)
    assert len(received) < 400
    assert "after the ban" not in received


async def test_many_missed_events_arrive_over_polling_too(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = Returner(world, "alice"), await world.connect("bob")
    await alice.come()
    await alice.cut()
    for number in range(60):
        await bob.send_message(conversation, f"{number} {'x' * 50_000}")
    path = "/socket.io/?EIO=4&transport=polling"
    opened = await world.http.get(path)
    path += f"&sid={json.loads(opened.text[1:])['sid']}"
    auth = {"token": world.server.token(world.id_of("alice")), "recovery": True, "pid": alice.pid}
    await world.http.post(path, content=f"40{json.dumps(auth | {'offset': alice.offset})}")
    received: list[str] = []
    async with deadline():
        while len(received) < 60:
            for packet in (await world.http.get(path)).text.split("\x1e"):
                if packet == "2":
                    await world.http.post(path, content="3")
                elif packet.startswith("40"):
                    assert json.loads(packet[2:])["pid"] == alice.pid
                elif packet.startswith('42["message:new"'):
                    received.append(json.loads(packet[2:])[1]["content"].partition(" ")[0])
    assert received == [str(number) for number in range(60)]
