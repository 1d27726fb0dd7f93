"""`talkwire import mattermost`, into a server that runs."""

from __future__ import annotations

from pathlib import Path

from tests.cli.history_import.conftest import Command, Receiver, counts, dropped
from tests.cli.history_import.exports import lines, mattermost_export


def test_a_bulk_export_is_imported(imported: Command, receiver: Receiver) -> None:
    result = imported("mattermost", mattermost_export("ma"))
    assert counts(result) == {
        "conversations": 2,
        "files": 1,
        "messages": 8,
        "pictures of users": 1,
        "reactions": 2,
        "replies in threads": 2,
        "users": 3,
        "users, banned as they were deactivated": 1,
    }
    assert dropped(result) == {
        "custom emoji": 1,
        "files that the export does not contain": 2,
        "lines that are not JSON": 1,
        "messages of channels that the export does not have": 1,
        "notices (system_join_channel)": 1,
        "reactions with custom emoji": 1,
    }
    town = receiver.get("/conversations/mattermost-mateam-town-square")
    assert (town["name"], town["public"], town["topic"], town["description"]) == (
        "Town Square",
        True,
        "Header",
        "Purpose",
    )
    # The export has no time of creation, so it is that of the first post.
    assert town["createdAt"] == "2020-01-01T12:00:00.000Z"
    assert {each["userId"]: each["role"] for each in town["members"]} == {
        "maann": "admin",
        "maben": "member",
        "magone": "member",
    }
    messages = receiver.messages("mattermost-mateam-town-square", by="maann")
    root, between, first, second, one, two, picture = messages
    assert root["content"] == "# Hi @Ben ma. **bold** 🎉 :party_parrot: `@maben` @all"
    assert (root["editedAt"], root["pinned"], root["replyCount"]) == ("2020-01-01T12:01:00.000Z", True, 2)
    assert root["mentions"] == ["maben"]
    assert root["reactions"] == [{"emoji": "👍🏻", "count": 2, "userIds": ["magone", "maben"]}]
    assert [each["content"] for each in (between, first, second, one, two)] == [
        *("Between", "Reply", "Reply 2", "One", "Two")
    ]
    assert {first["threadId"], second["threadId"]} == {root["id"]}
    assert [each["name"] for each in picture["attachments"]] == ["a.png"]
    assert receiver.get("/users/maben")["avatar"].startswith("/api/v1/files/")
    direct = [each for each in receiver.conversations("maann") if each["kind"] == "direct"]
    assert [each["content"] for each in receiver.messages(direct[0]["id"], by="maann")] == ["Only you"]
    again = counts(imported("mattermost", mattermost_export("ma")))
    assert again == {"conversations, there before": 2, "messages, there before": 8, "users, there before": 3}


def test_a_file_that_is_no_bulk_export_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_text(lines([{"type": "version", "version": 2}]))
    result = command("import", "mattermost", str(tmp_path), "--dry-run")
    assert result.exit_code == 1
    assert "begins with no version 1" in result.err
