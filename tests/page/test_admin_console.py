"""The operators' console at `/admin`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from talkwire.dialects.names import DIALECT_NAMES
from tests.forked_talkwire import start_talkwire
from tests.page.driving import Driver, run
from tests.protocol.server_process import REPOSITORY, killed_at_the_end, reserved_port


@pytest.fixture(scope="module")
def console_url(filled_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demo server whose webhooks may reach this machine, and which has limits."""
    folder = copytree(filled_demo, tmp_path_factory.mktemp("console") / "data")
    port = reserved_port()
    arguments = ["serve", "--demo", "--data", str(folder), "--webhook-allow", "127.0.0.0/8", "--port", str(port)]
    with (
        tempfile.TemporaryFile() as output,
        killed_at_the_end(start_talkwire(arguments, output, os.environ, REPOSITORY), port) as url,
    ):
        yield url


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_every_section_shows_what_the_server_has_and_axe_finds_nothing_wrong(
    driver: Driver, console_url: str, admin_token: str, width: str
) -> None:
    looked = run(driver, console_url, "admin_console", width, token=admin_token)["looked at"]
    assert looked == {"found": [], "empty": [], "overflow": 0}


def test_an_operator_bans_and_unbans_with_the_keyboard_alone(
    driver: Driver, console_url: str, admin_token: str
) -> None:
    moderated = run(driver, console_url, "admin_console", "people", token=admin_token)["moderated"]
    assert moderated == {
        "address": "#/users?q=Eve+Ex",
        "kept": "Eve Ex",
        "focused": "H1",
        "refused": 403,
        "again": 200,
        "filtered": True,
    }


def test_an_operator_ends_a_connection_and_rewinds_a_webhook(
    driver: Driver, console_url: str, admin_token: str
) -> None:
    delivered = run(driver, console_url, "admin_console", "delivery", token=admin_token)["delivered"]
    assert delivered.pop("offered") == ["", *DIALECT_NAMES]
    assert delivered == {"dialect": "messenger", "resent": True, "again": True, "tested": True, "left": 0}


def test_an_operator_retries_a_turn_of_an_agent(driver: Driver, console_url: str, admin_token: str) -> None:
    retried = run(driver, console_url, "admin_console", "agents", token=admin_token)["retried"]
    assert retried["open"] >= 1


def test_an_operator_holds_keeps_and_deletes_a_conversation(driver: Driver, console_url: str, admin_token: str) -> None:
    kept = run(driver, console_url, "admin_console", "conversation", token=admin_token)["kept"]
    assert " answered 404: " in kept.pop("gone")
    assert kept.pop("refused") == [
        "Only the owner and admins write in the channel\nforbidden: read_only",
        "Not a member of the conversation\nforbidden: not_member",
    ]
    assert kept == {"hold": True, "retentionDays": 30}


def test_an_operator_decides_a_report(driver: Driver, console_url: str, admin_token: str) -> None:
    decided = run(driver, console_url, "admin_console", "reports", token=admin_token)["decided"]
    assert decided == {
        "names": ["alice", "general", 1],
        "quoted": ["Buy this", "Good morning"],
        "around": ["bob A deleted message.", "bob Hello", "#/conversations/general"],
        "nearest": True,
        "gone": {"quoted": ["Buy that"], "choices": 4},
        "decision": "deleted",
        "left": "",
    }


def test_somebody_without_the_role_learns_so_and_sees_nothing(
    driver: Driver, console_url: str, admin_token: str
) -> None:
    refused = run(driver, console_url, "admin_console", "others", token=admin_token)["refused"]
    assert refused.pop("problem") == "The e-mail address or the password is wrong."
    assert refused == {"found": [], "asked": 0, "links": 0}


def test_the_chats_menu_leads_an_admin_to_the_console(driver: Driver, console_url: str, admin_token: str) -> None:
    led = run(driver, console_url, "admin_console", "link", token=admin_token)["led"]
    assert led == {"title": "Overview · Talkwire console"}


def test_an_admin_learns_in_the_chat_of_reports_that_wait(driver: Driver, console_url: str, admin_token: str) -> None:
    led = run(driver, console_url, "admin_console", "waiting", token=admin_token)["led"]
    assert led == {"before": 0, "rows": 2, "asked": []}
