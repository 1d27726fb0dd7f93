"""Agents are labelled beside their names, with the person for whom they write."""

from __future__ import annotations

from tests.page.driving import Driver, run


def test_agents_are_labelled_in_messages_and_among_members(driver: Driver, demo_url: str, admin_token: str) -> None:
    shown = run(driver, demo_url, "agents", "labelled", token=admin_token)["labelled"]
    assert shown["marks"] == ["", "Agent", "", "Agent for alice", ""]
    assert shown["labels"][3] == "Helper, Agent, for alice, TIME: I have paid."
    assert shown["rows"] == [["alice", "Owner"], ["bob", ""], ["Helper", "Agent"]]
