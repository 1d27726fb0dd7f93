"""The bytes that a range request receives."""

from __future__ import annotations

import pytest

from talkwire.files.ranges import Unsatisfiable, part_of


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-4", (2, 5)),
        ("bytes=8-", (8, 10)),
        ("bytes=8-99", (8, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes= 1 - 2", (1, 3)),
    ],
)
def test_one_part_is_found(header: str, part: tuple[int, int]) -> None:
    assert part_of(header, 10) == part


@pytest.mark.parametrize(
    "header", [None, "", "bytes=-", "bytes=4-2", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", "bytes"]
)
def test_anything_else_is_the_whole(header: str | None) -> None:
    assert part_of(header, 10) is None


@pytest.mark.parametrize(
    ("header", "total"), [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_a_part_that_is_not_there_is_refused(header: str, total: int) -> None:
    with pytest.raises(Unsatisfiable):
        part_of(header, total)
