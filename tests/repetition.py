"""How often tests repeat a check with other values: often in continuous integration, less often on a contributor's
machine.

Every check runs in both. Fewer repetitions only try fewer random values, and where no seed is fixed, other values at
each run.
"""

from __future__ import annotations

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev")
"""The profile of Hypothesis: `ci` where the variable `CI` is set, `dev` elsewhere."""

_DEV_SHARE = 4


def repetitions(thorough: int) -> int:
    """Returns how often to repeat: as often as given in continuous integration, a quarter of it elsewhere."""
    return thorough if PROFILE == "ci" else max(1, thorough // _DEV_SHARE)
