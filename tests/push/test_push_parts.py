"""Parts of sending pushes: keys, sizes of texts, waiting times."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from talkwire.core.commands.server.recovery import EnsureSecret
from talkwire.core.domain.model import Actor, Notification
from talkwire.push.delivery import retry_after_s
from talkwire.push.push_content import ContentLevel, cut_text, encode_dismissal, encode_shown, shown
from talkwire.push.vapid import LIFETIME_S, RENEWED_S, VapidKey, VapidKeys, new_private_key, parse_private_key
from talkwire.push.web_push import CONTENT_MAX
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
    encoded = encode_shown(shown(long, 1, "full"), CONTENT_MAX)
    assert len(encoded) <= CONTENT_MAX
    found = msgspec.json.decode(encoded)
    assert found["body"] == ""
    assert long.title.startswith(found["title"].removesuffix("…"))
    short = msgspec.structs.replace(NOTIFICATION, body=letter * 5000)
    body = msgspec.json.decode(encode_shown(shown(short, 1, "full"), CONTENT_MAX))["body"]
    assert body.endswith("…")
    assert short.body.startswith(body.removesuffix("…"))


def test_a_push_that_fits_is_not_cut() -> None:
    assert msgspec.json.decode(encode_shown(shown(NOTIFICATION, 1, "full"), CONTENT_MAX))["body"] == "Hello Bob"


def test_a_joined_emoji_is_not_cut_after_its_joiner() -> None:
    family = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"
    assert cut_text(family, len("\N{MAN}\u200d".encode()) + len("…".encode())) == "\N{MAN}…"
    assert cut_text("abc", 2) == ""


def test_a_dismissal_of_a_whole_job_fits() -> None:
    assert len(encode_dismissal([10**18] * 100, 10**6)) <= CONTENT_MAX


def test_a_signature_is_for_one_service_and_is_replaced_before_it_expires() -> None:
    key = VapidKey(ec.generate_private_key(ec.SECP256R1()), "mailto:operator@example.com")
    first = key.authorization("https://a.example.com", 1000)
    assert key.authorization("https://a.example.com", 1000 + LIFETIME_S - RENEWED_S) == first
    assert key.authorization("https://a.example.com", 1001 + LIFETIME_S - RENEWED_S) != first
    assert key.authorization("https://b.example.com", 1000) != first
    token = first.removeprefix("vapid t=").partition(",")[0]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims == {"aud": "https://a.example.com", "exp": 1000 + LIFETIME_S, "sub": "mailto:operator@example.com"}


async def test_a_key_is_created_once_and_kept() -> None:
    class Secrets:
        def __init__(self) -> None:
            self.stored: dict[str, str] = {}

        async def execute(self, actor: Actor, command: EnsureSecret) -> str:
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
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("٣", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, 100.0) == seconds
