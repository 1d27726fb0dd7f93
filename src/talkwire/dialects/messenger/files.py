"""How an upload is getting on."""

from __future__ import annotations

from talkwire.core.events import Event, UploadProgressed
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.payloads.payload import Payload


class UploadProgressPayload(Payload, frozen=True, omit_defaults=False):
    """`received` of `size` bytes are here."""

    upload_id: str
    received: int
    size: int


def _progress(event: UploadProgressed) -> UploadProgressPayload:
    return UploadProgressPayload(event.upload_id, event.received, event.size)


OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    UploadProgressed: (Outbound("upload:progress", _progress, summary="How much of the user's own upload is here."),),
}
