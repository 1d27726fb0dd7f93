"""The web pages that may connect to a server, and the host names that it serves."""

from __future__ import annotations

from collections import defaultdict

import pytest
from structlog.testing import capture_logs

from talkwire.identity.origins import OriginPolicy
from talkwire.observability import refusals
from talkwire.observability.log_rate_limit import LogRateLimit


@pytest.mark.parametrize(
    ("origin", "over_tls", "allowed"),
    [
        ("https://chat.example", True, True),
        ("http://chat.example", True, False),
        ("http://chat.example", False, True),
        ("https://chat.example", False, True),
        ("https://evil.example", True, False),
        (None, True, True),
    ],
)
def test_a_page_that_came_unencrypted_is_not_of_an_encrypted_site(
    origin: str | None, *, over_tls: bool, allowed: bool
) -> None:
    assert OriginPolicy().allows(origin, "chat.example", over_tls=over_tls) is allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://127.0.0.1:5173", True),
        ("http://localhost", True),
        ("http://127.0.0.1:80.evil.example", False),
        ("http://127.0.0.1:0", False),
        ("http://evil.example@127.0.0.1", False),
        ("http://127.0.0.1.evil.example", False),
    ],
)
def test_pages_of_this_machine_may_connect_to_a_server_of_this_machine(origin: str, *, allowed: bool) -> None:
    assert OriginPolicy().allows(origin, "127.0.0.1:3000") is allowed


@pytest.mark.parametrize("named", ["http://chat.example", "http://*.chat.example"])
def test_origins_that_are_named_count_as_they_are(named: str) -> None:
    origin = named.replace("*", "a")
    assert OriginPolicy([named]).allows(origin, origin.removeprefix("http://"), over_tls=True)


@pytest.mark.parametrize(
    ("origin", "host", "over_tls", "allowed"),
    [
        ("https://app.example", "chat.example", True, True),
        ("https://chat.example", "chat.example", True, True),
        ("https://Chat.example", "chat.EXAMPLE", False, True),
        ("http://chat.example", "chat.example", True, False),
        ("https://chat.example:8443", "chat.example:8443", False, True),
        ("https://chat.example:8443", "chat.example", False, False),
        ("https://evil.example", "chat.example", False, False),
        ("http://localhost:5173", "localhost:3000", False, False),
        ("null", "chat.example", False, False),
        ("", "", False, False),
    ],
)
def test_the_servers_own_pages_may_connect_whatever_origins_are_named(
    origin: str, host: str, *, over_tls: bool, allowed: bool
) -> None:
    assert OriginPolicy(["https://app.example"]).allows(origin, host, over_tls=over_tls) is allowed


@pytest.mark.parametrize(
    ("origin", "host", "over_tls", "allowed"),
    [
        ("https://chat.example", "chat.example:443", True, True),
        ("https://chat.example:443", "chat.example", True, True),
        ("https://Chat.example:443", "chat.EXAMPLE:443", False, True),
        ("http://chat.example", "chat.example:80", False, True),
        ("http://chat.example:80", "chat.example", False, True),
        ("https://chat.example", "chat.example:80", True, True),
        ("wss://chat.example", "chat.example:443", True, True),
        ("https://[2001:db8::1]", "[2001:db8::1]:443", True, True),
        ("http://[2001:db8::1]:8080", "[2001:DB8::1]:8080", False, True),
        ("http://chat.example", "chat.example:443", False, False),
        ("http://chat.example", "chat.example:80", True, False),
        ("https://chat.example:8443", "chat.example:443", True, False),
        ("https://chat.example", "chat.example:8443", True, False),
        ("https://chat.example", "chat.example:4430", True, False),
        ("https://chat.example", "evil.example:443", True, False),
        ("https://chat.example", "chat.example:443:443", True, False),
        ("https://evil@chat.example", "chat.example:443", True, False),
        ("file://", "", False, False),
        ("file://", ":443", False, False),
    ],
)
def test_a_page_of_the_same_host_is_the_servers_own_whether_the_default_port_is_written_or_not(
    origin: str, host: str, *, over_tls: bool, allowed: bool
) -> None:
    assert OriginPolicy(["https://app.example"]).allows(origin, host, over_tls=over_tls) is allowed
    assert OriginPolicy().allows(origin, host, over_tls=over_tls) is allowed


@pytest.mark.parametrize(
    ("named", "origin", "trusted"),
    [
        (["https://app.example"], "https://app.example", True),
        (["https://*.app.example"], "https://a.app.example", True),
        ([], "https://chat.example", True),
        ([], None, True),
        (["capacitor://localhost"], "capacitor://localhost", True),
        (["*"], "https://app.example", False),
        (["*"], None, False),
        (["null"], "null", False),
        (["file://"], "file://", False),
    ],
)
def test_cookies_count_only_from_pages_of_a_named_host(named: list[str], origin: str | None, *, trusted: bool) -> None:
    policy = OriginPolicy(named)
    assert policy.allows(origin, "chat.example")
    assert policy.trusts_cookies(origin) is trusted
    headers = policy.response_headers(origin)
    assert ("access-control-allow-credentials" in headers) is (trusted and origin is not None)


def test_refused_pages_are_logged_with_the_setting_that_would_let_them_in(monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests before this one may have left out lines.
    monkeypatch.setattr(refusals, "_limits", defaultdict(LogRateLimit))
    policy = OriginPolicy(["https://app.example"])
    with capture_logs() as lines:
        policy.log_refusal("https://shop.example", "chat.example", "192.0.2.1")
        policy.log_refusal("null", "chat.example", "192.0.2.1")
        for _ in range(100):
            policy.log_refusal(f"https://{'long' * 100}.example", "chat.example", "192.0.2.1")
    assert lines[0] == {
        "log_level": "warning",
        "event": "connection_refused",
        "reason": "origin",
        "origin": "https://shop.example",
        "host": "chat.example",
        "address": "192.0.2.1",
        "setting": 'origins = ["https://shop.example"]',
    }
    assert lines[1]["setting"] == 'origins = ["null"]'
    assert len(lines) < 22
    assert all(len(line["origin"]) <= 200 for line in lines)


LOOPBACK_NAMES = [
    *("localhost", "LOCALHOST:3000", "localhost.:3000", "app.localhost:3000", "127.0.0.1:3000", "127.9.9.9", "[::1]:3"),
    "",
]


@pytest.mark.parametrize("host", LOOPBACK_NAMES)
def test_names_of_this_machine_are_served_during_development(host: str) -> None:
    assert OriginPolicy(loopback_only=True).serves(host)


@pytest.mark.parametrize(
    "host",
    ["evil.example:3000", "localhost.evil.example", "evillocalhost", "10.0.0.1", "0.0.0.0", "[::]:3000", "[", "1@evil"],
)
def test_other_names_are_not_served_during_development(host: str) -> None:
    assert not OriginPolicy(loopback_only=True).serves(host)
    assert OriginPolicy().serves(host)
