"""Settings that are lists: each form in which operators write several items works, or is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.settings.known import known_settings
from talkwire.settings.rules import SettingsError
from talkwire.settings.settings import Settings
from talkwire.settings.sources import load_settings

TWO: dict[str, tuple[str, str]] = {
    "dialects": ("crm", "talks"),
    "default_conversations": ("general", "news"),
    "origins": ("https://a.example.com", "http://localhost:*"),
    "embed_origins": ("self", "https://a.example.com"),
    "trusted_proxies": ("10.0.0.1", "2001:db8::/32"),
    "webhook_allow": ("10.0.0.0/8", "192.168.0.1"),
    "push_allow": ("10.0.0.0/8", "192.168.0.1"),
    "link_preview_allow": ("10.0.0.0/8", "192.168.0.1"),
    "rates": ("sends=20/60", "reads=1/2"),
    "ice_servers": ("stun:a.example.com:3478", "turn:me:pa%3Bss@b.example.com:3478"),
    "service_roles": ("service", "Back end"),
    "admin_roles": ("chat-admin", "Chat owner"),
    "keep_claims": ("plan", "https://example.com/plan"),
    "conversation_keys": ("orderId", "ticket number"),
    "jwt_issuer": ("https://a.example.com", "https://b.example.com/realm"),
    "jwt_audience": ("chat", "the shop"),
    "callbacks": ("connect=https://a.example.com/x", "message:send=https://a.example.com/y"),
}

SEPARATORS = {"comma": ",", "comma and blank": ", ", "line break": "\n", "CRLF": "\r\n", "empty item": ",, ,"}
OTHER_SEPARATORS = {"blank": " ", "tab": "\t", "semicolon": ";", "semicolon and blank": "; "}

NONSENSE = ("*", "", "a;b", "!", "10.0.0.*", "https://*")

VALID = {("origins", "*"), ("default_conversations", "a;b"), ("default_conversations", "!")}
"""What looks like nonsense and is none."""

NAMES_OF_ANY_FORM = {
    *("service_roles", "admin_roles", "keep_claims", "jwt_issuer", "jwt_audience", "conversation_keys"),
}


def test_the_table_has_every_list() -> None:
    assert {name for name, known in known_settings().items() if known.is_list} == set(TWO)


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS)
def test_commas_and_line_breaks_separate_the_items_of_every_list(name: str, separator: str) -> None:
    text = f" {separator.join(TWO[name])}{separator}"
    loaded = load_settings({name: text}, {}).settings
    assert set(getattr(loaded, name)) == set(TWO[name])
    given: dict[str, Any] = {name: text}
    assert getattr(Settings(**given), name) == getattr(loaded, name)


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("separator", OTHER_SEPARATORS.values(), ids=OTHER_SEPARATORS)
def test_other_separators_work_or_are_refused_by_name(name: str, separator: str) -> None:
    text = separator.join(TWO[name])
    if (
        (name in NAMES_OF_ANY_FORM and ";" in separator)
        or name == "callbacks"
        or (name == "rates" and separator.isspace())
    ):
        with pytest.raises(SettingsError, match=f"^--{name.replace('_', '-')}: "):
            load_settings({name: text}, {})
    else:
        items = {text} if name in NAMES_OF_ANY_FORM else set(TWO[name])
        assert set(getattr(load_settings({name: text}, {}).settings, name)) == items


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("item", NONSENSE)
def test_an_item_that_can_never_match_is_refused_by_name(name: str, item: str) -> None:
    if (name in NAMES_OF_ANY_FORM and item not in {"*", "", "a;b"}) or (name, item) in VALID:
        return
    given: dict[str, Any] = {name: (TWO[name][0], item)}
    with pytest.raises(SettingsError) as refusal:
        Settings(**given)
    assert {problem.name for problem in refusal.value.problems} == {name}
    assert "literal" not in str(refusal.value), "Python's own words"


@pytest.mark.parametrize("name", TWO)
def test_a_value_that_is_no_list_is_refused_by_name(name: str) -> None:
    given: dict[str, Any] = {name: [1]}
    with pytest.raises(SettingsError, match=f"{name}: must be a list of texts"):
        Settings(**given)
    given = {name: list(TWO[name])}
    assert set(getattr(Settings(**given), name)) == set(TWO[name])
