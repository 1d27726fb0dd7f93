"""Metro, the bundler of React Native, bundles the program of docs/react-native.md with the packages that a clone
builds, and Hermes compiles the bundle.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reference.blocks.collected import blocks_of

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "clients" / "javascript"
APP = Path(__file__).parent / "metro"
PAGE = ROOT / "docs" / "react-native.md"
BUILD = ("npx", "metro", "build", "index.js", "--platform", "android", "--source-map", "--out", "bundle.js")
HERMES = {"linux x86_64": "linux64-bin", "darwin arm64": "osx-bin", "darwin x86_64": "osx-bin"}
"""System -> folder of the compiler in the package `hermes-compiler`."""
SYSTEM = f"{sys.platform} {platform.machine()}"

NPM_INSTALL = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund")
"""Runs nothing of what it installs: nothing of React Native is built here."""
SOON = ("--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000")
"""Options with which npm soon gives up a registry that does not answer, and says why in its first line."""

_IMPORTED = re.compile(r"""\b(?:from|import|require)\s*\(?\s*["']([^"']+)["']""")


def _run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yields the folder of an app with React Native and both packages, as `make packages` packs them."""
    folder = tmp_path_factory.mktemp("metro") / "app"
    shutil.copytree(APP, folder)
    installed = _run(folder, *NPM_INSTALL, *SOON)
    if installed.returncode:
        pytest.skip(f"npm cannot install React Native and Metro: {installed.stderr.partition(chr(10))[0]}")
    (folder / "start.js").write_text(blocks_of(PAGE)[0].text, encoding="utf-8")
    packages = ("--workspace", "client", "--workspace", "react")
    for ended in (
        _run(CLIENTS, "npm", "pack", *packages, "--pack-destination", str(folder)),
        _run(folder, *NPM_INSTALL, *(str(path) for path in folder.glob("*.tgz"))),
    ):
        assert ended.returncode == 0, ended.stdout + ended.stderr
    yield folder
    shutil.rmtree(folder)  # a quarter of a gigabyte


@pytest.fixture(scope="module")
def bundled(app: Path) -> list[Path]:
    """Returns the files that Metro has put into the bundle."""
    built = _run(app, *BUILD, TMPDIR=str(app))  # it keeps there what it has compiled
    assert built.returncode == 0, built.stdout + built.stderr
    sources = json.loads((app / "bundle.map").read_text(encoding="utf-8"))["sources"]
    return [path for path in map(Path, sources) if path.is_file()]  # a prelude is no file


def test_metro_bundles_both_packages_without_modules_of_node(bundled: list[Path]) -> None:
    """Metro refuses a module that it does not find, except within `try`."""
    folders = {
        "/".join(path.parts[path.parts.index("@talkwire") :][:2]) for path in bundled if "@talkwire" in path.parts
    }
    assert folders == {"@talkwire/client", "@talkwire/react"}
    printed = _run(ROOT, "node", "--print", "JSON.stringify(require('module').builtinModules)").stdout
    own = {*json.loads(printed)}
    found = {
        (str(path), name)
        for path in bundled
        for name in _IMPORTED.findall(path.read_text(encoding="utf-8"))
        if name in own or name.startswith("node:")
    }
    assert found == set()


@pytest.mark.skipif(SYSTEM not in HERMES, reason=f"Hermes has no compiler for {SYSTEM}")
def test_hermes_compiles_the_bundle(app: Path, bundled: list[Path]) -> None:
    assert bundled
    compiler = app / "node_modules" / "hermes-compiler" / "hermesc" / HERMES[SYSTEM] / "hermesc"
    compiled = _run(app, str(compiler), "-w", "-O", "-emit-binary", "-out", "bundle.hbc", "bundle.js")
    assert compiled.returncode == 0, compiled.stderr
