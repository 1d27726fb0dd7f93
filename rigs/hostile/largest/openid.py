"""The largest documents of an OpenID provider, which a sign-in reads."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from rigs.hostile.largest.budget import Attacker, Largest
from talkwire.openid.provider import FAILURE_KEPT_S
from tests.protocol.server_process import reserved_port

_PORT = reserved_port()
_ISSUER = f"http://127.0.0.1:{_PORT}"
SETTINGS = {"TALKWIRE_OIDC_ISSUER": _ISSUER, "TALKWIRE_OIDC_CLIENT_ID": "talkwire"}

_RESPONSE = 512 * 1024
_ID_TOKEN = 48 * 1024
_KEYS_REST_S = FAILURE_KEPT_S + 0.1
"""The server fetches keys again after this time, also where it has refused them."""

_BEGIN = "/api/v1/auth/oidc"
_METADATA = "/.well-known/openid-configuration"
_ENDPOINTS = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
_KEY = ec.generate_private_key(ec.SECP256R1())

Body = Callable[[str], bytes]
"""(the ID token of the sign-in) -> the body of a response"""


class _Provider:
    """A provider that responds at one path with the document of a row. `asked` has the paths of all requests."""

    def __init__(self, path: str, body: Body, head: str = "") -> None:
        self.nonce = ""
        self.asked: list[str] = []
        self.claims: Mapping[str, object] = {}
        self.key_id = "k"
        self._path = path
        self._body = body
        self._head = head

    async def respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split(" ", 2)[1]
            self.asked.append(path)
            body = self._body(self._id_token()) if path == self._path else self._usual(path)
            shown = self._head if path == self._path and self._head else f"Content-Length: {len(body)}\r\n"
            writer.write(f"HTTP/1.1 200 OK\r\n{shown}\r\n".encode() + body)
            await writer.drain()
        writer.close()

    def _usual(self, path: str) -> bytes:
        endpoints = {name: f"{_ISSUER}{place}" for name, place in _ENDPOINTS.items()}
        documents: dict[str, object] = {
            _METADATA: {"issuer": _ISSUER, "userinfo_endpoint": f"{_ISSUER}/userinfo", **endpoints},
            "/token": {"access_token": "at", "id_token": self._id_token()},
            "/keys": {"keys": [dict(ECAlgorithm.to_jwk(_KEY.public_key(), as_dict=True), kid=self.key_id)]},
            "/userinfo": {"sub": "ann"},
        }
        return json.dumps(documents[path]).encode()

    def _id_token(self) -> str:
        now = int(time.time())
        claims = {"iss": _ISSUER, "aud": "talkwire", "sub": "ann", "nonce": self.nonce, "iat": now, "exp": now + 60}
        return jwt.encode({**claims, **self.claims}, _KEY, "ES256", headers={"kid": self.key_id})


@contextlib.asynccontextmanager
async def _serving(provider: _Provider) -> AsyncIterator[None]:
    server = await asyncio.start_server(provider.respond, "127.0.0.1", _PORT)
    try:
        yield
    finally:
        server.close()


async def _sign_in(attacker: Attacker, provider: _Provider, path: str) -> None:
    """Signs in, and raises AssertionError unless the server has asked for the document at this path."""
    async with _serving(provider):
        begun = await attacker.get(_BEGIN)
        assert begun is not None
        assert begun.status == 302, begun
        lines = dict(line.split(": ", 1) for line in begun.head.split("\r\n") if ": " in line)
        headers = {name.lower(): value for name, value in lines.items()}
        query = parse_qs(urlsplit(headers["location"]).query)
        provider.nonce = query["nonce"][0]
        cookie = headers["set-cookie"].partition(";")[0]
        await attacker.get(f"{_BEGIN}/callback?code=c&state={query['state'][0]}", None, f"Cookie: {cookie}")
        assert path in provider.asked, provider.asked


async def _document(attacker: Attacker, size: int, *, path: str, start: str, unit: str, end: str = "") -> None:
    """A document that repeats `unit`. A token is in front of it where the sign-in needs one."""
    middle = unit * (size // len(unit))

    def body(id_token: str) -> bytes:
        return (start.replace("TOKEN", id_token) + middle + end).encode()

    await _sign_in(attacker, _Provider(path, body), path)


async def _chunks(attacker: Attacker, size: int, *, path: str) -> None:
    body = b"1\r\n \r\n" * size + b"0\r\n\r\n"
    await _sign_in(attacker, _Provider(path, lambda _: body, "Transfer-Encoding: chunked\r\n"), path)


async def _keys(attacker: Attacker, size: int, *, start: str, unit: str, end: str) -> None:
    """Keys that are fetched, since the ID token names an unknown one."""
    await asyncio.sleep(_KEYS_REST_S)
    body = (start + unit * (size // len(unit)) + end).encode()
    provider = _Provider("/keys", lambda _: body)
    provider.key_id = f"k{time.monotonic_ns()}"
    await _sign_in(attacker, provider, "/keys")


async def _claims(attacker: Attacker, size: int, *, claim: str, unit: str) -> None:
    provider = _Provider("", lambda _: b"")
    provider.claims = {claim: json.loads(f"[{unit * (size // len(unit))}0]")}
    await _sign_in(attacker, provider, "/token")


_MODULUS = urlsafe_b64encode(bytes([255]) * 256).rstrip(b"=").decode()
_JWK = json.dumps({"kty": "RSA", "kid": "n", "n": _MODULUS, "e": "AQAB"}) + ","
_TOKENS = '{"access_token": "at", "id_token": "TOKEN", "scope": '
_USER = '{"sub": "ann", "name": '
_RSA = '{"keys": [{"kty": "RSA", "kid": "k", "e": "AQAB", "n": "'

TABLE = [
    *(
        Largest(f"{name} of {what}", _RESPONSE, partial(_document, path=path, start=start + opened, unit=unit, end=end))
        for what, path, start in (("tokens", "/token", _TOKENS), ("a user", "/userinfo", _USER))
        for name, opened, unit, end in (
            ("lists", "[", "[],", "0]}"),
            ("objects", "[", "{},", "0]}"),
            ("nesting", "", "[", ""),
            ("digits", "", "9", "}"),
            ("a fraction", "0.", "0", "1}"),
            ("escapes", '"', "\\u0315\\u0300", '"}'),
            ("words", '"', "a ", '"}'),
            ("members", "0", ', "a": 0', "}"),
        )
    ),
    Largest("chunks of tokens", 65_000, partial(_chunks, path="/token")),
    Largest("chunks of a user", 65_000, partial(_chunks, path="/userinfo")),
    Largest("claims", _ID_TOKEN // 2, partial(_claims, claim="groups", unit="[],")),
    Largest("an audience", _ID_TOKEN // 2, partial(_claims, claim="aud", unit='"a",')),
    Largest("keys", 99 * len(_JWK), partial(_keys, start='{"keys": [', unit=_JWK, end="{}]}")),
    Largest("members of keys", _RESPONSE, partial(_keys, start='{"keys": [{"a": [', unit="[],", end="0]}]}")),
    Largest("a large key", _RESPONSE // 2, partial(_keys, start=_RSA, unit="____", end='"}]}')),
]
