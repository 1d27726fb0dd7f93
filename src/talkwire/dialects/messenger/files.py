"""Events of the messenger dialect about the progress of uploads."""

from __future__ import annotations

from talkwire.core.domain.events import Event, UploadProgressed
from talkwire.dialects.dialect import Outbound
from talkwire.payloads.files import upload_progress_payload

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    UploadProgressed: (
        Outbound("upload:progress", upload_progress_payload, summary="More bytes of an upload of this user arrived."),
    ),
}
