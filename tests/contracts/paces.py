"""The pace of followers in tests."""

from __future__ import annotations

from collections.abc import Callable

from talkwire.storage.followers.pace import Pace


class Restless(Pace):
    """Lets a follower go on at once, busy or not as the test says and whatever the machine does. How long a follower
    rests is tested in `storage/test_pace.py`: up to two hundred times as long as it has worked.
    """

    def __init__(self, busy: Callable[[], bool] = lambda: False) -> None:
        super().__init__(busy, gather_s=0, retry_s=0, cpu_s=lambda: 0.0)

    def rest_s(self, spent_s: float, lag_s: float, *, is_last: bool) -> float:
        super().rest_s(spent_s, lag_s, is_last=is_last)
        return 0.0
