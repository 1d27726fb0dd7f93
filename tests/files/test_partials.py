"""How far an upload is, and that one request at a time works on it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from talkwire.files.partials import Partials
from talkwire.files.tus import TusRefusal
from tests.files.threads import until_threads_are_done

ID = "0123456789abcdef"

HOLDER = """
import sys
from pathlib import Path
from talkwire.files.partials import Partials
partial = Partials(Path(sys.argv[1])).open(sys.argv[2])
partial.append(b"12345")
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def partials(tmp_path: Path) -> Partials:
    partials = Partials(tmp_path / "uploads")
    partials.prepare()
    return partials


def test_an_upload_is_as_far_as_its_file_is_long(partials: Partials) -> None:
    assert partials.offset(ID) == 0
    partial = partials.open(ID)
    partial.append(b"hello ")
    partial.append(bytearray(b"world"))
    assert (partial.offset, partials.offset(ID)) == (11, 11)
    assert partial.head(5) == b"hello"
    partial.cut(6)
    partial.append(b"again")
    partial.close()
    assert partial.path.read_bytes() == b"hello again"
    assert partials.ids() == {ID}


def test_a_second_request_is_refused_until_the_first_has_ended(partials: Partials) -> None:
    first = partials.open(ID)
    with pytest.raises(TusRefusal) as refused:
        partials.open(ID)
    assert refused.value.status == 423
    first.close()
    partials.open(ID).close()


def test_another_process_is_refused_until_this_one_is_killed(partials: Partials) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLDER,
            str(partials.folder),
            ID,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"taken\n"
        with pytest.raises(TusRefusal):
            partials.open(ID)
        holder.kill()
    partial = partials.open(ID)
    assert partial.offset == 5
    partial.close()


def test_a_request_that_waited_for_a_removed_upload_gets_a_new_one(
    partials: Partials, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = partials.open(ID)
    first.append(b"12345")
    opened = os.open

    def remove_in_between(path: Path, flags: int, mode: int) -> int:
        monkeypatch.setattr(os, "open", opened)
        descriptor = opened(path, flags, mode)
        first.remove()
        first.close()
        return descriptor

    monkeypatch.setattr(os, "open", remove_in_between)
    second = partials.open(ID)
    assert second.offset == 0
    assert partials.offset(ID) == 0
    second.append(b"1")
    assert partials.offset(ID) == 1
    second.close()


def test_everything_of_an_upload_goes_with_it(partials: Partials) -> None:
    partial, other = partials.open(ID), partials.open("other")
    for name in ("picture", "thumbnail", "large"):
        partial.sibling(name).write_bytes(b"x")
    partial.remove()
    assert partials.ids() == {"other"}
    partial.close()
    other.close()


def test_temporary_bytes_count_only_after_they_are_appended(partials: Partials) -> None:
    partial = partials.open(ID)
    partial.append(b"1")
    with partial.temporary_file() as temporary:
        temporary.append(b"23")
        assert partial.offset == 1
        partial.append_file(temporary.path)
    assert partial.path.read_bytes() == b"123"
    assert not temporary.path.exists()
    partial.close()


def test_a_closed_partial_takes_no_bytes(partials: Partials) -> None:
    partial = partials.open(ID)
    partial.close()
    with pytest.raises(OSError, match="upload was closed"):
        partial.append(b"x")
    assert partials.offset(ID) == 0


async def test_a_cancelled_request_releases_what_its_thread_opens(partials: Partials) -> None:
    for number in range(50):
        taking = asyncio.create_task(asyncio.to_thread(partials.open, f"{number}"))
        await asyncio.sleep(0)
        taking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await taking
    await until_threads_are_done()
    for number in range(50):
        partials.open(f"{number}").close()
