"""A clone may lie in a folder with any name."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = "Zoë's #1 (100% [x]) & co?"
INSTALLED = ("web", "clients/javascript")
"""Folders with packages of Node."""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yields a clone with all packages of Node and without anything that was built of it."""
    tree = tmp_path_factory.mktemp("clone") / FOLDER
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in tracked.split("\0"):
        if name.startswith(("Makefile", "web/", "clients/", "src/talkwire/", "tools/")) and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    for folder in INSTALLED:
        modules = f"{folder}/node_modules"
        shutil.copytree(ROOT / modules, tree / modules, symlinks=True, copy_function=link)
        (tree / modules / ".lock-installed").touch()
        (tree / modules / ".built").unlink(missing_ok=True)
    yield tree
    shutil.rmtree(tree)  # half a gigabyte


def link(source: str, target: str) -> None:
    """Links a file, or copies it into another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _run(folder: Path, *command: str) -> None:
    ended = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_web_client_is_built(clone: Path) -> None:
    _run(clone, "make", "src/talkwire/web/index.html")
    built = clone / "src" / "talkwire" / "web"
    own = ROOT / "src" / "talkwire" / "web"
    assert {path.name for path in built.rglob("*.js")} == {path.name for path in own.rglob("*.js")}


def test_the_packages_are_built_and_tests_find_their_sources(clone: Path) -> None:
    _run(clone, "make", "clients/javascript/node_modules/.built")
    for folder, test in (
        ("clients/javascript/client", "size"),
        ("clients/javascript/react", "hooks"),
        ("web", "worker.test"),
    ):
        _run(clone, "sh", "tools/in_plain_path.sh", folder, "npm", "test", "--silent", "--", test)
