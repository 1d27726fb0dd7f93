from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.cli.conftest import CommandResult
from tests.cli.json_documents import provider, served_documents
from tests.cli.processes import RunningServer
from tests.files.s3 import BUCKET, Refusals, s3_server, variables

Command = Callable[..., CommandResult]

Json = dict[str, Any]

ALGORITHMS = "id_token_signing_alg_values_supported"
P256: Json = dict(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True))

_GOOD_SECRET = "0123456789abcdef0123456789abcdef"


def test_an_empty_folder_with_defaults_is_fine_and_stays_empty(command: Command, tmp_path: Path) -> None:
    result = command("check", "--port", "0")
    assert (result.exit_code, result.err) == (0, "")
    assert {line.split()[0] for line in result.out.splitlines()} == {"ok"}
    assert list(tmp_path.iterdir()) == []


def test_the_database_is_checked(command: Command) -> None:
    assert command("migrate").exit_code == 0
    result = command("check", "--port", "0")
    assert "ok       database: talkwire-data/talkwire.db responds; its tables are of version " in result.out


def test_a_running_server_is_asked_and_not_disturbed(command: Command, server: RunningServer) -> None:
    result = command("check", "--data", str(server.data))
    assert result.exit_code == 0
    assert f"is open in the server with process id {server.process.pid} at {server.url}" in result.out


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        (
            ["--jwt-secret", "secret", "--allow-weak-secret"],
            {},
            "warning  tokens: jwt_secret is a well-known default",
        ),
        (["--jwt-secret", "a-short-one", "--allow-weak-secret"], {}, "warning  tokens: jwt_secret is short"),
        (["--jwt-secret", _GOOD_SECRET], {}, "ok       tokens: jwt_secret is long enough"),
        (["--jwt-secret", _GOOD_SECRET], {}, "ok       accounts: off, since a key for tokens is set"),
        (["--accounts", "off"], {}, "ok       accounts: off: no one can register"),
        (["--accounts", "off", "--web-sign-in", "account"], {}, "warning  web client: web_sign_in is account, but"),
        (["--host", "0.0.0.0"], {}, "ok       accounts: invite: people register with an invitation"),
        ([], {}, "ok       accounts: open: anyone who reaches this machine's loopback"),
        (["--accounts", "open", "--host", "0.0.0.0"], {}, "warning  accounts: open: anyone who reaches this server"),
        (["--trusted-proxies", "127.0.0.1"], {}, "warning  accounts: open: anyone who reaches this server"),
        (["--origins", "*"], {}, "warning  origins: any web page may connect"),
        (["--jwt-issuer", "a,b"], {}, "ok       tokens: jwt_issuer: `iss` must be a or b"),
        (["--jwt-audience", "chat"], {}, "ok       tokens: jwt_audience: `aud` must be or contain chat"),
        (["--user-id-claim", "oid"], {}, "ok       tokens: user_id_claim: the claim `oid`"),
        (["--role-claim", "chat_role"], {}, "ok       tokens: role_claim: the claim `chat_role`"),
        (
            ["--role-claim", "realm_access.roles", "--keep-claims", "tenant"],
            {},
            "ok       tokens: role_claim: the claim `realm_access.roles`, else `roles` in `realm_access`",
        ),
        (["--keep-claims", "tenant,app.plan"], {}, "keep_claims: the claim `app.plan`, else `plan` in `app`"),
        (["--origins", "null"], {}, "warning  origins: null allows the sandboxed frames of every site"),
        (["--host", "0.0.0.0"], {}, "note     origins: none is set, so only the server's own pages may connect"),
        (
            ["--origins", "https://app.example"],
            {},
            "ok       origins: pages of https://app.example and the server's own may connect",
        ),
        ([], {}, "ok       origins: none is set: the server's own pages may connect, and pages of this machine"),
        ([], {"TALKWIRE_PROT": "1"}, "warning  settings: TALKWIRE_PROT is not a setting; did you mean TALKWIRE_PORT?"),
        ([], {"FRONTEND_URL": "http://a.example"}, "ok       settings: origins from FRONTEND_URL"),
    ],
)  # fmt: skip
def test_settings_that_work_with_limits_are_reported(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: list[str], environ: dict[str, str], expected: str
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    result = command("check", "--port", "0", *arguments)
    assert result.exit_code == 0
    assert expected in result.out
    assert _GOOD_SECRET not in result.out
    assert "pw" not in result.out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--data", "missing/data"], "wrong    data: "),
        (["--data", "a-file"], "wrong    data: a-file: is not a folder"),
        (["--database", "sqlite:///missing/chat.db"], "wrong    database: missing: there is no such folder"),
        (["--database", "sqlite:///a-file"], "wrong    database: the database a-file cannot be used: file is not"),
        (["--database", "postgresql://u:pw@127.0.0.1:1/d"], "wrong    database: the database postgresql"),
        (
            ["--database", "postgresql://u:pw@127.0.0.1:1/d", "--internal-host", "203.0.113.7"],
            "wrong    address: the address for other nodes, 203.0.113.7 port 0: Cannot assign requested address",
        ),
        (["--database", "postgresql://u:pw@127.0.0.1:1/d"], "wrong    tokens: jwt_secret: is required on PostgreSQL"),
        (["--jwt-secret=-----BEGIN PUBLIC KEY-----"], "wrong    tokens: jwt_secret: The secret is a key in PEM"),
        (["--jwt-public-key", "missing.pem"], "wrong    tokens: jwt_public_key: missing.pem: No such file"),
        (["--jwt-jwks-url", "http://127.0.0.1:1/keys"], "wrong    tokens: jwt_jwks_url: "),
        (["--demo", "--host", "0.0.0.0"], "wrong    settings: --demo: accepts any user id"),
    ],
)
def test_problems_are_reported_and_the_exit_code_is_one(
    command: Command, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    (tmp_path / "a-file").write_text("nothing that a database would hold, and long enough to be looked at\n" * 20)
    result = command("check", "--port", "0", *arguments)
    assert (result.exit_code, result.err) == (1, "")
    assert expected in result.out
    assert "pw" not in result.out


def test_the_openid_provider_is_asked_and_its_failure_is_a_warning(command: Command) -> None:
    asked = ("--oidc-issuer", "http://127.0.0.1:1/team", "--oidc-client-id", "talkwire")
    result = command("check", "--port", "0", *asked)
    assert result.exit_code == 0
    assert "warning  oidc: http://127.0.0.1:1/team cannot be used now: 127.0.0.1: cannot connect: " in result.out
    assert "note     oidc: no public_url is set" in result.out
    result = command("check", "--port", "0", *asked, "--public-url", "https://chat.example.com/")
    redirect = "https://chat.example.com/api/v1/auth/oidc/callback"
    assert f"ok       oidc: the redirect address to register at the provider is {redirect}" in result.out
    result = command("check", "--port", "0", "--oidc-client-id", "talkwire")
    assert "warning  oidc: oidc_client_id has no effect without oidc_issuer" in result.out


@pytest.mark.parametrize(
    ("metadata", "keys", "code", "expected"),
    [
        ({}, {"keys": [P256]}, 0, "ok       oidc: {issuer} responds, and provides keys"),
        ({}, {"keys": []}, 0, "warning  oidc: {issuer} cannot be used now: the provider's keys: no key for RS256, "),
        ({}, {"certificates": {}}, 0, "the provider's keys: not a JWK set"),
        (
            {ALGORITHMS: ["ES384"]},
            {"keys": [P256]},
            0,
            "ok       oidc: {issuer} responds, and provides keys",
        ),
        (
            {ALGORITHMS: ["HS256"]},
            {"keys": [P256]},
            1,
            "wrong    oidc: {issuer} can sign in nobody: it signs ID tokens",
        ),
    ],
)
def test_the_keys_and_the_algorithms_of_the_openid_provider_are_checked(
    command: Command, metadata: Json, keys: Json, code: int, expected: str
) -> None:
    with served_documents(provider(metadata, keys)) as issuer:
        result = command("check", "--port", "0", "--oidc-issuer", issuer, "--oidc-client-id", "talkwire")
    assert (result.exit_code, result.err) == (code, "")
    assert expected.format(issuer=issuer) in result.out


def test_an_issuer_without_tls_is_wrong(command: Command) -> None:
    result = command("check", "--oidc-issuer", "http://login.example.com", "--oidc-client-id", "talkwire")
    assert result.exit_code == 1
    assert "wrong    settings: --oidc-issuer: must begin with https://" in result.out


def test_a_secret_that_can_be_guessed_is_wrong_usage(command: Command) -> None:
    result = command("check", "--port", "0", "--jwt-secret", "short")
    assert (result.exit_code, result.err) == (2, "")
    assert "wrong    tokens: jwt_secret: must have at least 32 bytes" in result.out
    assert "allow_weak_secret" in result.out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--callbacks", "message:sned=https://a.example"], '"message:sned" is not a command'),
        (["--callbacks", "message:send=http://a.example"], '"message:send": must begin with https://'),
        (["--callbacks", "message:send=https://10.0.0.1/"], '"message:send": 10.0.0.1 is a private address'),
        (["--callback-timeout-s", "0"], "--callback-timeout-s: must be more than 0"),
        (["--callback-on-failure", "wait"], "--callback-on-failure: must be one of refuse, allow"),
        (["--callback-secret", "secret"], "--callback-secret: must be whsec_"),
        (["--webhook-allow", "intranet"], '--webhook-allow: "intranet" is neither an address nor a network'),
    ],
)
def test_invalid_callbacks_are_wrong_usage_for_check_and_serve(
    command: Command, arguments: list[str], expected: str
) -> None:
    result = command("check", "--port", "0", *arguments)
    assert (result.exit_code, result.err) == (2, "")
    assert result.out.startswith("wrong    settings: ")
    assert expected in result.out
    result = command("serve", "--port", "0", *arguments)
    assert (result.exit_code, result.out) == (2, "")
    assert expected in result.err


def test_callbacks_are_listed_without_their_paths(command: Command) -> None:
    urls = "connect=https://8.8.8.8/path-secret,message:send=https://8.8.4.4:8443/?key=path-secret"
    result = command("check", "--port", "0", "--callbacks", urls)
    assert result.exit_code == 0
    assert "ok       callbacks: no callback_secret is set, a random one will be created in talkwire-data/" in result.out
    assert "ok       callbacks: connect asks https://8.8.8.8\n" in result.out
    assert "ok       callbacks: message:send asks https://8.8.4.4:8443\n" in result.out
    assert "path-secret" not in result.out


def test_a_callback_whose_name_resolves_to_a_private_address_is_wrong_usage(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr("talkwire.egress.resolver.socket.getaddrinfo", lambda *_, **__: found)
    result = command("check", "--callbacks", "connect=https://app.example.com/")
    assert result.exit_code == 2
    assert "wrong    callbacks: connect asks https://app.example.com: 10.0.0.1 is a private address" in result.out


def test_every_malformed_setting_is_listed(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKWIRE_DEMO", "perhaps")
    result = command("check", "--port", "abc")
    assert result == (
        1,
        "wrong    settings: TALKWIRE_DEMO: must be on or off\nwrong    settings: --port: must be a whole number\n",
        "",
    )


def test_a_port_in_use_is_wrong(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = command("check", "--port", str(other.getsockname()[1]))
    assert result.exit_code == 1
    assert "the port is in use" in result.out


# --- where uploads are stored -----------------------------------------------------------------------------------------


def test_a_folder_of_files_is_written_to_and_left_as_it_was(command: Command, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    result = command("check", "--port", "0", "--files", "files")
    assert (result.exit_code, list((tmp_path / "files").iterdir())) == (0, [])
    assert "ok       files: uploads are stored in files" in result.out
    assert command("check", "--port", "0", "--files", "new/files").exit_code == 0
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("/proc/files", "wrong    files: /proc/files: cannot be created: "),
        ("a-file", "wrong    files: a-file: is not a folder"),
        ("a-file/files", "a-file: is not a folder"),
        ("full", "No space left on device"),
    ],
)
def test_a_folder_that_takes_no_files_is_wrong(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, expected: str
) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "full").mkdir()
    fsync = os.fsync

    def full(descriptor: int) -> None:
        if "/full/" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    result = command("check", "--port", "0", "--files", where)
    assert result.exit_code == 1
    assert expected in next(line for line in result.out.splitlines() if line.startswith("wrong    files"))
    assert "wrong    data: full: No space left on device" in command("check", "--data", "full").out


def test_a_bucket_is_written_to_and_its_refusal_is_printed(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = Refusals()
    with s3_server(refusals) as endpoint:
        for name, value in variables(endpoint).items():
            monkeypatch.setenv(name, value)
        result = command("check", "--port", "0", "--files", BUCKET)
        assert "ok       files: s3://bucket stores, returns and removes a small object" in result.out
        refusals.refused["PUT"] = ("403 Forbidden", "AccessDenied", "Access Denied.")
        result = command("check", "--port", "0", "--files", BUCKET)
        assert (result.exit_code, result.err) == (1, "")
        assert ": 403 Forbidden: AccessDenied: Access Denied." in result.out
        assert "file_storage_failed" not in result.out
