"""`talkwire check` and `talkwire serve` agree about other servers: S3, the keys of an application, an OpenID provider,
and Redis. The server starts without them, since they may come back; so what check calls wrong is what fails there, and
the server's log has the same words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.certificates import self_signed
from tests.cli.json_documents import Documents, provider, served_documents
from tests.cli.processes import Answer, RunningServer, running_server
from tests.files.s3 import BUCKET, Refusals, s3_server, variables
from tests.http_client import http_get, http_post
from tests.valkey_server import valkey_server
from tests.waiting import DEADLINE_S

Talkwire = Callable[..., Answer]

KEY = ec.generate_private_key(ec.SECP256R1())
KEYS: dict[str, Any] = {"keys": [ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True)]}


class Arranged(NamedTuple):
    flags: list[str]
    environ: Mapping[str, str] = {}


Arrange = Callable[[Path], AbstractContextManager[Arranged]]


class Service(NamedTuple):
    """What is arranged, how it is used, and a part of the words with which its use fails; None if it works. `use`
    returns whether the server could."""

    name: str
    arrange: Arrange
    use: Callable[[RunningServer], bool]
    fails: str | None = None


# --- S3 ---------------------------------------------------------------------------------------------------------------


def _s3(refused: tuple[str, str] | None = None, place: str = BUCKET, **environ: str) -> Arrange:
    """A bucket that refuses requests of a kind with a code, and variables that are changed."""

    @contextmanager
    def arrange(_folder: Path) -> Iterator[Arranged]:
        refusals = Refusals()
        with s3_server(refusals) as endpoint:
            if refused is not None:
                refusals.refused[refused[0]] = ("403 Forbidden", refused[1], "Not allowed.")
            yield Arranged(["--insecure-dev-auth", "--files", place], variables(endpoint) | environ)

    return arrange


def _upload(server: RunningServer) -> bool:
    url = f"{server.url}/api/v1/files?userId=alice"
    return http_post(url, files={"file": ("a.txt", b"text", "text/plain")}).status_code == 201


# --- keys and providers -----------------------------------------------------------------------------------------------


def _keys(documents: Documents, *, trusted: bool | None = None) -> Arrange:
    """The keys of an application; over HTTPS if it is said whether the certificate's authority is trusted."""
    return _at_address(documents, lambda address: ["--jwt-jwks-url", f"{address}/keys"], trusted=trusted)


def _provider(metadata: Mapping[str, Any] = {}, path: str = "", *, trusted: bool | None = None) -> Arrange:
    def flags(address: str) -> list[str]:
        return ["--oidc-issuer", f"{address}{path}", "--oidc-client-id", "talkwire"]

    return _at_address(provider(metadata, KEYS), flags, trusted=trusted)


def _at_address(documents: Documents, flags: Callable[[str], list[str]], *, trusted: bool | None) -> Arrange:
    @contextmanager
    def arrange(folder: Path) -> Iterator[Arranged]:
        certificate = None if trusted is None else self_signed(folder, "localhost")
        environ = {"SSL_CERT_FILE": str(certificate[0])} if certificate is not None and trusted else {}
        with served_documents(documents, certificate) as address:
            yield Arranged(flags(address), environ)

    return arrange


@contextmanager
def _unreachable_keys(_folder: Path) -> Iterator[Arranged]:
    yield Arranged(["--jwt-jwks-url", "http://127.0.0.1:1/keys?key=hidden-value"])


@contextmanager
def _unreachable_provider(_folder: Path) -> Iterator[Arranged]:
    yield Arranged(["--oidc-issuer", "http://127.0.0.1:1", "--oidc-client-id", "talkwire"])


def _use_token(server: RunningServer) -> bool:
    token = jwt.encode({"sub": "alice", "exp": time.time() + 600}, KEY, algorithm="ES256")
    answer = http_get(f"{server.url}/api/v1/users/me", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code == 200


def _begin_sign_in(server: RunningServer) -> bool:
    return "/unused?" in http_get(f"{server.url}/api/v1/auth/oidc").headers["location"]


# --- Redis ------------------------------------------------------------------------------------------------------------


def _redis(scheme: str = "redis", user: str = "chat:hidden-value", rules: str = "+@all &* ~*") -> Arrange:
    """A Redis with a user who has rights, and the scheme and the user of the address."""

    @contextmanager
    def arrange(_folder: Path) -> Iterator[Arranged]:
        with valkey_server() as valkey:
            valkey.command("ACL", "SETUSER", "chat", "reset", "on", ">hidden-value", *rules.split())
            yield Arranged(["--insecure-dev-auth", "--redis", f"{scheme}://{user}@127.0.0.1:{valkey.port}"])

    return arrange


def _use_limit(server: RunningServer) -> bool:
    """The limit is reported to Redis a moment later, and holds without it meanwhile."""
    body = {"kind": "group", "name": "R", "memberIds": ["alice"]}
    return http_post(f"{server.url}/api/v1/conversations?userId=alice", json=body).status_code == 201


SERVICES = [
    Service("S3", _s3(), _upload),
    Service("S3 without DeleteObjects", _s3(("POST ?delete", "NotImplemented")), _upload),
    Service("no bucket", _s3(place="s3://nowhere/files"), _upload, "NoSuchBucket"),
    Service("keys that may only read", _s3(("PUT", "AccessDenied")), _upload, "403 Forbidden: AccessDenied: Not allow"),
    Service("wrong keys", _s3(("*", "SignatureDoesNotMatch")), _upload, "SignatureDoesNotMatch"),
    Service("keys", _keys(lambda _: {"/keys": KEYS}), _use_token),
    Service("keys of a trusted authority", _keys(lambda _: {"/keys": KEYS}, trusted=True), _use_token),
    Service("keys of another authority", _keys(lambda _: {"/keys": KEYS}, trusted=False), _use_token, "self-signed"),
    Service("keys that are missing", _keys(lambda _: {}), _use_token, "status 404"),
    Service("keys in another form", _keys(lambda _: {"/keys": {"x": "PEM"}}), _use_token, "not a JWK set"),
    Service("secret keys", _keys(lambda _: {"/keys": {"keys": [{"kty": "oct", "k": "AA"}]}}), _use_token, "no key for"),
    Service("keys that cannot be reached", _unreachable_keys, _use_token, "cannot connect: Connection refused"),
    Service("provider", _provider(), _begin_sign_in),
    Service("provider of a trusted authority", _provider(trusted=True), _begin_sign_in),
    Service("provider of another authority", _provider(trusted=False), _begin_sign_in, "self-signed certificate"),
    Service("another issuer", _provider({"issuer": "https://b.example"}), _begin_sign_in, "calls itself"),
    Service("no such provider", _provider(path="/team"), _begin_sign_in, "the metadata: status 404"),
    Service("endpoint", _provider({"token_endpoint": "ftp://a/"}), _begin_sign_in, "an endpoint of the provider"),
    Service("provider that cannot be reached", _unreachable_provider, _begin_sign_in, "127.0.0.1: cannot connect: "),
    Service("Redis", _redis(), _use_limit),
    Service("wrong password of Redis", _redis(user="chat:another-value"), _use_limit, "invalid username-password"),
    Service("TLS where Redis has none", _redis("rediss"), _use_limit, "no response in time"),
    Service("no rights on keys", _redis(rules="+@all &* ~other:*"), _use_limit, "No permissions to access a key"),
    Service("no rights on commands", _redis(rules="+@all -@scripting &* ~*"), _use_limit, "'evalsha'"),
]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_what_check_says_of_a_service_is_what_the_server_finds(
    tmp_path: Path, talkwire: Talkwire, monkeypatch: pytest.MonkeyPatch, service: Service
) -> None:
    with service.arrange(tmp_path) as (flags, environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        checked = talkwire("check", "--port", "0", *flags)
        complaints = [line for line in checked.out.splitlines() if line.startswith(("wrong", "warning"))]
        with running_server(tmp_path, "--log-format", "json", *flags) as server:
            works = service.use(server)
            if service.fails is None:
                assert (works, complaints, checked.exit_code) == (True, [], 0)
            else:
                assert works is (service.use is _use_limit)
                assert any(service.fails in line for line in complaints), checked.out
                assert _has_logged(server, service.fails)
        assert "-value" not in checked.out


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [("AWS_ALLOW_HTTP", "", "AWS_ALLOW_HTTP=true allows it"), ("AWS_ENDPOINT_URL", "nowhere", "AWS_ENDPOINT_URL")],
)
def test_variables_of_s3_that_cannot_be_used_are_refused_at_the_start(
    talkwire: Talkwire, variable: str, value: str, words: str
) -> None:
    flags, environ = ("--port", "0", "--files", BUCKET), variables("http://127.0.0.1:1") | {variable: value}
    checked, served = talkwire("check", *flags, environ=environ), talkwire("serve", *flags, environ=environ)
    reason = served.err.splitlines()[-1].removeprefix("talkwire: ")
    assert words in reason
    assert f"wrong    files: {reason}\n" in checked.out


def _has_logged(server: RunningServer, words: str) -> bool:
    """Reads the log up to a line with these words."""
    giving_up = Timer(DEADLINE_S, server.process.kill)
    giving_up.start()
    try:
        return any(words in line for line in server.errors)
    finally:
        giving_up.cancel()
