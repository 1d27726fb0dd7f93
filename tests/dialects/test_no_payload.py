"""Events without a payload, and with `null`, which clients send for JavaScript's `undefined`."""

from __future__ import annotations

import msgspec
import pytest

from talkwire.core.domain.errors import ChatError
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import AnyJson, Inbound

EVENTS = [(name, event, inbound) for name, each in DIALECTS.items() for event, inbound in each.inbound.items()]


def outcome(inbound: Inbound, raw: object) -> tuple[msgspec.Struct | None, str]:
    try:
        return inbound.payload_of(raw), ""
    except ChatError as error:
        return None, error.message


@pytest.mark.parametrize(("dialect", "event", "inbound"), EVENTS, ids=[f"{name}-{event}" for name, event, _ in EVENTS])
def test_null_is_no_payload_in_every_event_of_every_dialect(dialect: str, event: str, inbound: Inbound) -> None:
    if inbound.payload is None or inbound.payload is AnyJson:
        assert inbound.payload_of(None) == (None if inbound.payload is None else AnyJson())
        return
    assert outcome(inbound, None) == outcome(inbound, {})
    for raw, sign in (("{}", "not a text"), ([], "a JSON object"), (b"{}", "a JSON object"), (1, "a JSON object")):
        assert sign in outcome(inbound, raw)[1], (dialect, event, raw)
