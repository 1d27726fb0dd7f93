"""Invitation links, and what the page offers by who may register."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from tests.page.driving import Driver, run, serving
from tests.protocol.server_process import reserved_port


@pytest.fixture(scope="module")
def invite_only_url(filled_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demo server on which nobody registers without an invitation."""
    with serving(
        copytree(filled_demo, tmp_path_factory.mktemp("invite") / "data"), reserved_port(), "--accounts", "invite"
    ) as url:
        yield url


def test_a_link_leads_from_its_making_into_the_conversation(driver: Driver, invite_only_url: str) -> None:
    reports = run(driver, invite_only_url, "invitations", "path")
    assert reports["joined"] == {"offered": 0, "address": "", "asked": 0, "again": 0}


def test_links_are_listed_and_revoked(driver: Driver, invite_only_url: str) -> None:
    revoked = run(driver, invite_only_url, "invitations", "revoking")["revoked"]
    assert revoked == {
        "listed": [["By alice", "Not used yet"], ["By alice", "1 use left"]],
        "copied": True,
        "copies": 0,
        "says": "Invitation link revoked.",
        "left": 1,
        "server": 1,
    }


def test_the_uses_of_a_link_are_counted_while_its_list_is_open(driver: Driver, invite_only_url: str) -> None:
    counted = run(driver, invite_only_url, "invitations", "counting")["counted"]
    assert counted == {
        "before": ["1 use left", "Not used yet"],
        "afterOne": ["Not used yet"],
        "afterTwo": ["Used once"],
    }


def test_a_link_whose_creator_may_not_invite_any_more_says_that_it_does_not_work(
    driver: Driver, invite_only_url: str
) -> None:
    assert run(driver, invite_only_url, "invitations", "suspended")["suspended"] == {"before": "Not used yet"}


def test_a_link_that_is_used_up_or_revoked_says_so(driver: Driver, invite_only_url: str) -> None:
    reports = run(driver, invite_only_url, "invitations", "usedUp")
    over = "This invitation is no longer valid. The link has expired, was used up or was revoked. Ask for a new one."
    assert reports["refused"] == {
        "registering": over,
        "email": "gina@example.com",
        "forms": 0,
        "offered": 0,
        "revoked": 0,
    }


def test_where_there_are_no_accounts_there_is_no_form(driver: Driver, demo_folder: Path) -> None:
    with serving(demo_folder, reserved_port(), "--accounts", "off") as url:
        assert run(driver, url, "invitations", "off")["off"] == {"early": 0, "forms": 0}


def test_the_demo_offers_a_user_with_another_picture_by_the_initial(driver: Driver, demo_folder: Path) -> None:
    with serving(demo_folder, reserved_port()) as url:
        offered = run(driver, url, "invitations", "demo_picture")["offered"]
    assert offered == {"isComplete": True, "initial": "M", "left": -1}
