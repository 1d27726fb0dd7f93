"""The web client at `/`, driven in Chromium by page.mjs, against a demo server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.server_process import free_port, running

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
DEADLINE_S = 120.0
MARKUP = "<img src=x onerror=alert(1)>"

Report = dict[str, Any]

pytestmark = pytest.mark.skipif(
    shutil.which(CHROMIUM) is None,
    reason=f"needs a browser, and there is none at {CHROMIUM}: install Chromium, or name one in CHROMIUM",
)


@pytest.fixture(scope="module")
def driver() -> list[str]:
    """The command line of the script that drives the browser; an address and a scenario are appended."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("these tests drive a browser and need node (20 or later)")
    if not (HERE / "node_modules" / "playwright-core").is_dir():
        pytest.fail("what drives the browser is not installed: run make install")
    return [node, str(HERE / "page.mjs"), CHROMIUM]


@pytest.fixture(scope="module")
def demo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One demo server for all scenarios that leave it running; each has a conversation of its own."""
    with serving(tmp_path_factory.mktemp("demo"), free_port()) as url:
        yield url


def serving(folder: Path, port: int, *options: str) -> AbstractContextManager[str]:
    """A demo server on `port` with its data in `folder`; killed, not stopped, at the end."""
    command = [sys.executable, "-m", "talkwire", "serve", "--demo", "--no-rate-limits", "--data", str(folder)]
    return running([*command, *options, "--port"], port)


@contextmanager
def driving(driver: list[str], url: str, scenario: str) -> Iterator[subprocess.Popen[str]]:
    """The running script; it has to end well."""
    with subprocess.Popen(
        [*driver, url, scenario], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def next_report(process: subprocess.Popen[str]) -> Report:
    """What happened next."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()
    report = json.loads(line)
    assert isinstance(report, dict)
    return report


def finish(process: subprocess.Popen[str]) -> dict[str, Report]:
    """What happened until the script's end, by name."""
    output, errors = process.communicate(timeout=DEADLINE_S)
    reports = [json.loads(line) for line in output.splitlines()]
    assert process.returncode == 0, (reports, errors)
    return {report.pop("happened"): report for report in reports}


def run(driver: list[str], url: str, scenario: str) -> dict[str, Report]:
    """What happened in a scenario in which the browser had nothing to complain about."""
    with driving(driver, url, scenario) as process:
        reports = finish(process)
    assert reports.pop("done") == {"complaints": []}
    return reports


def test_two_users_talk(driver: list[str], demo_url: str) -> None:
    reports = run(driver, demo_url, "talk")
    talk = ["Hello!\nTwo lines.", "Hi"]
    assert reports["announced"] == {"text": "alice: Hello!\nTwo lines."}
    assert reports["talked"] == {"alice": talk, "bob": talk, "typing": ""}
    assert reports["told of it"] == {"title": "(1) Talkwire"}
    assert reports["talked directly"] == {"bob": ["Only you"], "title": "Talkwire"}
    assert reports["met in a group"] == {"members": "3 members"}


def test_a_long_history_is_read_back_and_nothing_moves(driver: list[str], demo_url: str) -> None:
    read_back = run(driver, demo_url, "history")["read back"]
    assert 0 < read_back.pop("most") < 100, "messages in the document at once"
    assert read_back == {"jumps": 0, "stayed": True, "opens_at_unread": True}


def test_messages_are_edited_answered_reacted_to_and_deleted(driver: list[str], demo_url: str) -> None:
    assert run(driver, demo_url, "changes") == {"changed": {"draft": "a draft", "quoted": "first", "edited": 0}}


def test_a_refused_message_says_why_and_can_be_discarded(driver: list[str], demo_url: str) -> None:
    reports = run(driver, demo_url, "refusal")
    assert "must not contain U+0000" in reports["refused"]["reason"]
    assert reports["too long"]["kept"] == 65_537
    assert reports["too long"]["reason"] == "This is too long for one message."


def test_the_page_reconnects_and_loses_and_doubles_nothing(driver: list[str], tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as first_server, ExitStack() as second_server:
        url = first_server.enter_context(serving(tmp_path, port))
        process = second_server.enter_context(driving(driver, url, "reconnection"))
        assert next_report(process) == {"happened": "talking"}
        first_server.close()
        assert next_report(process) == {
            "happened": "disconnected",
            "waiting": "AaliceTyped while disconnectedSending…",
        }
        second_server.enter_context(serving(tmp_path, port))
        assert process.stdin is not None
        process.stdin.write("started again\n")
        process.stdin.flush()
        reports = finish(process)
    assert reports["done"] == {"complaints": []}
    expected = ["Before", *(f"Message {number}" for number in range(1, 41)), "Typed while disconnected", "After"]
    reconnected = reports["reconnected"]
    assert reconnected["stored"] == expected
    for shown in (*reconnected["shown"], reconnected["reloaded"]):
        assert shown == expected[-len(shown) :], "what is in sight, which is the end"
        assert len(shown) > 5


def test_what_was_written_without_a_connection_outlives_a_reload(driver: list[str], tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as first_server, ExitStack() as second_server:
        url = first_server.enter_context(serving(tmp_path, port))
        process = second_server.enter_context(driving(driver, url, "outbox"))
        assert next_report(process) == {"happened": "talking"}
        first_server.close()
        second_server.enter_context(serving(tmp_path, port))
        assert process.stdin is not None
        process.stdin.write("started again\n")
        process.stdin.flush()
        reports = finish(process)
    assert reports["done"] == {"complaints": []}
    assert reports["sent"] == {"messages": ["first", "second", "third"]}


def test_an_account_is_made_and_signed_in_to(driver: list[str], demo_url: str) -> None:
    reports = run(driver, demo_url, "account")
    assert reports["refused"] == {"reason": "The e-mail address or the password is wrong."}
    assert reports["signed in"] == {"kept": []}


def test_the_page_renews_a_token_that_expires(driver: list[str], tmp_path: Path) -> None:
    with serving(tmp_path, free_port(), "--access-token-ttl", "3s") as url:
        reports = run(driver, url, "expiry")
    assert reports["renewed"] == {"messages": ["Before", "After"]}


def test_markup_in_messages_and_names_is_shown_as_text(driver: list[str], demo_url: str) -> None:
    reports = run(driver, demo_url, "markup")
    assert reports["shown as text"] == {
        "author": MARKUP,
        "listed": MARKUP,
        "images": 0,
        "links": ["https://example.com/x.png"],
    }


def test_the_page_fits_a_narrow_screen_and_works_by_keyboard(driver: list[str], demo_url: str) -> None:
    reports = run(driver, demo_url, "narrow")
    assert reports["measured"]["widths"] == {"entrance": 320, "list": 320, "conversation": 320, "dialog": 320}
