"""`talkwire import rocketchat`, into a server that runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

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


def rocketchat_messages(prefix: str, messages: Iterable[dict[str, Any]]) -> dict[str, object]:
    """Returns an export of Ann's messages in the room `Room`, for which `messages` have the members of their own."""
    author = {"_id": f"{prefix}Ann", "username": f"{prefix}ann", "name": "Ann"}
    ben = {"_id": f"{prefix}Ben", "username": f"{prefix}ben", "name": "Ben B."}
    at = {"$date": "2020-01-01T12:00:00.000Z"}
    rooms = [{"_id": f"{prefix}{name}", "t": "c", "name": name, "ts": at} for name in ("Room", "Other")]
    common = {"rid": f"{prefix}Room", "u": author, "ts": at, "msg": ""}
    return {
        "users.json": lines([{**each, "__rooms": [each["_id"] for each in rooms]} for each in (author, ben)]),
        "rocketchat_room.json": lines(rooms),
        "rocketchat_message.json": lines({**common, **each} for each in messages),
    }


def test_the_first_quote_is_the_reply_and_others_are_text(imported: Command, receiver: Receiver) -> None:
    def link(key: str) -> str:
        return f"https://chat.example.com/channel/room?msg={key}"

    def quote(key: str, text: str, **more: object) -> dict[str, Any]:
        return {"message_link": link(key), "text": text, "author_name": "rcben", **more}

    def quoting(text: str, *cards: dict[str, Any]) -> dict[str, Any]:
        links = " ".join(f"[ ]({card['message_link']})" for card in cards)
        return {"msg": f"{links} {text}".strip(), "attachments": list(cards)}

    picture = {"title": "Leaflet.png", "title_link": "/file-upload/f/Leaflet.png", "title_link_download": True}
    table: list[tuple[dict[str, Any], str, str | None]] = [
        ({"_id": "q1", "msg": "first"}, "first", None),
        ({"_id": "q2", "msg": "second"}, "second", None),
        (quoting("both", quote("q1", "first"), quote("q2", "*second*")), "> **Ben B.**\n> **second**\nboth", "q1"),
        (quoting("there", quote("q0", "elsewhere")), "> **Ben B.**\n> elsewhere\nthere", None),
        (quoting("?", quote("gone", "a claim", author_name="out")), "> **out**\n> a claim\n?", None),
        (quoting("mixed", quote("gone", "a claim"), quote("q2", "second")), "> **Ben B.**\n> a claim\nmixed", "q2"),
        (
            quoting("nested", quote("gone", f"[ ]({link('q1')}) so", attachments=[quote("q1", "first")])),
            "> **Ben B.**\n> so\n> > **Ben B.**\n> > first\nnested",
            None,
        ),
        (quoting("nice", quote("gone", "", attachments=[picture])), "> **Ben B.**\n> > Leaflet.png\nnice", None),
        # A message of only a quote needs it as its text.
        (quoting("", quote("q1", "first")), "> **Ben B.**\n> first", None),
        ({"msg": f"[ ]({link('q1')}) bare"}, "bare", "q1"),
        ({"msg": f"[ ]({link('gone')}) bare"}, f"{link('gone')}\nbare", None),
        ({"msg": f"[see]({link('q1')})"}, f"[see]({link('q1')})", None),
        (
            {
                "attachments": [
                    {"title": "Build", "title_link": "https://ci.example", "fields": [{"title": "on", "value": "main"}]}
                ]
            },
            "> [Build](https://ci.example)\n> on: main",
            None,
        ),
        (
            {"msg": "New", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*words*"}}]},
            "New\n**words**",
            None,
        ),
    ]
    documents = [{"_id": f"m{number}", **message} for number, (message, _, _) in enumerate(table)]
    documents.insert(0, {"_id": "q0", "rid": "rcOther", "msg": "elsewhere"})
    result = imported("rocketchat", rocketchat_messages("rc", documents))
    assert dropped(result) == {}
    found = receiver.messages("rocketchat-rcRoom")
    ids = {each["clientMessageId"].partition(":")[2]: each["id"] for each in found}
    assert [(each["content"], (each.get("replyTo") or {}).get("id")) for each in found] == [
        (text, reply and ids[reply]) for _, text, reply in table
    ]


def test_messages_stay_in_order_though_the_server_refuses_parts_of_some(imported: Command, receiver: Receiver) -> None:
    messages: list[dict[str, Any]] = [
        {"_id": f"rb{number}", "msg": str(number), "pinned": number % 2 == 0} for number in range(250)
    ]
    for number in (7, 130):
        messages[number]["editedAt"] = {"$date": "2999-01-01T12:00:00.000Z"}
    result = imported("rocketchat", rocketchat_messages("rb", messages))
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
