"""How much one page of a list has at most."""

from __future__ import annotations

PAGE_MAX = 100
"""Items on a page."""

PAGE_MAX_BYTES = 256 * 1024
"""Bytes of JSON on a page of messages or events."""
