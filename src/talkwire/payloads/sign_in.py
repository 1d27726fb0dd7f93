"""The acknowledgement of the event with which a client renews its socket's sign-in with a newer token; all dialects
(client applications' vocabularies) share it."""

from __future__ import annotations

from talkwire.payloads.replies import Reply


class RenewedReply(Reply, frozen=True, kw_only=True, rename="camel"):
    """The acknowledgement of a renewed sign-in: when the new token expires; null if it does not expire."""

    expires_at: str | None
