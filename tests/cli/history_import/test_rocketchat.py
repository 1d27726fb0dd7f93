"""`talkwire import rocketchat`, into a server that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.history_import.conftest import Command, Receiver, counts, dropped
from tests.cli.history_import.exports import lines, rocketchat_export, write_folder


def test_collections_are_imported(imported: Command, receiver: Receiver) -> None:
    result = imported("rocketchat", rocketchat_export("ra"))
    assert counts(result) == {
        "conversations": 2,
        "files": 1,
        "messages": 6,
        "reactions": 1,
        "replies in threads": 1,
        "users": 3,
        "users, banned as they were deactivated": 1,
    }
    assert dropped(result) == {
        "deleted messages": 1,
        "encrypted messages": 1,
        "lines that are not JSON": 1,
        "messages of rooms that are not imported": 1,
        "notices (uj)": 1,
        "reactions whose user the export does not name": 1,
        "reactions with custom emoji": 1,
        "rooms of visitors (omnichannel)": 1,
    }
    room = receiver.get("/conversations/rocketchat-raRoom")
    assert (room["name"], room["public"], room["ownerId"], room["topic"]) == ("General", True, "raAnn1", "Topic")
    assert room["createdAt"] == "2020-01-01T12:00:00.000Z"
    root, quote, reply, picture, ghost = receiver.messages("rocketchat-raRoom", by="raAnn1")
    assert root["content"] == "Hi @Ben, **bold** and ~~gone~~ 🎉 `*x*`"
    assert (root["mentions"], root["editedAt"], root["pinned"]) == (["raBen2"], "2020-01-01T12:00:05.000Z", True)
    assert root["reactions"] == [{"emoji": "👍🏼", "count": 1, "userIds": ["raBen2"]}]
    assert (quote["content"], quote["replyTo"]["id"]) == ("Quoting", root["id"])
    assert (reply["content"], reply["threadId"]) == ("In the thread", root["id"])
    assert (picture["content"], picture["attachments"][0]["name"]) == ("> What I saw", "holiday.png")
    assert (ghost["content"], ghost["sender"]["name"]) == ("Boo", "Ghost")
    assert [each["content"] for each in receiver.messages("rocketchat-raAnnBen", by="raAnn1")] == ["Direct"]
    again = counts(imported("rocketchat", rocketchat_export("ra")))
    assert again == {"conversations, there before": 2, "messages, there before": 6, "users, there before": 3}


def test_messages_stay_in_order_though_the_server_refuses_parts_of_some(imported: Command, receiver: Receiver) -> None:
    author = {"_id": "rbAnn", "username": "rbann", "name": "Ann"}
    at = {"$date": "2020-01-01T12:00:00.000Z"}
    messages = [
        {"_id": f"rb{number}", "rid": "rbRoom", "msg": str(number), "ts": at, "u": author, "pinned": number % 2 == 0}
        for number in range(250)
    ]
    for number in (7, 130):
        messages[number]["editedAt"] = {"$date": "2999-01-01T12:00:00.000Z"}
    result = imported(
        "rocketchat",
        {
            "users.json": lines([{**author, "active": True, "__rooms": ["rbRoom"]}]),
            "rocketchat_room.json": lines([{"_id": "rbRoom", "t": "c", "name": "Pins", "ts": at}]),
            "rocketchat_message.json": lines(messages),
        },
    )
    assert dropped(result) == {"pins beyond the 100 of a conversation": 25, "times of edits that are not possible": 2}
    found = receiver.messages("rocketchat-rbRoom")
    while found[0]["seq"] > 1:
        path = f"/conversations/rocketchat-rbRoom/messages?limit=100&before={found[0]['id']}"
        found = [*receiver.get(path)["items"], *found]
    assert [each["content"] for each in found] == [str(number) for number in range(250)]
    assert sum(each.get("pinned", False) for each in found) == 100


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"users.json": '[\n{"_id": "a"}\n]'}, "without --jsonArray"),
        ({"users.json": '{"_id": "a"}'}, "has no rocketchat_room.json"),
    ],
)
def test_collections_that_cannot_be_read_are_refused(
    command: Command, tmp_path: Path, files: dict[str, object], message: str
) -> None:
    result = command("import", "rocketchat", str(write_folder(tmp_path / "dump", files)), "--dry-run")
    assert result.exit_code == 1
    assert message in result.err
