"""Origins as operators write them, and the pages that they name."""

from __future__ import annotations

import pytest

from talkwire.identity.origins import OriginPolicy
from talkwire.identity.page_origins import canonical_origin


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("*", "*"),
        ("null", "null"),
        ("file://", "file://"),
        ("file:///", "file://"),
        ("HTTPS://App.Example.com/", "https://app.example.com"),
        (" https://app.example.com:443// ", "https://app.example.com"),
        ("http://app.example.com:0080", "http://app.example.com"),
        ("https://app.example.com:", "https://app.example.com"),
        ("wss://app.example.com:443", "wss://app.example.com"),
        ("https://app.example.com:8443", "https://app.example.com:8443"),
        ("https://app.example.com.", "https://app.example.com."),
        ("https://B\u00fccher.example", "https://xn--bcher-kva.example"),
        ("https://stra\u00dfe.example", "https://xn--strae-oqa.example"),
        ("https://*.b\u00fccher.example", "https://*.xn--bcher-kva.example"),
        ("http://192.168.0.10:3000", "http://192.168.0.10:3000"),
        ("http://[2001:DB8:0:0::1]:80", "http://[2001:db8::1]"),
        ("https://*.Example.com:443/", "https://*.example.com"),
        ("http://localhost:*", "http://localhost:*"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdefgh", "chrome-extension://abcdefgh"),
        ("app://.", "app://."),
    ],
)
def test_an_operator_may_write_an_origin_in_any_form(written: str, canonical: str) -> None:
    assert canonical_origin(written) == canonical
    assert canonical_origin(canonical) == canonical


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "does not begin with a scheme"),
        ("app.example.com", "does not begin with a scheme"),
        ("*.example.com", "does not begin with a scheme"),
        ("localhost:5173", "does not begin with a scheme"),
        ("https:/app.example.com", "does not begin with a scheme"),
        ("https://app.example.com/chat", "has no path"),
        ("https://app.example.com?a", "has no path"),
        ("https://app.example.com\\", "has no path"),
        ("file:///C:/app", "has no path"),
        ("https://", "host name is missing"),
        ("https://.example.com", "https://*.example.com names all subdomains"),
        ("https://a..example.com", "host name is missing or invalid"),
        ("https://exa mple.com", "host name is missing or invalid"),
        ("https://exa\u2028mple.com", "host name is missing or invalid"),
        ("https://a,b", "host name is missing or invalid"),
        ("https://*", "must be followed by a domain"),
        ("https://*.com", "must be followed by a domain"),
        ("https://app.*.example.com", "in the first part of the name"),
        ("https://*.*.example.com", "in the first part of the name"),
        ("https://a*b*.example.com", "in the first part of the name"),
        ("file://*", "only origins of http and https have wildcards"),
        (f"https://{'a' * 64}.example.com", "host name is missing or invalid"),
        ("http://127.1:3000", "four numbers"),
        ("http://2130706433", "four numbers"),
        ("http://0x7f.1", "four numbers"),
        ("http://256.0.0.1", "four numbers"),
        ("https://*.0.0.1", "four numbers"),
        ("https://[::g]", "IPv6 address is invalid"),
        ("https://::1", "host is invalid"),
        ("http://localhost:x", "a number from 1 to 65535, or * for any port"),
        ("http://localhost:0", "a number from 1 to 65535"),
        ("http://localhost:65536", "a number from 1 to 65535"),
        ("http://localhost:5*", "a number from 1 to 65535"),
    ],
)
def test_what_no_page_has_as_its_origin_is_refused_with_the_reason(written: str, reason: str) -> None:
    with pytest.raises(ValueError, match="is not an origin such as https://app") as refusal:
        canonical_origin(written)
    assert reason in str(refusal.value)


def test_an_error_does_not_show_a_password() -> None:
    with pytest.raises(ValueError, match="neither a user name nor a password") as refusal:
        canonical_origin("https://me:hidden@app.example.com")
    assert "hidden" not in str(refusal.value)


@pytest.mark.parametrize(
    ("named", "allowed", "refused"),
    [
        (
            "https://*.example.com",
            ["https://a.example.com", "https://A.b.Example.com:443", "https://xn--bcher-kva.example.com"],
            ["https://example.com", "http://a.example.com", "https://a.example.com:8443", "https://aexample.com",
             "https://a.example.com.evil.test", "https://evil.test/.example.com", "https://.example.com",
             "https://evil.test?.example.com", "https://a@b.example.com", "https://a.exampleXcom"],
        ),
        (
            "https://app-*-team.vercel.app",
            ["https://app-git-x-team.vercel.app"],
            ["https://app-team.vercel.app", "https://app-a.evil.b-team.vercel.app", "https://app-x-team.vercel.app.evil.test"],
        ),
        (
            "http://localhost:*",
            ["http://localhost", "http://localhost:5173", "http://LOCALHOST:80"],
            ["https://localhost:5173", "http://localhost.evil.test", "http://localhost:1.evil.test", "http://localhost:99999"],
        ),
        ("http://[::1]:*", ["http://[::1]:3000", "http://[::1]"], ["http://[::2]:3000"]),
        ("http://*.localhost:*", ["http://a.localhost:8080"], ["http://localhost:8080"]),
        ("https://App.example.com:443/", ["https://app.example.com"], ["https://app.example.com:444", "null"]),
        ("null", ["null"], ["file://", "https://null", "NULL"]),
        ("file://", ["file://"], ["null", "file://host", "https://file"]),
        ("capacitor://localhost", ["capacitor://localhost"], ["ionic://localhost", "http://localhost"]),
        ("wss://device.example.com", ["wss://device.example.com", "wss://device.example.com:443"], ["https://device.example.com"]),
    ],
)  # fmt: skip
def test_named_origins_allow_their_pages_and_no_others(named: str, allowed: list[str], refused: list[str]) -> None:
    policy = OriginPolicy([named, "https://other.example"])
    assert [origin for origin in allowed if not policy.allows(origin, "chat.example")] == []
    assert [origin for origin in refused if policy.allows(origin, "chat.example")] == []
