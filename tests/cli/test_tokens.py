from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from talkwire.core.domain.errors import ChatError
from talkwire.identity.claims import Identity, decode_claims
from talkwire.identity.secret import load_or_create_secret
from talkwire.identity.signatures import parse_compact
from talkwire.identity.tokens import TokenVerifier
from talkwire.settings import Settings
from talkwire.settings.keys import token_policy
from tests.cli.conftest import CommandResult
from tests.cli.processes import Answer, running_server

Command = Callable[..., CommandResult]


def verified(token: str, settings: Settings, *, later_s: float = 0) -> Identity | None:
    return TokenVerifier(token_policy(settings)).verify_now(token, time.time() + later_s)


@pytest.fixture(autouse=True)
def secret(tmp_path: Path) -> None:
    """Creates the secrets of two data folders, as servers do when they start."""
    for folder in (Settings().data, Path("data")):
        load_or_create_secret(tmp_path / folder)


def test_one_token_is_printed_and_nothing_else(talkwire: Callable[..., Answer], tmp_path: Path) -> None:
    answer = talkwire("token", "alice", "--name", "Alice", "--data", "data")
    assert (answer.exit_code, answer.err) == (0, "")
    token, newline, rest = answer.out.partition("\n")
    assert (newline, rest) == ("\n", "")
    identity = verified(token, Settings(data=tmp_path / "data"))
    assert identity is not None
    assert (identity.user_id, identity.name, identity.role) == ("alice", "Alice", "user")
    assert identity.issued_by_us


@pytest.mark.parametrize("role", ["service", "admin"])
def test_a_role_is_given(command: Command, role: str) -> None:
    identity = verified(command("token", "backend", "--role", role).out.strip(), Settings())
    assert identity is not None
    assert identity.role == role


def test_a_token_is_valid_for_the_requested_time(command: Command) -> None:
    token = command("token", "alice", "--ttl", "90s").out.strip()
    assert verified(token, Settings(), later_s=80) is not None
    with pytest.raises(ChatError, match="expired"):
        verified(token, Settings(), later_s=90 + Settings().jwt_leeway_s + 1)


def test_claims_are_json_where_they_can_be_and_text_otherwise(command: Command) -> None:
    given = ["type=agent", "department=007", 'permissions=["read"]', "level=3", "ok=true", "url=a=b", "empty="]
    token = command("token", "alice", *(part for claim in given for part in ("--claim", claim))).out.strip()
    claims = decode_claims(parse_compact(token).payload)
    assert claims["type"] == "agent"
    assert claims["department"] == "007"
    assert claims["permissions"] == ["read"]
    assert (claims["level"], claims["ok"], claims["url"], claims["empty"]) == (3, True, "a=b", "")


def test_the_secret_of_the_settings_is_used(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JWT_SECRET", "s" * 32)
    token = command("token", "alice").out.strip()
    assert verified(token, Settings(jwt_secret="s" * 32)) is not None
    assert {path.name for path in tmp_path.iterdir()} == {"data", "talkwire-data"}


def test_a_weak_secret_is_used_if_the_operator_allows_it(command: Command) -> None:
    assert command("token", "alice", "--jwt-secret", "short").exit_code == 2
    token = command("token", "alice", "--jwt-secret", "short", "--allow-weak-secret").out.strip()
    assert verified(token, Settings(jwt_secret="short", allow_weak_secret=True)) is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a b"], "userId: must be an id"),
        (["alice", "--ttl", "1"], "--ttl: must be a duration such as 90s, 15m, 1h or 30d"),
        (["alice", "--ttl", "0s"], "ttl: must be more than 0 seconds"),
        (["alice", "--claim", "admin"], '--claim: "admin" is not KEY=VALUE'),
        (["alice", "--claim", "sub=bob"], "claims.sub: is set by the server"),
        (["alice", "--database", "postgresql://h/d"], "jwt_secret: must be set, to sign tokens with"),
        (["alice", "--jwt-secret", "s" * 31], "jwt_secret: must have at least 32 bytes"),
        (["alice", "--jwt-secret", "ssh-ed25519 AAAA"], "jwt_secret: The secret is a key in PEM or SSH form"),
    ],
)
def test_invalid_arguments_are_wrong_usage(command: Command, arguments: list[str], message: str) -> None:
    result = command("token", *arguments)
    assert (result.exit_code, result.out) == (2, "")
    assert result.err.startswith(f"talkwire: {message}")


def test_an_empty_secret_file_is_reported(command: Command) -> None:
    Path("data/jwt-secret").write_text("short\n")
    result = command("token", "alice", "--data", "data")
    assert result.exit_code == 2
    assert "data/jwt-secret holds no secret" in result.err


@pytest.mark.parametrize("folder", ["missing", "missing/data", "empty"])
def test_no_secret_is_created(command: Command, folder: str) -> None:
    Path("empty").mkdir()
    result = command("token", "alice", "--data", folder)
    assert (result.exit_code, result.out) == (2, "")
    assert result.err.startswith(f"talkwire: {folder}/jwt-secret: there is no such file, and jwt_secret is not set.")
    assert list(Path("empty").iterdir()) == []
    assert not Path("missing").exists()


def test_a_token_that_the_running_server_does_not_accept_is_not_printed(command: Command, tmp_path: Path) -> None:
    with running_server(tmp_path, "--jwt-secret", "s" * 32) as server:
        result = command("token", "alice", "--data", "data")
        assert (result.exit_code, result.out) == (1, "")
        assert f"at {server.url} does not accept this token: The token's signature is wrong." in result.err
        accepted = command("token", "alice", "--data", "data", "--jwt-secret", "s" * 32)
        assert (accepted.exit_code, accepted.err) == (0, "")
        assert command("user", "list", "--data", "data", "--json").out.strip() == "[]", "no user was created"


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_role_that_means_nothing_is_reported(command: Command, tmp_path: Path, state: str) -> None:
    with ExitStack() as running:
        if state == "running":
            running.enter_context(running_server(tmp_path))
        result = command("token", "alice", "--role", "owner", "--data", "data")
        assert (result.exit_code, result.err) == (
            0,
            'The role "owner" means nothing to the server: the token is one of a user.\n',
        )
        assert command("token", "alice", "--role", "service", "--data", "data").err == ""
        assert command("token", "alice", "--role", "user", "--data", "data").err == ""
