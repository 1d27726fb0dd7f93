"""`docs/events.md` is up to date and has every event."""

from __future__ import annotations

from pathlib import Path

import pytest
from litestar import Router

from talkwire.api.description.counterparts import rest_counterparts
from talkwire.api.events_page import events_page
from talkwire.api.rest import described_routes
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import Dialect
from talkwire.dialects.messenger import MESSENGER
from tests.reference.test_asyncapi import socket_events

PAGE = Path(__file__).parents[2] / "docs/events.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == events_page(), "an event was changed: run make docs"


def test_every_event_is_on_the_page() -> None:
    received, _, rest = PAGE.read_text(encoding="utf-8").partition("## Events from the server")
    sent, _, _ = rest.partition("## Objects")
    assert [name for name in MESSENGER.inbound if f"**`{name}`**" not in received] == []
    of_the_chat = {packet.name for packets in MESSENGER.outbound.values() for packet in packets}
    assert [name for name in of_the_chat | socket_events(MESSENGER) if f"**`{name}`**" not in sent] == []


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_every_event_has_a_route_or_a_reason_why_there_is_none(dialect: Dialect) -> None:
    find = rest_counterparts(Router("/", route_handlers=described_routes()).routes)
    found = {name: find(dialect, inbound) for name, inbound in dialect.inbound.items()}
    assert [name for name, rest in found.items() if bool(rest.routes) is bool(rest.socket_only)] == []


def test_only_events_of_one_socket_have_no_route() -> None:
    find = rest_counterparts(Router("/", route_handlers=described_routes()).routes)
    without = {name for name, inbound in MESSENGER.inbound.items() if not find(MESSENGER, inbound).routes}
    assert without == {
        "auth:refresh",
        "call:accept",
        "call:hangup",
        "call:invite",
        "call:reject",
        "call:signal",
        "conversation:join",
        "conversation:leave",
        "ping",
        "presence:subscribe",
        "presence:unsubscribe",
    }


def test_links_point_to_sections() -> None:
    text = PAGE.read_text(encoding="utf-8")
    linked = {part.partition(")")[0] for part in text.split("](#")[1:]}
    sections = [line.removeprefix("### ").lower() for line in text.splitlines() if line.startswith("### ")]
    assert linked
    assert linked <= set(sections)
    assert len(sections) == len(set(sections)), "a link leads to one place"
