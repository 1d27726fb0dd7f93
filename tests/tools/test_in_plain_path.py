"""Vite and Vitest run where they can read the path, and what they build lands in the clone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "in_plain_path.sh"
READ_BY_VITE = "it's (1) [x] {a,b} & co; $HOME ü *!"
NOT_READ = ["a#b", "what?", "100%", "a%20b", "a\\b", "#1 100% ü?"]


def _clone(folder: Path) -> Path:
    for name in ("web/src", "web/node_modules/.bin", "clients/javascript/client", "src/talkwire", "tools"):
        (folder / name).mkdir(parents=True)
    shutil.copy(SCRIPT, folder / "tools")
    (folder / "clients" / "javascript" / "client" / "index.ts").write_text("1")
    (folder / "web" / "node_modules" / ".bin" / "client").symlink_to("../../../clients/javascript/client")
    return folder


def _run(clone: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "tools/in_plain_path.sh", "web", "sh", "-c", command],
        cwd=clone,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_path_that_vite_reads_is_not_left(tmp_path: Path) -> None:
    clone = _clone(tmp_path / READ_BY_VITE)
    assert _run(clone, "pwd -P").stdout == f"{clone}/web\n"


@pytest.mark.parametrize("name", NOT_READ)
def test_a_command_runs_in_a_path_that_vite_reads_and_builds_into_the_clone(tmp_path: Path, name: str) -> None:
    clone = _clone(tmp_path / name)
    build = "pwd -P; cat node_modules/.bin/client/index.ts ../clients/javascript/client/index.ts >../src/talkwire/built"
    done = _run(clone, build)
    folder = Path(done.stdout.strip())
    assert (done.stderr, folder.name) == ("", "web")
    assert not set("#?%\\") & set(str(folder))
    assert (clone / "src" / "talkwire" / "built").read_text() == "11"
    assert not folder.parent.exists()


def test_a_link_to_a_clone_hides_nothing_of_its_path(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(_clone(tmp_path / "a#b"))
    assert "#" not in _run(link, "pwd -P", PWD=str(link)).stdout


def test_files_are_copied_where_they_cannot_be_linked(tmp_path: Path) -> None:
    clone = _clone(tmp_path / "a#b")
    copier = tmp_path / "programs" / "cp"
    copier.parent.mkdir()
    copier.write_text(f'#!/bin/sh\ncase $1 in -al) mkdir "$3/$2"; exit 1 ;; esac\nexec {shutil.which("cp")} "$@"\n')
    copier.chmod(0o755)
    done = _run(clone, "cat node_modules/.bin/client/index.ts", PATH=f"{copier.parent}:{os.environ['PATH']}")
    assert (done.stdout, done.stderr) == ("1", "")


def test_the_result_of_the_command_is_that_of_the_script(tmp_path: Path) -> None:
    assert _run(_clone(tmp_path / "a#b"), "exit 7").returncode == 7


def test_a_folder_of_temporary_files_that_vite_cannot_read_is_named(tmp_path: Path) -> None:
    clone = _clone(tmp_path / "a#b")
    done = _run(clone, "pwd", TMPDIR=str(clone))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{clone}, has one of them" in done.stderr
    assert "TMPDIR=/tmp" in done.stderr
    assert not list(clone.glob("tmp*"))
