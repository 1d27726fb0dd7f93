"""How many notifications are kept, and for how long notifications are kept and pushed."""

from __future__ import annotations

NOTIFICATIONS_MAX = 1000
"""The number of a user's newest notifications that are kept."""

NOTIFICATIONS_KEPT_MS = 30 * 24 * 3600 * 1000
"""The age in milliseconds up to which notifications are kept and listed."""

PUSHABLE_MS = 24 * 3600 * 1000
"""The age in milliseconds up to which a notification may be pushed; push services are asked to keep it no longer."""

DISMISSABLE_MS = 7 * 24 * 3600 * 1000
"""The age in milliseconds up to which a notification that was pushed can be dismissed on the device."""
