"""Decides whether the writer waits for further commands before it begins a batch. Without I/O.

Clients that wait for an answer before they send again come back together: after a batch of n commands, n commands
follow within the time that the answers and the next requests take. A batch of all of them costs one commit, and each
receiver gets its messages in one packet. Without waiting, the first turn of the event loop would take the few commands
that have arrived, the rest would follow a commit later, and the two halves would stay apart.
"""

from __future__ import annotations

from math import inf

BATCH_GATHER_FROM = 8
"""Smallest batch after which the next one waits, in commands. So a command that is alone never waits."""

BATCH_GATHER_S = 0.002
"""Longest time that a batch waits for further commands, in seconds."""

COME_BACK_S = 0.05
"""Seconds after a batch within which as many commands are expected again."""


class Gathering:
    """Decides how long the writer waits for further commands before it begins a batch: not at all, or up to
    BATCH_GATHER_S (0.002) seconds while fewer commands are queued than the last batch had, if that one had at least
    BATCH_GATHER_FROM (8)."""

    def __init__(self) -> None:
        self._expected = 0
        self._until_s = -inf

    def began(self, commands: int) -> None:
        """Records that a batch of `commands` commands begins. The next batch then waits for the same number of
        commands, or does not wait if there are fewer than BATCH_GATHER_FROM (8)."""
        self._expected = commands if commands >= BATCH_GATHER_FROM else 0

    def ended(self, now_s: float) -> None:
        """Records that the batch has ended and its commands get their results, at `now_s` (seconds on the event loop's
        clock). For COME_BACK_S (0.05) seconds from then on, clients are expected to send as many commands again."""
        self._until_s = now_s + COME_BACK_S

    def wait_s(self, waiting: int, now_s: float) -> float:
        """Returns how many seconds the next batch waits for further commands, 0 for not at all. `waiting` is the number
        of commands that are queued already, `now_s` the time in seconds on the event loop's clock."""
        return BATCH_GATHER_S if waiting < self._expected and now_s < self._until_s else 0.0
