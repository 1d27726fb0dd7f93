"""What one campaign is to be like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """Options. `seconds`: how long clients act. `gap_s`: average seconds between faults. `pace_s`: seconds that a
    client waits between two commands. `without` are kinds of faults to leave out, `only` the kinds to use; `brief`:
    faults last a few seconds only.
    """

    seed: int
    seconds: float
    folder: Path
    clients: int = 32
    gap_s: float = 9.0
    pace_s: float = 0.8
    without: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    brief: bool = False
    websocket_only: bool = False
    sabotage: str | None = None
    calm_s: float = 8.0
    """How long clients act before the first fault, for figures to compare with."""
    settles_within_s: float = 90.0
