"""Agents are labelled beside their names, with the person for whom they write."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_agents_are_labelled_in_messages_and_among_members(driver: Driver, demo_url: str, admin_token: str) -> None:
    shown = run(driver, demo_url, "agents", "labelled", token=admin_token)["labelled"]
    assert shown["marks"] == ["", "Agent", "", "Agent for alice", ""]
    assert shown["labels"][3] == "Helper, Agent, for alice, TIME: I have paid."
    assert shown["rows"] == [["alice", "Owner"], ["bob", ""], ["Helper", "Agent"]]


def test_messages_of_agents_are_rated_and_only_their_owner_sees_how_many(
    driver: Driver, demo_url: str, admin_token: str
) -> None:
    done = run(driver, demo_url, "agents", "rated", token=admin_token)["rated"]
    assert (done["without"], done["before"]) == (0, ["false"] * 4)
    assert done["shown"] == done["reloaded"] == ["false", "true", "true", "false"]
    assert done["stored"] == {"mine": -1, "comment": "It has not come."}
