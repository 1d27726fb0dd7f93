"""Before anything is installed, `make` says what of the machine keeps the web client from being built."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TARGETS = ("run", "install", "check", "test", "everything", "packages", "web-check", "clients-check")
PACKAGES = ("client", "react", "embed")
LOCKS = ("web/package-lock.json", "clients/javascript/package-lock.json")


def _machine(folder: Path, *, node: str | None = "v24.1.0", npm: bool = True) -> Path:
    """Returns a folder with the programs of a machine, for PATH."""
    programs = folder / "programs"
    programs.mkdir()
    for name, version in (("node", node), ("npm", "11.0.0" if npm else None)):
        if version is not None:
            (programs / name).write_text(f"#!/bin/sh\necho {version}\n")
            (programs / name).chmod(0o755)
    for name in ("make", "sh", "getconf", "find"):
        program = shutil.which(name)
        assert program is not None, name
        (programs / name).symlink_to(program)
    return programs


def _make(tree: Path, programs: Path, target: str) -> tuple[int, str]:
    """Returns the exit code of a target and what it printed, in a tree in which nothing is installed."""
    for name in ("Makefile", "tools/check_node.sh", *LOCKS):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tree / name)
    for name in ("web/src", "web/worker", "web/public", *(f"clients/javascript/{each}/src" for each in PACKAGES)):
        (tree / name).mkdir(parents=True)
    done = subprocess.run(
        ["make", target, "PYTHON=false"],
        cwd=tree,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "version", ["v0.12.18", "v9.99.0", "v18.19.0", "v20.18.3", "v21.7.3", "v22.11.0", None, "broken"]
)
def test_a_node_that_is_too_old_or_missing_is_named(tmp_path: Path, version: str | None) -> None:
    code, printed = _make(tmp_path / "tree", _machine(tmp_path, node=version), "node")
    found = version.removeprefix("v") if version else "none"
    assert (code, f"found {found}." in printed) == (2, True)
    assert printed.startswith("Node 20.19 or later ")


@pytest.mark.parametrize("version", ["v20.19.0", "v20.20.2", "v22.12.0", "v23.0.0", "v24.21.0", "v100.1.0"])
def test_a_node_that_is_new_enough_is_not_mentioned(tmp_path: Path, version: str) -> None:
    assert _make(tmp_path / "tree", _machine(tmp_path, node=version), "node") == (0, "")


def test_a_missing_npm_is_named(tmp_path: Path) -> None:
    code, printed = _make(tmp_path / "tree", _machine(tmp_path, npm=False), "node")
    assert (code, printed.split(";")[0]) == (2, "npm is needed to install the packages of the web client")


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_installed_before(tmp_path: Path, target: str) -> None:
    code, printed = _make(tmp_path / "tree", _machine(tmp_path, node="v18.19.0"), target)
    assert (code, "found 18.19.0." in printed) == (2, True)
    assert "Making the Python environment" not in printed
    assert "Talkwire needs Python" not in printed
