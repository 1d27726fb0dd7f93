from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import CommandResult
from tests.cli.processes import Answer, RunningServer, running_server, start_fresh_python
from tests.http_client import http_get
from tests.logging_state import logging_kept

Talkwire = Callable[..., Answer]
Command = Callable[..., CommandResult]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_prints_its_url_and_a_signal_ends_it(tmp_path: Path, number: signal.Signals) -> None:
    quiet = ("--log-format", "console", "--log-level", "warning")
    with running_server(tmp_path, *quiet, start=start_fresh_python) as server:
        assert server.greeting.startswith("Talkwire ")
        assert http_get(f"{server.url}/healthz").status_code == 200
        assert server.stop(number) == Answer(0, "", "")
    assert (server.data / "lock").read_bytes() == b""


@pytest.mark.parametrize("log_format", ["json", "auto"])
def test_where_the_log_is_json_so_is_standard_output(tmp_path: Path, log_format: str) -> None:
    with running_server(tmp_path, "--demo", "--log-format", log_format) as server:
        answer = server.stop(signal.SIGTERM)
    greeting = json.loads(server.greeting)
    assert (greeting["event"], greeting["url"], greeting["demo"]) == ("serving", server.url, True)
    for line in (*answer.out.splitlines(), *answer.err.splitlines()):
        assert isinstance(json.loads(line), dict)


def test_the_demo_prints_how_to_sign_in(tmp_path: Path) -> None:
    with running_server(tmp_path, "--demo", "--log-format", "console") as server:
        answer = server.stop(signal.SIGTERM)
    assert answer.exit_code == 0
    assert f"{server.url}/" in answer.out
    for name in ("alice", "bob", "carol", "user-123", "test", "123", "user@example.com"):
        assert name in answer.out


def test_a_second_server_on_the_same_folder_is_refused_with_the_pid_of_the_first(
    tmp_path: Path, talkwire: Talkwire
) -> None:
    with running_server(tmp_path) as server:
        # Even if the port is in use too, the error names the owner of the folder.
        answer = talkwire("serve", "--data", "data", "--port", server.port)
        assert answer.exit_code == 1
        assert answer.line == f"talkwire: data is in use by the process {server.process.pid} at {server.url}"


NAMES = [
    ("--data", "other", "--database", "sqlite:///data/talkwire.db"),
    ("--data", "other", "--database", "sqlite:///{folder}/data/talkwire.db"),
    ("--data", "link"),
    ("--database", "sqlite:///link.db"),
]


@pytest.fixture
def served(tmp_path: Path, talkwire: Talkwire) -> Iterator[RunningServer]:
    """Yields a server on `data` with the user x, and other names for the database file."""
    with running_server(tmp_path) as server:
        (tmp_path / "link").symlink_to("data")
        (tmp_path / "link.db").symlink_to("data/talkwire.db")
        talkwire("conversation", "create", "--data", "data", "--id", "talk-1", "x")
        yield server
        server.stop(signal.SIGTERM)


def _named(names: tuple[str, ...], folder: Path) -> list[str]:
    return [name.format(folder=folder) for name in names]


@pytest.mark.parametrize("names", NAMES, ids="_".join)
def test_a_second_server_on_the_same_file_is_refused_whatever_names_it(
    tmp_path: Path, talkwire: Talkwire, served: RunningServer, names: tuple[str, ...]
) -> None:
    answer = talkwire("serve", *_named(names, tmp_path), "--port", "0")
    assert answer.exit_code == 1
    assert answer.line.endswith(f" is in use by the process {served.process.pid} at {served.url}")


@pytest.mark.parametrize("names", NAMES, ids="_".join)
def test_commands_go_through_the_server_whatever_names_its_file(
    tmp_path: Path, talkwire: Talkwire, served: RunningServer, names: tuple[str, ...]
) -> None:
    where = _named(names, tmp_path)
    token = talkwire("token", "x", "--data", "data").out.strip()
    asking = {"authorization": f"Bearer {token}"}
    assert http_get(f"{served.url}/api/v1/users/me", headers=asking).status_code == 200
    assert talkwire("user", "ban", "x", *where).exit_code == 0
    # The server sees the change at once: no other file was written.
    assert http_get(f"{served.url}/api/v1/users/me", headers=asking).status_code == 403
    assert talkwire("backup", "chat.backup", "--overwrite", *where).exit_code == 0
    for refused in (["migrate"], ["restore", "chat.backup"]):
        answer = talkwire(*refused, *where)
        assert answer.exit_code == 1, answer
        assert f"is in use by the process {served.process.pid}" in answer.err
    checked = talkwire("check", *where)
    assert f"is open in the server with process id {served.process.pid} at {served.url}" in checked.out


def test_two_servers_do_not_share_a_data_folder(tmp_path: Path, talkwire: Talkwire) -> None:
    with running_server(tmp_path) as server:
        answer = talkwire("serve", "--data", "data", "--database", "sqlite:///another.db", "--port", "0")
        assert answer.exit_code == 1
        assert answer.line == f"talkwire: data is in use by the process {server.process.pid} at {server.url}"
        server.stop(signal.SIGTERM)


def test_a_port_in_use_is_reported(tmp_path: Path, talkwire: Talkwire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        answer = talkwire("serve", "--port", port)
    assert answer.exit_code == 1
    assert (
        answer.line
        == f"talkwire: cannot listen on 127.0.0.1, port {port}: the port is in use; choose another one with --port"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_killed_server_leaves_a_folder_that_works(tmp_path: Path, talkwire: Talkwire) -> None:
    with running_server(tmp_path) as server:
        talkwire("conversation", "create", "--data", "data", "--id", "talk-1", "alice", "bob")
        assert server.stop(signal.SIGKILL).exit_code == -signal.SIGKILL
    assert b"http://" in (server.data / "lock").read_bytes()
    answer = talkwire("user", "list", "--data", "data")
    assert answer.exit_code == 0
    assert [line.split("\t")[0] for line in answer.out.splitlines()] == ["alice", "bob"]
    with running_server(tmp_path) as server:
        assert server.stop(signal.SIGTERM).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--data", "missing/data"], "there is no such folder to create data in"),
        (["--data", "a-file"], "a-file: is not a folder"),
        (["--host", "203.0.113.7"], "cannot listen on 203.0.113.7, port 0: "),
        (["--database", "postgresql://127.0.0.1:1/chat", "--jwt-secret", "s" * 32], "Connection refused"),
        (["--database", "sqlite:///missing/chat.db"], "there is no such folder"),
        (["--database", "sqlite:///a-file"], "file is not a database"),
    ],
    ids=["missing folder", "a file", "foreign address", "no database", "folder of a database", "no SQLite file"],
)
def test_a_failed_start_is_reported_in_one_line(
    tmp_path: Path, talkwire: Talkwire, arguments: list[str], expected: str
) -> None:
    (tmp_path / "a-file").write_text("nothing that a database would hold, and long enough to be looked at\n" * 20)
    answer = talkwire("serve", "--port", "0", *arguments)
    assert (answer.exit_code, answer.out) == (1, "")
    assert expected in answer.line


@pytest.mark.parametrize(
    ("arguments", "environ", "file", "expected"),
    [
        (["--port", "abc"], {}, "", "--port: must be a whole number"),
        ([], {"PORT": "abc"}, "", "PORT: must be a whole number"),
        ([], {"TALKWIRE_DIALECT": "klingon"}, "", 'TALKWIRE_DIALECT: must be one of messenger, talks'),
        ([], {}, "prot = 1", "prot in talkwire.toml: is not a setting; did you mean port?"),
        ([], {}, "port =", "talkwire.toml: is not TOML"),
        (["--config", "missing.toml"], {}, "", "missing.toml: cannot be read: No such file or directory"),
        ([], {"DATABASE_URL": "mysql://h/d"}, "", "DATABASE_URL: must be a URL like"),
        (["--redis", "h:1"], {}, "", "--redis: must be a URL like"),
        (["--database", "postgresql://h/d"], {}, "", "jwt_secret: is required on PostgreSQL"),
        (["--demo", "--host", "0.0.0.0"], {}, "", "--demo: accepts any user id without a token"),
        (["--insecure-dev-auth"], {"TALKWIRE_HOST": "::"}, "", "--insecure-dev-auth: accepts any user id"),
        (["--jwt-public-key", "missing.pem"], {}, "", "jwt_public_key: missing.pem: No such file"),
        (["--jwt-secret=-----BEGIN PUBLIC KEY-----"], {}, "", "jwt_secret: The secret is a key in PEM"),
        ([], {"JWT_SECRET": "s" * 31}, "", "jwt_secret: must have at least 32 bytes"),
    ],
)  # fmt: skip
def test_invalid_settings_are_wrong_usage(
    talkwire: Talkwire, arguments: list[str], environ: dict[str, str], file: str, expected: str
) -> None:
    if file:
        Path("talkwire.toml").write_text(file)
    answer = talkwire("serve", *arguments, environ=environ or {"TALKWIRE_PORT": "0"})
    assert (answer.exit_code, answer.out) == (2, "")
    assert answer.line.startswith(f"talkwire: {expected}")


def test_a_read_only_folder_is_reported(tmp_path: Path, fresh_talkwire: Talkwire) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    without_privileges: list[str] = []
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root may write everywhere, and there is no setpriv to take that from it")
        without_privileges = [setpriv, "--bounding-set", "-all", "--inh-caps", "-all"]
    answer = fresh_talkwire("serve", "--port", "0", "--data", "closed", prefix=without_privileges)
    assert answer.exit_code == 1
    assert answer.line == "talkwire: closed: this user may not write there"


def test_logs_are_json_objects_unless_stderr_is_a_terminal(tmp_path: Path) -> None:
    with running_server(tmp_path, "--log-level", "debug") as server:
        answer = server.stop(signal.SIGTERM)
    for line in answer.err.splitlines():
        assert "event" in json.loads(line)


@pytest.mark.parametrize(
    ("arguments", "reason", "exit_code"),
    [
        (["--port", "x"], "--port: must be a whole number", 2),
        (["--nonsense", "1"], "Unknown option", 2),
        (
            ["--database", "postgresql://u:hidden@127.0.0.1:1/d", "--jwt-secret", "s" * 32],
            "the database postgresql://u:***@",
            1,
        ),
        (["--port", "{taken}"], "the port is in use", 1),
        (["--data", "a-file"], "a-file: is not a folder", 1),
        (["--data", "missing/data"], "missing: there is no such folder", 1),
        (["--files", "s3://bucket"], "S3 requires its client", 1),
        (["--redis", "redis://127.0.0.1:1"], "Redis requires its client", 1),
    ],
)
def test_a_failed_start_is_one_line_of_json_where_the_log_is_json(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str], reason: str, exit_code: int
) -> None:
    Path("a-file").touch()
    monkeypatch.setattr("talkwire.cli.extras.find_spec", lambda _name: None)
    monkeypatch.setenv("PORT", "0")
    with socket.create_server(("127.0.0.1", 0)) as taken, logging_kept():
        given = [argument.format(taken=taken.getsockname()[1]) for argument in arguments]
        result = command("serve", "--log-format", "json", *given)
    *_, line = [json.loads(each) for each in (result.out + result.err).splitlines()]
    assert (line["event"], line["level"], line["exit_code"]) == ("serve_failed", "error", exit_code)
    assert result.exit_code == exit_code
    assert reason in line["reason"]
    assert "hidden" not in result.err


@pytest.mark.parametrize(
    ("arguments", "variable", "file", "is_json"),
    [
        ([], None, None, False),
        ([], "json", None, True),
        ([], "json", "log_format = 'console'", True),
        ([], None, "log_format = 'json'", True),
        ([], None, "log_format = 'json'\nno TOML", False),
        ([], "", "log_format = 'json'\nunknown = 1", True),
        (["--log-format=json"], "console", None, True),
        (["--log-format", "json"], None, "log_format = 'console'", True),
        (["--log-format", "console"], "json", None, False),
        (["--log-format", "jsn"], "json", None, False),
        (["--log-format"], "json", None, False),
    ],
)
def test_the_format_of_a_failed_start_is_read_where_settings_are_invalid(
    command: Command, arguments: list[str], variable: str | None, file: str | None, *, is_json: bool
) -> None:
    Path("settings.toml").write_text(file or "")
    with logging_kept(), pytest.MonkeyPatch.context() as environment:
        if variable is not None:
            environment.setenv("TALKWIRE_LOG_FORMAT", variable)
        result = command("serve", "--port", "x", "--config", "settings.toml", *arguments)
    assert result.exit_code == 2
    assert result.err.startswith('{"timestamp"' if is_json else "talkwire: ")


def test_a_variable_that_is_no_setting_is_logged_with_the_one_that_was_meant(talkwire: Talkwire) -> None:
    environ = {"TALKWIRE_PROT": "80", "TALKWIRE_TOKEN": "a client's"}
    answer = talkwire("serve", "--port", "0", "--data", "missing/data", environ=environ)
    (line, _) = answer.err.splitlines()
    assert "unknown_variable" in line
    assert ("TALKWIRE_PROT" in line, "TALKWIRE_PORT" in line, "TALKWIRE_TOKEN" in line) == (True, True, False)


def test_a_server_whose_event_loop_stands_still_says_where_and_ends(tmp_path: Path) -> None:
    with running_server(tmp_path, "--log-format", "json", module="tests.cli.stalling_talkwire") as server:
        answer = server.stop(signal.SIGUSR1)
    assert answer.exit_code == 1
    lines = [json.loads(line) for line in answer.err.splitlines()]
    reported, last = (line for line in lines if line["event"] == "loop_stalled")
    assert ("ends" in reported, last["ends"]) == (False, "process")
    for line in (reported, last):
        stands = next(iter(line["threads"].values()))
        assert stands.endswith(" stand_still")
