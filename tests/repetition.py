"""How often tests repeat a check with other values: often every night, less often everywhere else.

Every check runs in both. Fewer repetitions only try fewer random values. Continuous integration tries the same values
at each run, so that a change fails only because of what it changes; elsewhere, and every night, they are new ones where
no seed is fixed.
"""

from __future__ import annotations

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "usual")
"""The profile of Hypothesis: `thorough` for many repetitions, `usual` otherwise."""

SAME_VALUES = "CI" in os.environ and PROFILE == "usual"
"""Whether Hypothesis derives its values from the tests instead of choosing them at random."""

_USUAL_SHARE = 4


def repetitions(thorough: int, usual: int | None = None) -> int:
    """Returns how often to repeat: as often as given in the profile `thorough`, otherwise `usual` times or a quarter
    as often."""
    if PROFILE == "thorough":
        return thorough
    return max(1, thorough // _USUAL_SHARE) if usual is None else usual
