"""A provider whose answers are not what they should be: nobody is signed in by them, and no answer is an error here."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import re
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from talkwire.core.commands.accounts import Device, OpenProviderLogin
from talkwire.core.domain.errors import ChatError
from talkwire.core.engine.limits import Limits, parse_rates
from talkwire.core.features.users.provider_logins import check_open
from talkwire.egress import EgressClient
from talkwire.identity.accounts import Accounts, Lifetimes
from talkwire.identity.signatures import ALGORITHMS_TEXT, ASYMMETRIC_ALGORITHMS
from talkwire.openid.documents import ProviderDocuments
from talkwire.openid.pending import Destination, PendingSignIn, SignInSeal
from talkwire.openid.profile import PROFILE_CLAIMS, Claims, ProviderPerson
from talkwire.openid.provider import FAILURE_KEPT_S, OpenIdProvider
from talkwire.openid.sign_in import ProviderSignIn, SignInFailed, user_of
from tests.identity.conftest import Clock, KeyPair, egress_client
from tests.identity.private_keys import PRIVATE

PENDING = PendingSignIn("state", "nonce", "verifier" * 6, "https://chat.example.com/callback", Destination())
METADATA, KEYS, TOKEN, USER_INFO = "/.well-known/openid-configuration", "/keys", "/token", "/userinfo"
PATHS = (METADATA, KEYS, TOKEN, USER_INFO)
OK = b"HTTP/1.1 200 OK\r\n"


def _response(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines))
    return f"{head}\r\n\r\n".encode() + body


HOSTILE: Mapping[str, bytes] = {
    "nothing": b"",
    "no HTTP": bytes(range(256)) * 1000,
    "no body": _response(b""),
    "a broken head": OK + b"X: " + b"y" * 100,
    "a long head": OK + b"X: y\r\n" * 20_000 + b"\r\n{}",
    "informational responses": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000 + _response(b"{}"),
    "bytes in chunks of one": OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 65_000 + b"0\r\n\r\n",
    "a body that breaks off": OK + b"Content-Length: 100\r\n\r\n{",
    "a large body": _response(b" " * (2 << 20)),
    "a compressed body": _response(gzip.compress(bytes(100_000_000)), "Content-Encoding: gzip"),
    "another encoding": _response(b"{}", "Content-Encoding: br"),
    "a redirect": _response(b"{}", "Location: http://127.0.0.1:1/", status="302 Found"),
    "not found": _response(b"<p>", status="404 Not Found"),
    "an error": _response(b"{}", status="500 Internal Server Error"),
    "an error of OAuth": _response(b'{"error": "invalid_client"}', status="401 Unauthorized"),
    "an odd error": _response(b'{"error": ' + b"[" * 900 + b"]" * 900 + b"}", status="400 Bad Request"),
    **{
        f"the body {body[:12]!r}": _response(body)
        for body in (
            *(b"<html>", b"[]", b"null", b'"text"', b"17", b"{", b"\xff", b'{"issuer": "\xff"}', b"\xef\xbb\xbf{}"),
            *(b"[" * 100_000, b'{"a":' * 40_000, b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}", b"{}"),
            *(b"9" * 100_000, b'{"sub": 1e400}', b'{"sub": ' + b"9" * 5000 + b"}", b'{"sub": NaN}'),
            *(b'{"sub": "\\ud800"}', b'{"keys": [[]]}', b'{"id_token": []}', b'{"access_token": {}}'),
            *(b'{"id_token": "' + b"." * 100_000 + b'"}', b'{"id_token": "e30.e30.e30"}'),
        )
    },
}
ODD: tuple[object, ...] = (
    *(None, True, 5, -1, 0.5, 1e300, 10**400),
    *("", "\x00", "\r\nA: b", "x" * 70_000, [], [[]], {}, {"a": []}),
)

ODD_URLS = ("http://[", "https://a b/", "https://a:99999/", "ftp://a.example/", "//a.example", "https://a@b/")
FURTHER_MEMBERS: Mapping[str, tuple[str, ...]] = {
    METADATA: (
        *("token_endpoint_auth_methods_supported", "authorization_response_iss_parameter_supported"),
        "id_token_signing_alg_values_supported",
    ),
    KEYS: (),
    TOKEN: ("error",),
    USER_INFO: ("email_verified", "given_name", "preferred_username", "picture"),
}
COMPLETE = dict.fromkeys(PROFILE_CLAIMS)
"""Claims that make it unnecessary to ask for the user's."""


@dataclass
class Answers:
    """The provider's server: an answer for each path, the paths that were asked for, and the whole requests."""

    key: KeyPair
    issuer: str = ""
    raw: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)

    def document(self, path: str) -> dict[str, Any]:
        """Returns the document at a path as it should be."""
        match path:
            case "/.well-known/openid-configuration":
                names = {"authorization_endpoint": "/authorize", "token_endpoint": TOKEN, "jwks_uri": KEYS}
                names["userinfo_endpoint"] = USER_INFO
                return {"issuer": self.issuer} | {name: f"{self.issuer}{place}" for name, place in names.items()}
            case "/keys":
                return {"keys": [self.key.jwk("k")]}
            case "/token":
                return {"access_token": "at", "token_type": "Bearer", "id_token": self.id_token({})}
            case _:
                return {"sub": "ann", "name": "Ann", "email": "ann@example.com"}

    def id_token(self, odd: Mapping[str, object]) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "talkwire", "sub": "ann", "nonce": "nonce", "iat": now, "exp": now + 60}
        payload = json.dumps({**claims, **odd}).encode()
        return jwt.api_jws.encode(payload, self.key.private, self.key.algorithm, headers={"kid": "k"})

    def set(self, path: str, document: object) -> None:
        self.raw[path] = _response(json.dumps(document).encode())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            self.received.append(head + await reader.readexactly(int(length[1]) if length else 0))
            path = head.split(b" ", 2)[1].decode()
            self.asked.append(path)
            raw = self.raw.get(path)
            writer.write(_response(json.dumps(self.document(path)).encode()) if raw is None else raw)
            await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def http_client() -> AsyncIterator[EgressClient]:
    async with egress_client() as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def answers() -> AsyncIterator[Answers]:
    answers = Answers(KeyPair("ES256", ec.generate_private_key(ec.SECP256R1())))
    server = await asyncio.start_server(answers.serve, "127.0.0.1", 0, limit=1 << 20)
    async with server:
        answers.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield answers


async def _sign_in(answers: Answers, client: EgressClient) -> Claims | SignInFailed:
    """Returns the claims of a sign-in, as a user of this server may have them, or why it has failed."""
    provider = OpenIdProvider(answers.issuer, "talkwire", "a secret", client)
    try:
        await provider.authorization_url(PENDING)
        person = await provider.person("code", PENDING)
        user = user_of(person, answers.issuer, links_by_email=False)
    except SignInFailed as failed:
        return failed
    finally:
        await provider.aclose()
    try:
        check_open(OpenProviderLogin(user.issuer, user.subject, user.profile, "hash", 1))
    except ChatError as refused:
        return SignInFailed("unavailable", refused.code)
    return person.claims


def _odd_documents(answers: Answers) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yields (name, path, document) for each document with one odd member."""
    for path, further in FURTHER_MEMBERS.items():
        document = answers.document(path)
        for member in (*document, *further):
            for value in (*ODD, *(ODD_URLS if path == METADATA else ())):
                yield f"{path} {member} {value!r:.20}", path, {**document, member: value}
    for claim in ("iss", "aud", "sub", "nonce", "iat", "exp", "nbf", "azp", "at_hash", "auth_time", "amr", "acr"):
        for value in ODD:
            token = answers.id_token({claim: value, **COMPLETE})
            yield f"{claim} {value!r:.20}", TOKEN, {"access_token": "at", "id_token": token}


async def test_an_ordinary_answer_signs_somebody_in(answers: Answers, http_client: EgressClient) -> None:
    claims = await _sign_in(answers, http_client)
    assert not isinstance(claims, SignInFailed), claims
    assert (claims["sub"], claims["email"]) == ("ann", "ann@example.com")
    assert answers.asked == [METADATA, TOKEN, KEYS, USER_INFO]


@pytest.mark.parametrize("algorithm", sorted(ASYMMETRIC_ALGORITHMS))
async def test_a_provider_may_sign_with_every_asymmetric_algorithm(
    answers: Answers, http_client: EgressClient, algorithm: str
) -> None:
    answers.key = KeyPair(algorithm, PRIVATE[algorithm])
    digest = hashlib.new(f"sha{'512' if algorithm == 'EdDSA' else algorithm[2:]}", b"at").digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    answers.set(TOKEN, {"access_token": "at", "id_token": answers.id_token({"at_hash": half})})
    claims = await _sign_in(answers, http_client)
    assert not isinstance(claims, SignInFailed), claims


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "none"])
async def test_a_public_key_is_no_secret_of_id_tokens(
    answers: Answers, http_client: EgressClient, algorithm: str
) -> None:
    header = {"alg": algorithm, "kid": "k"}
    signed = ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (json.dumps(header).encode(), answers.id_token({}).split(".")[1].encode())
    )
    digest = hmac.digest(answers.key.pem.encode(), signed.encode(), "sha256")
    token = f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
    answers.set(TOKEN, {"access_token": "at", "id_token": token})
    failed = await _sign_in(answers, http_client)
    assert isinstance(failed, SignInFailed), failed
    assert failed.detail == f"the ID token is signed with {algorithm!r}, not with {ALGORITHMS_TEXT}"


async def test_an_odd_claim_that_is_not_used_keeps_nobody_out(answers: Answers, http_client: EgressClient) -> None:
    """Such as `amr`, which some providers send as a text."""
    for claim in ("amr", "acr", "auth_time", "groups", "address", "updated_at", "email_verified", "picture"):
        for value in ("pwd", *(odd for odd in ODD if len(str(odd)) < 1000)):  # a token is limited
            answers.set(TOKEN, {"access_token": "at", "id_token": answers.id_token({claim: value})})
            claims = await _sign_in(answers, http_client)
            assert not isinstance(claims, SignInFailed), (claim, value, claims)


@pytest.mark.parametrize("path", PATHS)
async def test_no_hostile_answer_signs_anybody_in(answers: Answers, http_client: EgressClient, path: str) -> None:
    for name, raw in HOSTILE.items():
        answers.raw[path] = raw
        failed = await _sign_in(answers, http_client)
        assert isinstance(failed, SignInFailed), (name, failed)
        assert failed.reason in {"unavailable", "invalid"}, (name, failed)


async def test_an_odd_member_of_an_answer_is_no_error_here(answers: Answers, http_client: EgressClient) -> None:
    for name, path, document in _odd_documents(answers):
        answers.raw.clear()
        answers.set(path, document)
        try:
            await _sign_in(answers, http_client)
        except Exception as error:  # with the name of the case
            raise AssertionError(name) from error


@dataclass(frozen=True)
class UserInfo:
    """What the UserInfo endpoint sends instead of JSON: a token with these claims, the body `raw`,
    or the response `whole`."""

    claims: Mapping[str, object] = field(default_factory=dict)
    signed_by: KeyPair | None = None
    raw: bytes | None = None
    kind: str = "application/jwt"
    whole: bytes | None = None

    def set(self, answers: Answers) -> None:
        default = {"iss": answers.issuer, "aud": "talkwire", "sub": "ann", "picture": "https://a.example/ann.png"}
        claims = {name: value for name, value in {**default, **self.claims}.items() if value is not None}
        key = self.signed_by or answers.key
        token = jwt.encode(claims, key.private, key.algorithm, headers={"kid": "k"})
        body = token.encode() if self.raw is None else self.raw
        answers.raw[USER_INFO] = _response(body, f"Content-Type: {self.kind}") if self.whole is None else self.whole


STRANGER = KeyPair("ES256", ec.generate_private_key(ec.SECP256R1()))
PAST = int(time.time()) - 3600
SIGNED: Mapping[str, UserInfo] = {
    "as it should be": UserInfo(),
    "for several clients": UserInfo({"aud": ["other", "talkwire"]}),
    "with parameters": UserInfo(kind="Application/JWT; charset=UTF-8"),
    "of this minute": UserInfo({"iat": PAST + 3600, "exp": PAST + 7200}),
}
FOREIGN: Mapping[str, UserInfo] = {
    "of a foreign key": UserInfo(signed_by=STRANGER),
    "of another issuer": UserInfo({"iss": "https://other.example"}),
    "of no issuer": UserInfo({"iss": None}),
    "for another client": UserInfo({"aud": "other"}),
    "for nobody": UserInfo({"aud": None}),
    "of another user": UserInfo({"sub": "ben"}),
    "of no user": UserInfo({"sub": None}),
    "expired": UserInfo({"exp": PAST}),
    "signed with a secret": UserInfo(raw=jwt.encode({"sub": "ann"}, "a secret" * 8).encode()),
    "unsigned": UserInfo(raw=jwt.encode({"sub": "ann"}, "", "none").encode()),
    "malformed": UserInfo(raw=b"a.b.c"),
    "JSON of another user": UserInfo(raw=b'{"sub": "ben"}', kind="application/json"),
}
UNUSABLE: Mapping[str, UserInfo] = {
    **{name: UserInfo(whole=HOSTILE[name]) for name in ("nothing", "no body", "a redirect", "not found", "an error")},
    "encrypted": UserInfo(raw=b"eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"),
    "an empty token": UserInfo(raw=b""),
    "JSON that is called a token": UserInfo(raw=b'{"sub": "ann"}'),
    "a token that is called JSON": UserInfo(kind="application/json"),
    "no claims": UserInfo(raw=b"{}", kind="application/json"),
    "claims without a user": UserInfo(raw=b'{"error": "internal"}', kind="application/json"),
    "a page": UserInfo(raw=b"<html>", kind="text/html"),
}


@pytest.mark.parametrize("user_info", SIGNED.values(), ids=SIGNED)
async def test_a_signed_token_of_user_info_is_verified_and_used(
    answers: Answers, http_client: EgressClient, user_info: UserInfo
) -> None:
    user_info.set(answers)
    claims = await _sign_in(answers, http_client)
    assert not isinstance(claims, SignInFailed), claims
    assert claims["picture"] == "https://a.example/ann.png"


@pytest.mark.parametrize("user_info", FOREIGN.values(), ids=FOREIGN)
async def test_a_token_of_user_info_that_is_not_for_this_sign_in_refuses_it(
    answers: Answers, http_client: EgressClient, user_info: UserInfo
) -> None:
    user_info.set(answers)
    answers.set(TOKEN, {"access_token": "at", "id_token": answers.id_token({"name": "Ann"})})
    failed = await _sign_in(answers, http_client)
    assert isinstance(failed, SignInFailed), failed
    assert failed.reason == "invalid"
    assert "UserInfo" in failed.detail


NAMED = ({"name": "Ann"}, {"family_name": "Smith"}, {"preferred_username": "ann"}, {"email": "ann@example.com"})


async def test_an_id_token_with_a_name_signs_in_without_user_info(answers: Answers, http_client: EgressClient) -> None:
    for name, user_info in UNUSABLE.items():
        user_info.set(answers)
        for named in NAMED:
            answers.set(TOKEN, {"access_token": "at", "id_token": answers.id_token(named)})
            claims = await _sign_in(answers, http_client)
            assert not isinstance(claims, SignInFailed), (name, claims)
            assert named.items() <= claims.items()


@pytest.mark.parametrize(
    ("claims", "links_by_email", "signs_in"),
    [
        ({}, False, False),
        ({"name": " ", "email": 5, "picture": "https://a.example/ann.png"}, False, False),
        ({"name": "Ann"}, False, True),
        ({"name": "Ann"}, True, False),
        ({"email": "ann@example.com"}, True, True),
    ],
)
def test_without_user_info_a_name_is_needed_and_an_address_where_it_links(
    claims: Claims,
    links_by_email: bool,  # noqa: FBT001 (given by name)
    signs_in: bool,  # noqa: FBT001
) -> None:
    person = ProviderPerson({"sub": "17", **claims}, SignInFailed("unavailable", "UserInfo: status 404"))
    with capture_logs() as lines:
        if not signs_in:
            with pytest.raises(SignInFailed, match="UserInfo: status 404"):
                user_of(person, "https://login.example.com", links_by_email=links_by_email)
            return
        assert user_of(person, "https://login.example.com", links_by_email=links_by_email).keeps_missing
    assert [(line["event"], line["error"]) for line in lines] == [
        ("user_info_not_used", "unavailable: UserInfo: status 404")
    ]


async def test_all_who_wait_share_one_request_and_its_failure_is_remembered(
    answers: Answers, http_client: EgressClient, clock: Clock
) -> None:
    provider = OpenIdProvider(answers.issuer, "talkwire", "a secret", http_client, clock=clock)

    async def begin() -> str:
        begun = await asyncio.gather(*(provider.authorization_url(PENDING) for _ in range(50)), return_exceptions=True)
        (found,) = {each.reason if isinstance(each, SignInFailed) else type(each).__name__ for each in begun}
        return str(found)

    answers.raw[METADATA] = HOSTILE["an error"]
    assert [await begin(), await begin(), len(answers.asked)] == ["unavailable", "unavailable", 1]
    answers.raw.clear()
    clock.now += FAILURE_KEPT_S - 1
    assert [await begin(), len(answers.asked)] == ["unavailable", 1]
    clock.now += 1
    assert [await begin(), await begin(), len(answers.asked)] == ["str", "str", 2]
    answers.raw[KEYS] = HOSTILE["an error"]
    for _ in range(3):
        with pytest.raises(SignInFailed, match="the provider's keys: status 500"):
            await provider.person("code", PENDING)
    assert answers.asked.count(KEYS) == 1
    answers.raw.clear()
    clock.now += FAILURE_KEPT_S
    assert (await provider.person("code", PENDING)).claims["sub"] == "ann"
    await provider.aclose()


async def test_starting_sign_ins_is_limited_by_address(answers: Answers, http_client: EgressClient) -> None:
    provider = OpenIdProvider(answers.issuer, "talkwire", "a secret", http_client)
    unused: Any = None
    accounts = Accounts(unused, unused, unused, Lifetimes(), Limits(parse_rates(["sign_ins=0.001/2"])))
    sign_in = ProviderSignIn("Team", provider, SignInSeal("secret"), accounts)
    mallory, ann = Device("192.0.2.1", "Browser"), Device("192.0.2.2", "Browser")
    for _ in range(2):
        await sign_in.begin(PENDING.redirect_uri, PENDING.destination, mallory)
    with pytest.raises(SignInFailed) as refused:
        await sign_in.begin(PENDING.redirect_uri, PENDING.destination, mallory)
    assert refused.value.reason == "rate_limited"
    await sign_in.begin(PENDING.redirect_uri, PENDING.destination, ann)
    await provider.aclose()


@pytest.mark.parametrize(
    ("algorithms", "refused"),
    [
        (None, None),
        (["RS256"], None),
        (["ES384"], None),
        (["ES256K", "EdDSA"], None),
        (["ES256K"], "ES256K"),
        (["HS256", "HS512", "none"], "HS256, HS512, none"),
        ([[], 5], None),
        ("ES384", None),
    ],
)
async def test_the_metadata_tell_whether_id_tokens_are_signed_with_an_accepted_algorithm(
    answers: Answers, http_client: EgressClient, algorithms: object, refused: str | None
) -> None:
    answers.set(METADATA, answers.document(METADATA) | {"id_token_signing_alg_values_supported": algorithms})
    metadata = await ProviderDocuments(answers.issuer, http_client).metadata()
    reason = f"it signs ID tokens with {refused}, and this server accepts {ALGORITHMS_TEXT} only"
    assert metadata.refused_algorithms == (None if refused is None else reason)


SECRETS = ("plain", "a secret", "a+b/c==", "per%41", "col:on", "p\N{LATIN SMALL LETTER A WITH DIAERESIS}ss\N{SNOWMAN}")


@pytest.mark.parametrize("methods", [None, ["client_secret_basic", "client_secret_post"], ["client_secret_post"]])
@pytest.mark.parametrize("secret", SECRETS)
async def test_any_client_id_and_secret_reach_the_provider(
    answers: Answers, http_client: EgressClient, secret: str, methods: list[str] | None
) -> None:
    """RFC 6749, section 2.3.1: both are form-encoded before they become the user name and the password of Basic."""
    if methods is not None:
        answers.set(METADATA, answers.document(METADATA) | {"token_endpoint_auth_methods_supported": methods})
    answers.set(TOKEN, {"access_token": "at", "id_token": answers.id_token({"aud": f"team:{secret}"})})
    provider = OpenIdProvider(answers.issuer, f"team:{secret}", secret, http_client)
    await provider.person("code", PENDING)
    await provider.aclose()
    head, _, body = next(each for each in answers.received if each.startswith(b"POST")).partition(b"\r\n\r\n")
    basic = re.search(rb"(?i)authorization: basic (\S+)", head)
    form = parse_qs(body.decode())
    if basic is None:
        sent = [form["client_id"][0], form["client_secret"][0]]
    else:
        sent = [unquote_plus(part) for part in b64decode(basic[1]).decode("ascii").split(":")]
    assert sent == [f"team:{secret}", secret]
    assert (basic is None) == (methods == ["client_secret_post"])
    assert ("client_secret" in form) == (basic is None)
