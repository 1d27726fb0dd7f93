"""Limits of one page of a list."""

from __future__ import annotations

PAGE_MAX = 100
"""Maximum number of items on a page."""

PAGE_MAX_BYTES = 256 * 1024
"""Maximum size of a page of messages or events, in bytes of JSON."""
