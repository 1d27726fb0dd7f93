"""Shards of the gate's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import kinds
from tests.kinds import Shard

FILES = sorted(path for path in kinds.TESTS.rglob("test_*") if path.suffix in {".py", ".mjs"} and path.is_file())
COUNT = 5


def test_each_test_file_is_in_one_shard_or_in_all() -> None:
    shards = [Shard(number, COUNT) for number in range(1, COUNT + 1)]
    in_shards = {path: sum(not shard.leaves_out(path) for shard in shards) for path in FILES}
    assert set(in_shards.values()) == {1, COUNT}
    assert in_shards[kinds.TESTS / "core" / "test_access.py"] == COUNT


def test_no_shard_has_most_of_the_files() -> None:
    own = [path for path in FILES if Shard(1, COUNT).leaves_out(path) or Shard(2, COUNT).leaves_out(path)]
    sizes = [sum(not Shard(number, COUNT).leaves_out(path) for path in own) for number in range(1, COUNT + 1)]
    assert max(sizes) < 2 * min(sizes)


def test_folders_and_other_files_are_in_every_shard() -> None:
    others = (kinds.TESTS / "chat", kinds.TESTS / "chat" / "conftest.py", Path("elsewhere") / "conftest.py")
    assert not any(Shard(number, COUNT).leaves_out(path) for path in others for number in range(1, COUNT + 1))


def test_each_place_of_every_shard_exists() -> None:
    assert [place for place in kinds.EACH_SHARD if not (kinds.TESTS / place).exists()] == []


def test_a_shard_is_a_number_and_a_count() -> None:
    assert Shard.parse("2/5") == (2, 5)
    assert Shard.parse("1/1") == (1, 1)


@pytest.mark.parametrize(
    "text", ["", "2", "0/5", "6/5", "2/0", "-1/5", "2/5/7", "a/b", " 2/5", "²/5", "1" * 5000 + "/5"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="which one of how many, such as 2/5"):
        Shard.parse(text)
