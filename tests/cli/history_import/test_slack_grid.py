"""The export of an organization in Slack's Enterprise Grid: its own conversations, and those of each workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.history_import.conftest import Command, Receiver, counts, dropped, failure
from tests.cli.history_import.exports import slack_message, slack_user, write_folder, write_zip


def channel(key: str, name: str, *members: str) -> dict[str, Any]:
    return {"id": key, "name": name, "created": 1500000000, "members": list(members)}


def day(text: str, user: str) -> list[object]:
    return [slack_message("1577880000.000000", user, text)]


def grid(prefix: str) -> dict[str, object]:
    """Returns the files of an organization with the workspaces north and south, which both have a channel `general`."""
    ann, ben, cleo = f"U{prefix}ANN", f"W{prefix}BEN", f"U{prefix}CLEO"
    north, south = channel(f"C{prefix}N", "general", ann), channel(f"C{prefix}S", "General", ben, cleo)
    return {
        "org_users.json": [slack_user(ann, f"{prefix}ann"), slack_user(ben, f"{prefix}ben")],
        "channels.json": [channel(f"C{prefix}ALL", "everybody", ann, ben)],
        "dms.json": [{"id": f"D{prefix}", "members": [ann, ben]}],
        "everybody/2020-01-01.json": day("In the organization", ann),
        f"D{prefix}/2020-01-01.json": day("Direct", ben),
        "teams/north/users.json": [slack_user(ann, f"{prefix}ann")],
        "teams/north/channels.json": [north, channel(f"C{prefix}ONLY", "teams", ann)],
        "teams/north/general/2020-01-01.json": day("In the north", ann),
        "teams/north/teams/2020-01-01.json": day("About teams", ann),
        "teams/south/users.json": [slack_user(cleo, f"{prefix}cleo")],
        "teams/south/channels.json": [south],
        "teams/south/General/2020-01-01.json": day("In the south", cleo),
        "teams/south/groups.json": [channel(f"G{prefix}S", "secret", ben)],
        "teams/south/secret/2020-01-01.json": day("Psst", ben),
    }


def test_the_conversations_of_all_workspaces_are_imported(imported: Command, receiver: Receiver) -> None:
    result = imported("slack", grid("GA"))
    assert (counts(result)["conversations"], counts(result)["messages"], counts(result)["users"]) == (6, 6, 3)
    assert dropped(result) == {}
    found = {
        each["name"]: receiver.messages(each["id"])[0]["content"]
        for user in ("UGAANN", "WGABEN")
        for each in receiver.conversations(user)
        if each["kind"] != "direct"
    }
    assert found == {
        "everybody": "In the organization",
        "general (north)": "In the north",
        "teams": "About teams",
        "General (south)": "In the south",
        "secret": "Psst",
    }
    assert receiver.get("/users/UGACLEO")["name"] == "GAcleo"


def test_a_channel_that_workspaces_share_is_one_conversation(command: Command, tmp_path: Path) -> None:
    export = grid("GB")
    export["teams/south/channels.json"] = export["teams/north/channels.json"]
    del export["teams/south/General/2020-01-01.json"]
    export["teams/south/general/2020-01-01.json"] = day("The same message", "UGBANN")
    export["teams/south/general/2020-01-02.json"] = [slack_message("1577966400.000000", "UGBANN", "Later")]
    result = command("import", "slack", str(write_zip(tmp_path / "grid.zip", export)), "--dry-run")
    assert (counts(result)["conversations"], counts(result)["messages"]) == (5, 6)
    assert dropped(result) == {"repeated messages": 1}


@pytest.mark.parametrize("left_out", [["org_users.json"], ["org_users.json", "channels.json", "dms.json"]])
def test_an_organization_without_its_own_lists_is_imported(
    command: Command, tmp_path: Path, left_out: list[str]
) -> None:
    export = {f"export/{name}": value for name, value in grid("GC").items() if name not in left_out}
    result = command("import", "slack", str(write_folder(tmp_path / "grid", export)), "--dry-run")
    assert counts(result)["conversations"] >= 4
    assert counts(result)["messages"] >= 4


def test_an_organization_without_workspaces_is_imported(command: Command, tmp_path: Path) -> None:
    export = {name: value for name, value in grid("GD").items() if not name.startswith("teams/")}
    result = command("import", "slack", str(write_folder(tmp_path / "grid", export)), "--dry-run")
    assert (counts(result)["conversations"], counts(result)["messages"], counts(result)["users"]) == (2, 2, 2)


def test_a_channel_named_teams_is_no_list_of_workspaces(command: Command, tmp_path: Path) -> None:
    export = {
        "users.json": [slack_user("U1", "ann")],
        "channels.json": [channel("C1", "teams", "U1")],
        "teams/2020-01-01.json": day("Hi", "U1"),
        "teams/attachments/F1-users.json": "[]",
    }
    result = command("import", "slack", str(write_folder(tmp_path / "export", export)), "--dry-run")
    assert (counts(result)["conversations"], counts(result)["messages"]) == (1, 1)


def test_an_export_without_a_list_of_users_says_what_to_do(command: Command, tmp_path: Path) -> None:
    path = write_folder(tmp_path / "export", {"channels.json": "[]"})
    assert "has no users.json and no org_users.json" in failure(command("import", "slack", str(path), "--dry-run"))
