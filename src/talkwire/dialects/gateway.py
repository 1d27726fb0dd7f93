"""The `gateway` dialect, on `/gateway`."""

from __future__ import annotations

from typing import get_args

from talkwire.core.events import Event
from talkwire.dialects.dialect import Dialect
from talkwire.dialects.replies import error, refusal

GATEWAY = Dialect(
    name="gateway",
    namespace="/gateway",
    inbound={},
    outbound={},
    silent=frozenset(get_args(Event)),
    welcome=lambda *_: None,
    refusal=refusal,
    error=error,
    goodbye=lambda *_: None,
)
