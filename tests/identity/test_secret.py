from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from talkwire.identity.secret import load_or_create_secret


def test_a_secret_is_made_once_and_then_kept(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    secret = load_or_create_secret(folder)
    assert len(secret) == 43
    assert load_or_create_secret(folder) == secret
    assert [path.name for path in folder.iterdir()] == ["jwt-secret"]


def test_two_servers_have_two_secrets(tmp_path: Path) -> None:
    assert load_or_create_secret(tmp_path / "a") != load_or_create_secret(tmp_path / "b")


def test_only_the_owner_may_read_a_new_secret_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_or_create_secret(tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / "jwt-secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("found", "left"), [(0o644, 0o600), (0o660, 0o600), (0o400, 0o400), (0o440, 0o400)])
def test_a_secret_that_others_may_read_is_taken_from_them(tmp_path: Path, found: int, left: int) -> None:
    path = tmp_path / "jwt-secret"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    path.chmod(found)
    assert load_or_create_secret(tmp_path) == "0123456789abcdef0123456789abcdef"
    assert path.stat().st_mode & 0o777 == left


@pytest.mark.parametrize("content", ["", "\n", "short", " " * 64])
def test_a_file_with_too_little_in_it_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "jwt-secret").write_text(content)
    with pytest.raises(ValueError, match="jwt-secret holds no secret"):
        load_or_create_secret(tmp_path)


def test_servers_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)

    def start() -> str:
        barrier.wait()
        return load_or_create_secret(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        secrets = {future.result() for future in [pool.submit(start) for _ in range(8)]}
    assert len(secrets) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["jwt-secret"]
