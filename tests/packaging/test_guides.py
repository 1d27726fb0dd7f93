"""The guides install what a clone builds, since no registry has Talkwire's packages: docs/packages.md, and the pages
docs/client-python.md, docs/client-javascript.md, docs/tutorials/fastapi-react.md and the READMEs of the packages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.test_odd_folder import link
from tests.packaging.test_wheel import installed_without_talkwire

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "clients" / "javascript"
OWN_PAGE = ROOT / "docs" / "packages.md"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "clients").glob("*/README.md"))]
PAGES += [CLIENTS / name / "README.md" for name in ("client", "react", "embed")]
PROGRAMS = sorted(path for path in (ROOT / "examples").rglob("*") if path.suffix in {".py", ".mjs", ".html", ".md"})
EXAMPLES = sorted(ROOT.glob("examples/**/package.json"))
_INSTALL = re.compile(r"\b((?:pip|npm) install [^`\n]+)")
_OF_REGISTRY = re.compile(r"(?<![\w/.'-])(?:@talkwire/\w+|talkwire-client)\b")


def _installs(page: Path) -> list[str]:
    """Returns the commands of a page that install packages of Talkwire from a clone."""
    found = _INSTALL.findall(page.read_text(encoding="utf-8"))
    return [command.partition("  #")[0] for command in found if '"$CLONE"' in command]


GUIDES = [page for page in (*PAGES, *PROGRAMS) if "decisions" not in page.parts and _installs(page)]


def test_no_guide_installs_a_package_that_no_registry_has() -> None:
    commands = [
        (path.relative_to(ROOT).as_posix(), command)
        for path in (*PAGES, *PROGRAMS)
        if "decisions" not in path.parts and "node_modules" not in path.parts
        for command in _INSTALL.findall(path.read_text(encoding="utf-8"))
    ]
    assert commands
    assert [each for each in commands if _OF_REGISTRY.search(each[1])] == []


@pytest.mark.parametrize("page", [page for page in GUIDES if page.suffix == ".md" and page != OWN_PAGE], ids=str)
def test_a_guide_says_where_the_archives_come_from(page: Path) -> None:
    assert re.search(r"\]\([^)]*packages\.md\)", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("manifest", EXAMPLES, ids=lambda path: path.parent.name)
def test_an_example_names_archives_of_the_clone(manifest: Path) -> None:
    for name, source in json.loads(manifest.read_text(encoding="utf-8")).get("dependencies", {}).items():
        if name.startswith("@talkwire/"):
            archive = (manifest.parent / source.removeprefix("file:")).resolve()
            assert archive.parent == ROOT / "dist" / "javascript", source
            assert archive.name.startswith(f"talkwire-{name.partition('/')[2]}-")


# --- what is built ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of a clone, with a space in its path, in which `make packages` has run."""
    folder = tmp_path_factory.mktemp("my clone")
    archives = folder / "dist" / "javascript"
    archives.mkdir(parents=True)
    _run(["npm", "pack", "--workspaces", "--pack-destination", str(archives)], CLIENTS)
    for project in (ROOT, ROOT / "clients" / "python"):
        _run([sys.executable, "-m", "hatchling", "build", "--directory", str(folder / "dist")], project)
    return folder


def _run(command: list[str], folder: Path, **environment: str) -> None:
    ended = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yields the variables of a shell in which pip finds the packages of the tests, and no registry."""
    folder = tmp_path_factory.mktemp("programs")
    venv.create(folder / "env", symlinks=True)
    (folder / "pip").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m pip --python "{folder}/env/bin/python" "$@"\n', encoding="utf-8"
    )
    (folder / "pip").chmod(0o755)
    others = installed_without_talkwire(folder / "installed")
    yield {
        "PATH": os.pathsep.join([str(folder), os.environ["PATH"]]),
        "PYTHONPATH": str(others),
        "PIP_NO_INDEX": "1",
        "npm_config_offline": "true",
        "npm_config_audit": "false",
    }
    shutil.rmtree(folder)


def _with_libraries(folder: Path) -> Path:
    """Puts the libraries that the packages need where npm finds them: it would load them from its registry."""
    shutil.copytree(
        CLIENTS / "node_modules",
        folder / "node_modules",
        symlinks=True,
        copy_function=link,
        ignore=shutil.ignore_patterns("@talkwire", ".*", "@angular", "typescript", "typedoc"),
    )
    return folder


@pytest.mark.parametrize("page", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_commands_of_a_guide_install_what_a_clone_builds(
    page: Path, clone: Path, programs: dict[str, str], tmp_path: Path
) -> None:
    """All but React, which is of a registry."""
    for number, command in enumerate(_installs(page)):
        folder = tmp_path / str(number)
        folder.mkdir()
        _with_libraries(folder)
        _run(["sh", "-euc", command.removesuffix(" react react-dom")], folder, CLONE=str(clone), **programs)
        for name in re.findall(r"/talkwire-(\w+)-\*\.tgz", command):
            assert (folder / "node_modules" / "@talkwire" / name / "dist" / "index.js").is_file()


@pytest.mark.parametrize("manifest", EXAMPLES, ids=lambda path: path.parent.name)
def test_an_example_installs_what_a_clone_builds(manifest: Path, clone: Path, programs: dict[str, str]) -> None:
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["devDependencies"] = {}
    own = {name: source for name, source in content["dependencies"].items() if name.startswith("@talkwire/")}
    if not own:
        pytest.skip("an example without packages of Talkwire")
    content["dependencies"] = own
    folder = clone / manifest.parent.relative_to(ROOT)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps(content), encoding="utf-8")
    _run(["npm", "install"], _with_libraries(folder), **programs)
    assert all((folder / "node_modules" / name / "dist" / "index.js").is_file() for name in own)
