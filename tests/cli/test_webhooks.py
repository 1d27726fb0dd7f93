"""`talkwire webhook`: it acts on the server that has the data folder open, and otherwise on the database."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import CommandResult
from tests.cli.processes import running_server

Command = Callable[..., CommandResult]
ALLOW = ("--webhook-allow", "127.0.0.0/8")


class _Accepting(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Logs nothing."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Accepting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook"
        server.shutdown()
        thread.join()


@pytest.fixture(params=["alone", "beside a server"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Flags that lead to a chat, and the flags that a command needs in addition to reach this machine."""
    if request.param == "alone":
        yield ["--data", str(tmp_path / "alone")], [*ALLOW]
        return
    with running_server(tmp_path, *ALLOW) as server:
        yield ["--data", str(server.data)], []


def state_of(command: Command, webhook_id: str, flags: list[str]) -> tuple[bool, str | None]:
    (shown,) = json.loads(command("webhook", "show", webhook_id, "--json", *flags).out)
    return shown["enabled"], shown["disabledReason"]


def test_the_settings_of_the_running_server_decide(
    command: Command, where: tuple[list[str], list[str]], endpoint: str
) -> None:
    flags, allowed = where
    added = command("webhook", "add", endpoint, *flags, *allowed)
    assert (added.exit_code, added.err) == (0, "")
    webhook_id, secret = added.out.split()
    assert secret.startswith("whsec_")
    tested = command("webhook", "test", webhook_id, *flags, *allowed)
    assert (tested.exit_code, tested.err) == (0, "")
    assert tested.out.startswith(f"{webhook_id} accepted the event with HTTP status 204")
    refused = command("webhook", "add", "http://10.0.0.1/hook", *flags, *allowed)
    assert (refused.exit_code, refused.out) == (2, "")
    assert "10.0.0.1 is a private address, and webhook_allow does not name it" in refused.err


def test_an_unknown_type_is_refused(command: Command, where: tuple[list[str], list[str]], endpoint: str) -> None:
    flags, allowed = where
    refused = command("webhook", "add", endpoint, "--type", "mesage:new", *flags, *allowed)
    assert refused.exit_code == 2
    assert "did you mean message:new?" in refused.err


def test_a_webhook_is_disabled_enabled_and_given_a_new_secret(
    command: Command, where: tuple[list[str], list[str]], endpoint: str
) -> None:
    flags, allowed = where
    webhook_id, secret = command("webhook", "add", endpoint, "--final", *flags, *allowed).out.split()
    assert json.loads(command("webhook", "show", webhook_id, "--json", *flags).out)[0]["final"] is True
    assert command("webhook", "disable", webhook_id, *flags) == (0, f"Disabled {webhook_id}.\n", "")
    assert state_of(command, webhook_id, flags) == (False, "request")
    assert command("webhook", "enable", webhook_id, *flags) == (0, f"Enabled {webhook_id}.\n", "")
    assert state_of(command, webhook_id, flags) == (True, None)
    rotated_id, rotated = command("webhook", "rotate-secret", webhook_id, *flags).out.split()
    assert rotated_id == webhook_id
    assert rotated.startswith("whsec_")
    assert rotated != secret
    for action in ("enable", "disable", "rotate-secret", "test"):
        unknown = command("webhook", action, "nonsense", *flags)
        assert (unknown.exit_code, unknown.out) == (1, "")


@pytest.mark.parametrize(("further", "state"), [((), (False, "restored")), (("--keep-webhooks",), (True, None))])
def test_a_restored_copy_sends_to_nobody_without_an_order(
    command: Command, endpoint: str, further: tuple[str, ...], state: tuple[bool, str | None]
) -> None:
    flags = ["--data", "original"]
    webhook_id, _ = command("webhook", "add", endpoint, *flags, *ALLOW).out.split()
    assert command("backup", "chat.backup", *flags).exit_code == 0
    restored = command("restore", "chat.backup", "--data", "copy", *further)
    assert restored.exit_code == 0
    assert ("Webhooks are disabled: this copy sends to none of them" in restored.err) == (not further)
    assert state_of(command, webhook_id, ["--data", "copy"]) == state
    assert state_of(command, webhook_id, flags) == (True, None)
