"""How often tests repeat a check with other values: often in `make everything`, less often in the gate.

Every check runs in both. The gate tries the same values at each run and on every machine, so that a change fails only
because of what it changes. `make everything` tries new ones, and prints the seed that repeats them.
"""

from __future__ import annotations

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "usual")
"""The profile of Hypothesis: `thorough` for many repetitions, `usual` otherwise."""

_USUAL_SHARE = 8


def repetitions(thorough: int, usual: int | None = None) -> int:
    """Returns how often to repeat: as often as given in the profile `thorough`, otherwise `usual` times or an eighth
    as often."""
    if PROFILE == "thorough":
        return thorough
    return max(1, thorough // _USUAL_SHARE) if usual is None else usual


def torture_seed() -> int:
    """Returns the seed of this run of `make everything`, which prints it, and always the same one otherwise."""
    return int(os.environ.get("PYTHONHASHSEED", "0")) if PROFILE == "thorough" else 7
