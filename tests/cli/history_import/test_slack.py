"""`talkwire import slack`, into a server that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.history_import.conftest import Command, Receiver, counts, dropped
from tests.cli.history_import.exports import ROOT, slack_export, slack_message, slack_user, write_folder

TONED = "\U0001f44d\U0001f3fc"


def test_a_workspace_is_imported(imported: Command, receiver: Receiver) -> None:
    result = imported("slack", slack_export("a"))
    assert counts(result) == {
        "conversations": 5,
        "files": 1,
        "files, as links to where they are": 1,
        "messages": 13,
        "reactions": 3,
        "replies in threads": 2,
        "users": 5,
        "users, banned as they were deactivated": 1,
    }
    assert dropped(result) == {
        "calls and huddles": 1,
        "empty messages": 1,
        "files that Slack has deleted or hidden": 1,
        "messages without a time": 1,
        "notices (channel_join)": 1,
        "reactions whose user the export does not name": 2,
        "reactions with custom emoji": 1,
        "repeated messages": 1,
    }
    general = receiver.get("/conversations/slack-CA0GENERAL")
    assert (general["name"], general["public"], general["ownerId"]) == ("general", True, "UA0ANN")
    assert (general["createdAt"], general["topic"]) == ("2017-07-14T02:40:00.000Z", "News & more")
    assert general["description"] == "Ask @aben"
    assert {each["userId"] for each in general["members"]} == {"UA0ANN", "UA0BEN", "UA0CLEO"}

    root, first, third, picture, slackbot, late, build = receiver.messages("slack-CA0GENERAL", by="UA0BEN")
    assert root["content"] == ("Hello @aben <3 🎉 [the *site*](https://example.com) see #secret `a*b*c` ~~no~~")
    assert (root["senderId"], root["createdAt"]) == ("UA0ANN", "2020-01-01T12:00:00.000Z")
    assert (root["editedAt"], root["pinned"], root["imported"]) == ("2020-01-01T12:05:00.000Z", True, True)
    assert root["mentions"] == ["UA0BEN"]
    assert root["reactions"] == [
        {"emoji": TONED, "count": 2, "userIds": ["UA0BEN", "UA0CLEO"]},
        {"emoji": "❤️", "count": 1, "userIds": ["UA0ANN"]},
    ]
    assert root["replyCount"] == 2
    assert [(each["content"], each["threadId"]) for each in (first, late)] == [
        ("First _reply_", root["id"]),
        ("Late **reply**", root["id"]),
    ]
    assert (third["content"], third["senderId"]) == ("Third", "UA0CLEO")
    pixel, link = picture["attachments"]
    assert (pixel["name"], pixel["contentType"], pixel["width"]) == ("pic.png", "image/png", 1)
    assert (link["name"], link["url"]) == ("doc.pdf", "https://example.slack.com/files/doc.pdf")
    assert slackbot["content"] == "@all \n```\nx = 1 & 2\n```"
    assert (build["sender"]["name"], build["content"]) == (
        "Build",
        "> [Build 7](https://ci.example.com/7)\n> It **failed**",
    )
    user = receiver.get("/users/UA0BEN")
    assert (user["name"], user["handle"], user["email"]) == ("aben", "aben", "aben@example.com")
    assert receiver.get("/users/UA0CLEO")["banned"] is True
    kinds = {each["id"]: (each["kind"], each["public"]) for each in receiver.conversations("UA0ANN")}
    assert kinds == {
        "slack-CA0GENERAL": ("group", True),
        "slack-CA0OLD": ("channel", True),
        "slack-DA0AB": ("direct", False),
        "slack-GA0MANY": ("group", False),
        "slack-GA0SECRET": ("group", False),
    }
    # An archived channel has lost its members: who wrote there can still read it, and nobody writes.
    assert [each["content"] for each in receiver.messages("slack-CA0OLD", by="UA0ANN")] == ["Long ago", "Yes"]
    body = {"conversationId": "slack-CA0OLD", "content": "New"}
    assert receiver.request("POST", "/messages", body, by="UA0ANN").status_code == 403


def test_an_import_that_is_repeated_changes_nothing(imported: Command, receiver: Receiver) -> None:
    export = slack_export("b")
    imported("slack", export)
    before = [receiver.messages(each["id"]) for each in receiver.conversations("UB0ANN")]
    receiver.request("PUT", "/users/UB0ANN", {"name": "Anna"})
    again = counts(imported("slack", export))
    assert again == {"conversations, there before": 5, "messages, there before": 13, "users, there before": 5}
    after = [receiver.messages(each["id"]) for each in receiver.conversations("UB0ANN")]
    assert [[each["id"] for each in page] for page in after] == [[each["id"] for each in page] for page in before]
    assert receiver.get("/users/UB0ANN")["name"] == "Anna"


def test_a_newer_export_brings_what_is_new(imported: Command, receiver: Receiver) -> None:
    export = slack_export("c")
    imported("slack", export)
    mine = {"conversationId": "slack-GC0SECRET", "content": "Written here"}
    receiver.request("POST", "/messages", mine, by="UC0ANN").raise_for_status()
    general = {
        **export,
        "general/2020-01-03.json": [slack_message("1578052800.000000", "UC0ANN", "New", thread_ts=ROOT)],
    }
    general["secret/2020-01-03.json"] = [slack_message("1578052800.000000", "UC0BEN", "Too old here")]
    result = imported("slack", general)
    assert counts(result)["messages"] == 1
    assert dropped(result)["messages older than the newest one of their conversation here"] == 1
    *_, newest = receiver.messages("slack-CC0GENERAL")
    root = receiver.messages("slack-CC0GENERAL")[0]
    assert (newest["content"], newest["threadId"], root["replyCount"]) == ("New", root["id"], 3)


def test_a_dry_run_counts_without_a_server(command: Command, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "export", slack_export())
    result = command("import", "slack", str(folder), "--dry-run")
    assert counts(result) == {
        "conversations": 5,
        "files": 1,
        "files, as links to where they are": 1,
        "messages": 13,
        "reactions": 3,
        "replies in threads": 2,
        "users": 5,
        "users, banned as they were deactivated": 1,
    }
    assert dropped(result)["notices (channel_join)"] == 1


@pytest.mark.parametrize(("flag", "user_id"), [("handle", "dann"), ("email", "dann@example.com")])
def test_ids_of_users_are_their_handles_or_addresses(
    imported: Command, receiver: Receiver, flag: str, user_id: str
) -> None:
    imported("slack", slack_export("d"), "--user-ids", flag)
    assert receiver.get(f"/users/{user_id}")["name"] == "dann"


def test_what_was_erased_here_does_not_come_back(imported: Command, receiver: Receiver) -> None:
    export = slack_export("e")
    imported("slack", export)
    receiver.request("DELETE", "/users/UE0BEN?messages=redact").raise_for_status()
    result = imported("slack", export)
    assert dropped(result)["users that were erased on this server"] == 1
    assert receiver.get("/users/UE0BEN")["erased"] is True
    assert counts(result).get("messages", 0) == 0


def test_an_invalid_message_is_dropped_and_the_others_stay_in_order(imported: Command, receiver: Receiver) -> None:
    key = "USZANN"
    long_link = f"https://example.com/{'x' * 3000}"
    texts = [slack_message(f"15778800{number:02}.000000", key, str(number)) for number in range(10)]
    for number in (0, 3, 4, 9):
        texts[number]["files"] = [{"id": f"F{number}", "name": "a.png", "permalink": long_link}]
    result = imported(
        "slack",
        {
            "users.json": [slack_user(key, "szann")],
            "channels.json": [{"id": "CSZ", "name": "long", "created": 1500000000, "members": [key]}],
            "long/2020-01-01.json": texts,
        },
    )
    assert [each["content"] for each in receiver.messages("slack-CSZ")] == ["1", "2", "5", "6", "7", "8"]
    assert sum(count for kind, count in dropped(result).items() if kind.startswith("messages that the server ref")) == 4
