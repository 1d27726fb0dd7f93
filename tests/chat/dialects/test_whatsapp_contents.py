"""Messages of each type of the `whatsapp` dialect on a real server, for every way to send and to read them."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.dialects.crm.vocabulary import CRM
from talkwire.dialects.gateway.vocabulary import GATEWAY
from talkwire.dialects.talks.vocabulary import TALKS
from talkwire.dialects.whatsapp.vocabulary import WHATSAPP
from tests.chat.chat_client import ChatClient, Payload
from tests.chat.conftest import World
from tests.chat.returner import Returner
from tests.waiting import until_asked

MESSAGES = "/api/v1/whatsapp/messages"

URL = "https://media.test/v/holiday.bin"
MEDIA = {"url": URL, "caption": "Evening at the lake", "name": "Lake"}
GATE = {"latitude": 52.516275, "longitude": 13.377704, "name": "Brandenburg Gate", "address": "Pariser Platz, Berlin"}
MAP = "https://www.openstreetmap.org/?mlat=52.516275&mlon=13.377704#map=16/52.516275/13.377704"

CONTENTS: dict[str, Payload] = {
    "text": {"text": "Hello!"},
    **dict.fromkeys(("image", "video", "audio", "document"), MEDIA),
    "location": GATE,
}
SHOWN: dict[str, Payload] = {
    "text": {"text": "Hello!"},
    **{type_: {"text": MEDIA["caption"], **MEDIA} for type_ in ("image", "video", "audio", "document")},
    "location": {"text": "", **GATE},
}


async def connect(world: World, name: str, talk: str) -> ChatClient:
    client = await world.connect(name, dialect=WHATSAPP)
    await client.done("conversation:join", {"conversationId": talk})
    return client


def kind_of(message: Payload) -> tuple[str, Payload]:
    return message["type"], message["content"]


@pytest.mark.parametrize("type_", CONTENTS)
async def test_every_response_and_event_keeps_the_type_of_a_message(world: World, type_: str) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", talk), await connect(world, "bob", talk)
    typed_message = {"conversationId": talk, "type": type_, "content": CONTENTS[type_], "clientMessageId": "c-1"}
    sent = (await alice.done("message:send", typed_message))["message"]
    assert kind_of(sent) == (type_, SHOWN[type_])
    received = await bob.next("message:received")
    assert received == sent
    again = await world.request("POST", MESSAGES, by="alice", json=typed_message)
    assert (again.json()["id"], kind_of(again.json())) == (sent["id"], kind_of(sent))
    page = (await world.request("GET", f"/api/v1/whatsapp/conversations/{talk}/messages", by="bob")).json()
    assert [kind_of(message) for message in page["items"]] == [kind_of(sent)]
    one = (await world.request("GET", f"{MESSAGES}/{sent['id']}", by="bob")).json()
    assert (one["id"], kind_of(one)) == (sent["id"], kind_of(sent))
    assert one["status"] in {"sent", "delivered"}
    other = {**typed_message, "type": "document" if type_ == "image" else "image", "content": MEDIA}
    assert (await alice.refused("message:send", other))["code"] == "conflict"


@pytest.mark.parametrize("type_", CONTENTS)
async def test_a_recovered_session_receives_each_type(world: World, type_: str) -> None:
    talk = await world.conversation("alice", "bob")
    alice = await connect(world, "alice", talk)
    bob = Returner(world, "bob", WHATSAPP)
    await bob.come()
    await bob.socket.done("conversation:join", {"conversationId": talk})
    await alice.done("message:send", {"conversationId": talk, "content": "Before"})
    await bob.socket.next("message:received")
    await bob.cut()
    typed_message = {"conversationId": talk, "type": type_, "content": CONTENTS[type_]}
    sent = (await alice.done("message:send", typed_message))["message"]
    assert await bob.come()
    ((name, payload, _),) = await bob.notified()
    assert (name, kind_of(payload)) == ("message:received", kind_of(sent))


async def listeners(world: World, talk: str) -> dict[str, Any]:
    """Connects a socket of each other dialect that receives the conversation's events."""
    talks = await world.connect("bob", dialect=TALKS)
    await talks.done("join-conversation", {"conversationId": talk})
    crm = await world.connect("bob", dialect=CRM)
    await crm.done("joinChat", {"chatId": talk})
    return {
        "messenger": await world.connect("bob"),
        "talks": talks,
        "crm": crm,
        "gateway": await world.connect("bob", dialect=GATEWAY),
    }


async def test_other_dialects_and_the_log_show_a_location_as_a_map(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    sockets = await listeners(world, talk)
    cursor = (await sockets["messenger"].done("sync", {}))["cursor"]
    alice = await connect(world, "alice", talk)
    sent = (await alice.done("message:send", {"conversationId": talk, "type": "location", "content": GATE}))["message"]
    label = "Brandenburg Gate, Pariser Platz, Berlin"
    attachment = {"url": MAP, "name": label, "place": GATE}
    assert sent["attachments"] == [attachment]
    new = await sockets["messenger"].next("message:new")
    assert (new["type"], new["attachments"]) == ("file", [attachment])
    assert (await sockets["talks"].next("message"))["attachments"] == [MAP]
    assert (await sockets["crm"].next("newMessage"))["message"]["attachments"] == [attachment]
    assert (await sockets["gateway"].next("notification"))["body"] == label
    events = (await sockets["messenger"].done("sync", {"after": cursor}))["events"]
    assert [each["data"]["attachments"] for each in events if each["event"] == "message:new"] == [[attachment]]
    history = await world.request("GET", f"/api/v1/conversations/{talk}/messages", by="bob")
    assert history.json()["items"][0]["attachments"] == [attachment]
    listed = (await world.request("GET", "/api/v1/conversations", by="bob")).json()["items"]
    assert listed[0]["lastMessage"]["attachments"] == [attachment]


async def test_other_dialects_show_media_as_a_link_with_its_caption(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    sockets = await listeners(world, talk)
    alice = await connect(world, "alice", talk)
    await alice.done("message:send", {"conversationId": talk, "type": "audio", "content": MEDIA})
    attachment = {"url": URL, "name": "Lake", "kind": "audio"}
    new = await sockets["messenger"].next("message:new")
    assert (new["content"], new["attachments"]) == (MEDIA["caption"], [attachment])
    talks = await sockets["talks"].next("message")
    assert (talks["content"], talks["attachments"]) == (MEDIA["caption"], [URL])
    crm = (await sockets["crm"].next("newMessage"))["message"]
    assert (crm["message"], crm["attachments"]) == (MEDIA["caption"], [attachment])
    assert (await sockets["gateway"].next("notification"))["body"] == MEDIA["caption"]


async def test_a_notification_shows_the_caption_or_else_the_name(world: World) -> None:
    talk = await world.conversation("alice", "bob", kind="direct")
    alice = await connect(world, "alice", talk)
    for content in (MEDIA, {"url": URL, "name": "Lake"}):
        await alice.done("message:send", {"conversationId": talk, "type": "image", "content": content})
    await alice.done("message:send", {"conversationId": talk, "type": "location", "content": GATE})

    async def notified() -> list[str] | None:
        listed = (await world.request("GET", "/api/v1/notifications", by="bob")).json()["items"]
        return [each["body"] for each in listed] if len(listed) >= 3 else None

    assert await until_asked(notified) == ["Brandenburg Gate, Pariser Platz, Berlin", "Lake", MEDIA["caption"]]


@pytest.mark.parametrize(
    ("words", "found"), [("evening lake", ["image"]), ("pariser platz", ["location"]), ("lak", ["document", "image"])]
)
async def test_a_search_finds_captions_and_names(world: World, words: str, found: list[str]) -> None:
    talk = await world.conversation("alice", "bob")
    alice = await connect(world, "alice", talk)
    sent = {}
    for type_, content in (("image", MEDIA), ("document", {"url": URL, "name": "Lake"}), ("location", GATE)):
        answer = await alice.done("message:send", {"conversationId": talk, "type": type_, "content": content})
        sent[type_] = answer["message"]["id"]

    async def searched() -> list[str] | None:
        params = {"q": words, "conversationId": talk}
        page = (await world.request("GET", "/api/v1/search", by="bob", params=params)).json()
        return [message["id"] for message in page["items"]] if len(page["items"]) >= len(found) else None

    assert await until_asked(searched) == [sent[type_] for type_ in found]


@pytest.mark.parametrize("type_", ["image", "video", "audio", "document", "location"])
async def test_an_edit_in_any_dialect_keeps_the_type(world: World, type_: str) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", talk), await connect(world, "bob", talk)
    sent = (await alice.done("message:send", {"conversationId": talk, "type": type_, "content": CONTENTS[type_]}))[
        "message"
    ]
    edited = await alice.done("message:edit", {"messageId": sent["id"], "content": {"caption": "Dusk"}})
    expected = (type_, {**SHOWN[type_], "text": "Dusk", "caption": "Dusk"})
    assert kind_of(edited["message"]) == kind_of(await bob.next("message:updated")) == expected
    await world.request("PATCH", f"/api/v1/messages/{sent['id']}", by="alice", json={"content": ""})
    without = {key: value for key, value in SHOWN[type_].items() if key != "caption"} | {"text": ""}
    assert kind_of(await bob.next("message:updated")) == (type_, without)
    await alice.done("message:delete", {"messageId": sent["id"]})
    gone = (await world.request("GET", f"{MESSAGES}/{sent['id']}", by="bob")).json()
    assert (kind_of(gone), gone["attachments"]) == (("text", {"text": ""}), [])


@pytest.mark.parametrize("type_", ["audio", "location"])
async def test_a_forwarded_message_keeps_its_type(world: World, type_: str) -> None:
    talk, other = await world.conversation("alice", "bob"), await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", talk), await connect(world, "bob", other)
    sent = (await alice.done("message:send", {"conversationId": talk, "type": type_, "content": CONTENTS[type_]}))[
        "message"
    ]
    path, body = f"/api/v1/messages/{sent['id']}/forward", {"conversationIds": [other]}
    assert (await world.request("POST", path, by="alice", json=body)).is_success
    assert kind_of(await bob.next("message:received")) == kind_of(sent)


async def test_an_uploaded_file_has_the_senders_type(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", talk), await connect(world, "bob", talk)
    form = {"file": ("note.txt", b"hello", "text/plain")}
    file = (await world.request("POST", "/api/v1/files", by="alice", files=form)).json()
    content = {"caption": "Listen"}
    typed_message = {"conversationId": talk, "type": "audio", "content": content, "attachments": [{"id": file["id"]}]}
    await alice.done("message:send", typed_message)
    received = await bob.next("message:received")
    assert kind_of(received) == ("audio", {"text": "Listen", **content, "url": file["url"], "name": "note.txt"})
    by_url = {"conversationId": talk, "type": "document", "content": {"url": file["url"]}}
    await alice.done("message:send", {**by_url, "attachments": [{"id": file["id"]}]})
    received = await bob.next("message:received")
    assert (received["type"], [each["id"] for each in received["attachments"]]) == ("document", [file["id"]])
    download = await world.request("GET", file["url"], by="bob")
    assert download.content == b"hello"


async def test_a_message_of_another_dialect_has_the_type_of_its_file(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    bob = await connect(world, "bob", talk)
    attachments = [{"url": "https://media.test/a.png", "name": "a.png"}]
    body = {"conversationId": talk, "content": "See", "attachments": attachments}
    assert (await world.request("POST", "/api/v1/messages", by="alice", json=body)).status_code == 201
    received = await bob.next("message:received")
    expected = {"text": "See", "caption": "See", "url": "https://media.test/a.png", "name": "a.png"}
    assert kind_of(received) == ("image", expected)


async def test_an_unknown_type_is_refused_with_the_known_types(world: World) -> None:
    talk = await world.conversation("alice")
    alice = await connect(world, "alice", talk)
    typed_message = {"conversationId": talk, "type": "sticker", "content": {"text": "x"}}
    error = await alice.refused("message:send", typed_message)
    expected = "must be one of text, image, video, audio, document, location"
    assert (error["code"], error["details"]) == ("invalid_request", [{"path": "type", "message": expected}])
    answer = await world.request("POST", MESSAGES, by="alice", json=typed_message)
    assert (answer.status_code, answer.json()["error"]) == (422, error)
