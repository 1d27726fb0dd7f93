"""The exception that all calls of the client raise: `TalkwireError`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MUST_RELOAD = frozenset({"cursor_expired", "cursor_epoch"})


class TalkwireError(Exception):
    """Raised when the server refuses a request, or cannot be reached in time.

    `code` is one of the API's error codes (`forbidden`, `not_found`, `conflict`, ...). `unavailable` also means that
    the server could not be reached within the call's time (`patience_s`); the server may have executed the call then.
    """

    def __init__(self, code: str, message: str, details: Any = None, status: int | None = None) -> None:  # noqa: ANN401 (JSON)
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details = details
        """Details that the server gives beside the code, such as `{"retryAfterMs": 800}`."""
        self.status = status
        """The HTTP status, or None if there was no HTTP response."""
        self.was_repeated = False
        """Whether earlier attempts of the refused request got no answer: one of them may have been executed."""

    @property
    def must_reload(self) -> bool:
        """True if the server no longer has all events after the cursor (the position in the event log) that the call
        named.

        The application then has to load its state again, and follow the events from that state's cursor.
        """
        return self.code in MUST_RELOAD


def code_of(error: Exception) -> str:
    """Returns how an error is named where others read it, without its text: the code of a refusal, else its class."""
    return error.code if isinstance(error, TalkwireError) else type(error).__name__


def conflict_of(error: Exception | None) -> Mapping[str, Any]:
    """Returns the details of a conflict; nothing for other errors."""
    if isinstance(error, TalkwireError) and error.code == "conflict" and isinstance(error.details, dict):
        return error.details
    return {}
