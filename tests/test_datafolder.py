from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from talkwire.datafolder import (
    DataFolderError,
    FolderInUse,
    FolderLock,
    Holder,
    find_holder,
    prepare_folder,
    reachable_url,
)
from tests.waiting import DEADLINE_S

# Another process that holds the lock until its stdin ends; with an argument it announces a server at that URL.
_HOLDER = """
import sys
from pathlib import Path
from talkwire.datafolder import FolderLock
lock = FolderLock.acquire(Path(sys.argv[1]))
if len(sys.argv) > 2:
    lock.announce(sys.argv[2])
print(lock.control_token, flush=True)
sys.stdin.read()
"""


@contextmanager
def holding(path: Path, *url: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that has the lock, and its control token."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path), *url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        token = process.stdout.readline().strip()
        try:
            yield process, token
        finally:
            process.kill()


def test_a_server_is_found_by_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert find_holder(path) is None
    with holding(path, "http://127.0.0.1:3000") as (process, token):
        assert find_holder(path) == Holder(process.pid, "http://127.0.0.1:3000", token)
        with pytest.raises(FolderInUse, match=rf"in use by the process {process.pid} at http://127") as refusal:
            FolderLock.acquire(path)
        assert token not in str(refusal.value)
        assert token not in repr(refusal.value.holder)


def test_a_killed_holder_leaves_nothing_that_holds(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with holding(path, "http://127.0.0.1:3000") as (process, _):
        process.kill()
        process.wait(DEADLINE_S)
    assert b"3000" in path.read_bytes()
    assert find_holder(path) is None
    lock = FolderLock.acquire(path, wait_s=0)
    assert msgspec.json.decode(path.read_bytes()) == {"pid": os.getpid(), "url": None, "token": None}
    lock.release()
    lock.release()
    assert path.read_bytes() == b""
    assert find_holder(path) is None


def test_only_its_owner_can_read_the_token(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = FolderLock.acquire(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(lock.control_token) >= 32
    lock.release()


def test_a_command_that_holds_the_lock_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = FolderLock.acquire(path)
    acquired: list[FolderLock] = []
    waiting = threading.Thread(target=lambda: acquired.append(FolderLock.acquire(path, DEADLINE_S)))
    waiting.start()
    first.release()
    waiting.join(DEADLINE_S)
    assert len(acquired) == 1
    acquired[0].release()


def test_a_command_that_holds_the_lock_for_long_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with holding(path) as (process, _), pytest.raises(FolderInUse, match=rf"in use by the process {process.pid}$"):
        FolderLock.acquire(path, wait_s=0)


def test_an_empty_lock_file_is_held_too(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with holding(path):
        path.write_bytes(b"")
        assert find_holder(path) == Holder(0)
        with pytest.raises(FolderInUse, match="in use by the process that holds its lock"):
            FolderLock.acquire(path, wait_s=0)


def test_a_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    prepare_folder(folder)
    prepare_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("missing/data", "there is no such folder to create data in"),
        ("file", "is not a folder"),
        ("file/data", "file: there is no such folder to create data in"),
    ],
)
def test_an_unusable_folder_is_refused(tmp_path: Path, path: str, expected: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataFolderError, match=expected):
        prepare_folder(tmp_path / path)


@pytest.mark.parametrize("path", ["missing/lock", "folder"])
def test_a_lock_that_cannot_be_opened_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataFolderError, match=r"no such folder|cannot be opened"):
        FolderLock.acquire(tmp_path / path)


@pytest.mark.parametrize(
    ("family", "host", "url"),
    [
        (socket.AF_INET, "127.0.0.1", "http://127.0.0.1:"),
        (socket.AF_INET, "0.0.0.0", "http://127.0.0.1:"),
        (socket.AF_INET6, "::", "http://[::1]:"),
    ],
)
def test_a_server_is_reached_through_loopback_when_it_listens_everywhere(
    family: socket.AddressFamily, host: str, url: str
) -> None:
    with socket.socket(family) as listening:
        try:
            listening.bind((host, 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        assert reachable_url(listening) == f"{url}{listening.getsockname()[1]}"
