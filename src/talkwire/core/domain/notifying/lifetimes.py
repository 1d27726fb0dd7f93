"""How many notifications are kept, and for how long notifications are kept and pushed."""

from __future__ import annotations

NOTIFICATIONS_MAX = 1000
"""Number of a user's newest notifications that are kept."""

NOTIFICATIONS_KEPT_MS = 30 * 24 * 3600 * 1000
"""Age up to which notifications are kept and listed, in milliseconds."""

PUSHABLE_MS = 24 * 3600 * 1000
"""Age up to which a notification may be pushed, in milliseconds; push services are asked to keep it no longer."""

DISMISSABLE_MS = 7 * 24 * 3600 * 1000
"""Age up to which a notification that was pushed can be dismissed on the device, in milliseconds."""
