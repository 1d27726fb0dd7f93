"""Events of the messenger dialect for calls."""

from __future__ import annotations

from talkwire.core.domain.events import CallRecorded
from talkwire.dialects.calls import CallNames, calls_inbound, calls_outbound
from talkwire.dialects.dialect import Outbound
from talkwire.payloads.calls import recorded_call_payload

_NAMES = CallNames("call:invite", "call:accept", "call:reject", "call:signal", "call:hangup", "call:ended")

INBOUND = calls_inbound(_NAMES)

OUTBOUND = calls_outbound(_NAMES) | {
    CallRecorded: (
        Outbound(
            "call:recorded", recorded_call_payload, summary="A call ended, and the conversation keeps a record of it."
        ),
    ),
}
