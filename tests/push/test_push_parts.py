"""Parts of sending pushes: keys, sizes of texts, waiting times."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from talkwire.composition.push_sending import vapid_subject
from talkwire.core.commands.command import Command
from talkwire.core.commands.server.recovery import EnsureSecret
from talkwire.core.domain.model import Actor, Notification
from talkwire.push import push_metrics
from talkwire.push.push_content import ContentLevel, cut_text, encode_dismissal, encode_shown, shown
from talkwire.push.push_metrics import PushMetrics
from talkwire.push.refusals import REFUSAL_BODY_MAX_BYTES, ends_subscription, is_final, words_of
from talkwire.push.sender import retry_ms
from talkwire.push.vapid import (
    SIGNATURE_LIFETIME_S,
    SIGNATURE_RENEWED_S,
    VapidKey,
    VapidKeys,
    check_device_keys,
    new_private_key,
    parse_private_key,
)
from talkwire.push.web_push import CONTENT_MAX_BYTES
from talkwire.settings import Settings, SettingsError

NOTIFICATION = Notification(1, "bob", "direct", "Alice", "Hello Bob", "c", "alice", 0, message_id=1)


@pytest.mark.parametrize(
    ("level", "texts"), [("full", ("Alice", "Hello Bob")), ("sender", ("Alice", "")), ("none", ("", ""))]
)
def test_push_content_says_which_texts_a_push_has(level: ContentLevel, texts: tuple[str, str]) -> None:
    payload = shown(NOTIFICATION, 3, level)
    assert (payload.title, payload.body) == texts
    assert (payload.badge, payload.conversation_id) == (3, "c")


@pytest.mark.parametrize("letter", ["a", "ß", "\N{GRINNING FACE}", '"', "\x01"])
def test_a_push_that_is_too_large_is_cut_at_a_character(letter: str) -> None:
    long = msgspec.structs.replace(NOTIFICATION, title=letter * 5000, body=letter * 5000)
    encoded = encode_shown(shown(long, 1, "full"), CONTENT_MAX_BYTES)
    assert len(encoded) <= CONTENT_MAX_BYTES
    found = msgspec.json.decode(encoded)
    assert found["body"] == ""
    assert long.title.startswith(found["title"].removesuffix("…"))
    short = msgspec.structs.replace(NOTIFICATION, body=letter * 5000)
    body = msgspec.json.decode(encode_shown(shown(short, 1, "full"), CONTENT_MAX_BYTES))["body"]
    assert body.endswith("…")
    assert short.body.startswith(body.removesuffix("…"))


def test_a_push_that_fits_is_not_cut() -> None:
    assert msgspec.json.decode(encode_shown(shown(NOTIFICATION, 1, "full"), CONTENT_MAX_BYTES))["body"] == "Hello Bob"


def test_a_joined_emoji_is_not_cut_after_its_joiner() -> None:
    family = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"
    assert cut_text(family, len("\N{MAN}\u200d".encode()) + len("…".encode())) == "\N{MAN}…"
    assert cut_text("abc", 2) == ""


def test_a_dismissal_of_a_whole_job_fits() -> None:
    assert len(encode_dismissal([10**18] * 100, 10**6)) <= CONTENT_MAX_BYTES


@pytest.mark.parametrize(
    ("status", "words", "ends", "final"),
    [
        (410, "", True, True),
        (404, "", True, True),
        (400, '{"reason":"VapidPkHashMismatch"}', True, True),
        (401, '{"code":401,"errno":109,"message":"VAPID public key mismatch"}', True, True),
        (
            *(403, "the VAPID credentials in the authorization header do not correspond to the credentials used to"),
            *(True, True),
        ),
        (403, "the key in the authorization header does not correspond to the sender ID used to subscribe", True, True),
        (403, "MismatchSenderId", True, True),
        (400, "<TITLE>UnauthorizedRegistration</TITLE>", True, True),
        (403, "The public key doesn't match the subscription.", True, True),
        (403, "JWT signature does not match", False, True),
        (401, "", False, True),
        (403, "invalid JWT provided", False, True),
        (403, '{"reason":"BadJwtToken"}', False, True),
        (400, '{"reason":"BadWebPushTopic"}', False, True),
        (413, "key mismatch", False, True),
        (500, "VapidPkHashMismatch", False, False),
        (429, "", False, False),
        (408, "", False, False),
        (302, "", False, False),
    ],
)
def test_what_a_service_says_tells_whether_a_subscription_has_ended(
    status: int,
    words: str,
    ends: bool,  # noqa: FBT001 (each is given by name)
    final: bool,  # noqa: FBT001
) -> None:
    assert (ends_subscription(status, words), is_final(status)) == (ends, final)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", ""),
        (b'{"reason":\r\n "BadJwtToken"}\x1b[2J', '{"reason": "BadJwtToken"}[2J'),
        (b"no subscription https://push.example.com/send/dGhpcyBpcyBhIHNlY3JldA here", "no subscription … here"),
        (b"vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQi.c2ln, k=BPxx", "vapid …, k=BPxx"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"word " * 300, "word " * 40 + "…"),
        (b"said: ".ljust(REFUSAL_BODY_MAX_BYTES, b"s"), "said:"),
        (
            b'{"reason":"VapidPkHashMismatch","more":"'.ljust(REFUSAL_BODY_MAX_BYTES, b"s"),
            '{"reason":"VapidPkHashMismatch","more":"',
        ),
    ],
)
def test_the_words_of_a_service_are_one_line_without_tokens_and_addresses(body: bytes, words: str) -> None:
    assert words_of(body[:REFUSAL_BODY_MAX_BYTES]) == words


def test_a_signature_is_for_one_service_and_is_replaced_before_it_expires() -> None:
    key = VapidKey(ec.generate_private_key(ec.SECP256R1()), "mailto:operator@example.com")
    first = key.authorization("https://a.example.com", 1000)
    assert key.authorization("https://a.example.com", 1000 + SIGNATURE_LIFETIME_S - SIGNATURE_RENEWED_S) == first
    assert key.authorization("https://a.example.com", 1001 + SIGNATURE_LIFETIME_S - SIGNATURE_RENEWED_S) != first
    assert key.authorization("https://b.example.com", 1000) != first
    token = first.removeprefix("vapid t=").partition(",")[0]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims == {
        "aud": "https://a.example.com",
        "exp": 1000 + SIGNATURE_LIFETIME_S,
        "sub": "mailto:operator@example.com",
    }


async def test_a_key_is_created_once_and_kept() -> None:
    class Secrets:
        def __init__(self) -> None:
            self.stored: dict[str, str] = {}

        async def execute(self, actor: Actor, command: Command[Any]) -> Any:  # noqa: ANN401 (as any executor)
            assert isinstance(command, EnsureSecret)
            return self.stored.setdefault(command.name, command.value)

    secrets = Secrets()
    keys = [await VapidKeys(secrets, None, None).get() for _ in range(2)]
    assert keys[0].public_key == keys[1].public_key
    configured = await VapidKeys(Secrets(), new_private_key(), None).get()
    assert configured.public_key != keys[0].public_key


def test_a_private_key_may_be_pem() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    raw = urlsafe_b64encode(key.private_numbers().private_value.to_bytes(32, "big")).decode()
    assert VapidKey(parse_private_key(pem)).public_key == VapidKey(parse_private_key(raw)).public_key


def test_a_private_key_with_a_password_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")).decode()
    with pytest.raises(ValueError, match="without a password"):
        parse_private_key(pem)


@pytest.mark.parametrize(("prefix", "wrong"), [("", None), (" \n", None), ("!!!!", "auth"), ("ä", "auth")])
def test_keys_of_a_device_are_base64_and_nothing_else(prefix: str, wrong: str | None) -> None:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    p256dh = urlsafe_b64encode(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)).decode()
    assert check_device_keys(p256dh, prefix + urlsafe_b64encode(b"\xff" * 16).decode()) == wrong


@pytest.mark.parametrize(
    "settings",
    [
        {"push_content": "all"},
        {"vapid_private_key": "too-short"},
        {"vapid_private_key": "not base64 ä"},
        {"vapid_subject": "operator@example.com"},
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings(**settings)
    assert [problem.name for problem in refused.value.problems] == list(settings)


@pytest.mark.parametrize(
    ("failures", "retry_after_s", "seconds"),
    [
        *((number, None, wait_s) for number, wait_s in enumerate((5, 30, 120, 600, 1800, 3600, 7200, 18_000), start=1)),
        (9, None, 36_000),
        (50, None, 36_000),
        (1, 1.0, 5),
    ],
)
def test_the_waits_grow_and_vary_by_a_tenth(failures: int, retry_after_s: float | None, seconds: float) -> None:
    waits_s = {retry_ms(failures, retry_after_s) / 1000 for _ in range(50)}
    assert len(waits_s) > 1
    assert all(0.9 * seconds <= wait_s <= 1.1 * seconds for wait_s in waits_s)


@pytest.mark.parametrize(("asked_s", "seconds"), [(60.0, 60), (36_000.0, 36_000), (1e9, 36_000)])
def test_a_push_service_may_ask_for_more_time_within_bounds(asked_s: float, seconds: float) -> None:
    assert retry_ms(1, asked_s) == 1000 * seconds


@pytest.mark.parametrize(
    ("settings", "subject"),
    [
        ({}, None),
        ({"public_url": "https://chat.example.com"}, "https://chat.example.com"),
        ({"public_url": "http://chat.example.com"}, None),
        (
            {"public_url": "https://chat.example.com", "vapid_subject": "mailto:operator@example.com"},
            "mailto:operator@example.com",
        ),
    ],
)
def test_the_subject_is_that_of_the_settings_or_the_public_address(
    settings: dict[str, Any], subject: str | None
) -> None:
    assert vapid_subject(Settings(**settings)) == subject


def test_the_newest_errors_are_kept_until_a_push_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push_metrics, "ERRORS_KEPT", 2)
    metrics = PushMetrics()
    for subscription_id, error in (("a", "status 500"), ("b", "status 503"), ("a", "status 429"), ("c", "x" * 1000)):
        metrics.note(subscription_id, error)
    assert dict(metrics.errors) == {"a": "status 429", "c": "x" * 200}
    metrics.note("a", None)
    assert list(metrics.errors) == ["c"]
