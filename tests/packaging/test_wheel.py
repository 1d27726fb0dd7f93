"""That the packages have the web client or are not built at all, and that a wheel runs where nothing else is."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from hatch_build import with_absolute_links
from tests.http_client import http_get
from tests.reference.blocks.collected import blocks_of
from tests.waiting import DEADLINE_S

ROOT = Path(__file__).parents[2]
BUILT_FROM = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore")


def build(tree: Path, target: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(tree / "dist")]
    return subprocess.run(command, cwd=tree, check=False, capture_output=True, text=True)


def tree_of(tmp_path: Path) -> Path:
    """What a package is built from."""
    tree = tmp_path / "tree"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", tree / "src", ignore=ignored)
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, tree / name)
    return tree


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that was built from an sdist, where there is no Node."""
    folder = tmp_path_factory.mktemp("packages")
    tree = tree_of(folder)
    built = build(tree, "sdist")
    assert built.returncode == 0, built.stderr
    (sdist,) = (tree / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "sdist", filter="data")
    (unpacked,) = (folder / "sdist").iterdir()
    built = build(unpacked, "wheel")
    assert built.returncode == 0, built.stderr
    (found,) = (unpacked / "dist").glob("*.whl")
    return found


def test_the_sdist_builds_the_wheel_that_the_tree_builds(wheel: Path, tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    built = build(tree, "wheel")
    assert built.returncode == 0, built.stderr
    (of_tree,) = (tree / "dist").glob("*.whl")
    with ZipFile(wheel) as ours, ZipFile(of_tree) as theirs:
        assert {file.filename: file.CRC for file in ours.infolist()} == {
            file.filename: file.CRC for file in theirs.infolist()
        }


def test_the_wheel_has_the_web_client(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        names = files.namelist()
        assert "talkwire/web/index.html" in names
        scripts = [name for name in names if name.startswith("talkwire/web/page/") and name.endswith(".js")]
        assert scripts
        for name in scripts:
            assert gzip.decompress(files.read(f"{name}.gz")) == files.read(name), "what browsers get is what was built"
        # For a script of 300 bytes, either may be smaller.
        sizes = {kind: sum(files.getinfo(f"{name}.{kind}").file_size for name in scripts) for kind in ("br", "gz")}
        assert sizes["br"] < 0.95 * sizes["gz"]


def test_nothing_is_built_without_the_web_client(tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    shutil.rmtree(tree / "src" / "talkwire" / "web")
    for target in ("wheel", "sdist"):
        built = build(tree, target)
        assert built.returncode != 0
        assert "build the web client first" in built.stderr


def test_the_description_of_the_wheel_has_absolute_links(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        (name,) = [name for name in files.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = files.read(name).decode()
    links = re.findall(r'\]\(([^)\s]+)|(?:src|href)="([^"]+)"', metadata)
    assert links
    assert [link for pair in links if not (link := pair[0] or pair[1]).startswith(("https://", "http://", "#"))] == []
    for extra in ("postgres", "redis", "s3", "otlp", "docs"):
        assert f"Provides-Extra: {extra}\n" in metadata
    assert "Project-URL: Repository, https://" in metadata


def test_links_of_files_and_pictures_become_absolute() -> None:
    text = '[a](docs/a.md#b) ![p](docs/p.png) <img src="docs/q.png"> [c](https://example.com) [d](#here)'
    assert with_absolute_links(text, "https://example.org/r") == (
        "[a](https://example.org/r/blob/main/docs/a.md#b) ![p](https://example.org/r/raw/main/docs/p.png) "
        '<img src="https://example.org/r/raw/main/docs/q.png"> [c](https://example.com) [d](#here)'
    )


# --- in an environment of its own -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns `talkwire` in an environment with only the wheel and its declared dependencies."""
    folder = tmp_path_factory.mktemp("clean") / "env"
    venv.create(folder, symlinks=True)
    command = ["install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", str(wheel)]
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *command], check=True)
    (site,) = (folder / "lib").glob("python*/site-packages")
    with ZipFile(wheel) as files:
        (name,) = [name for name in files.namelist() if name.endswith(".dist-info/METADATA")]
        requirements = re.findall(r"^Requires-Dist: (.+)$", files.read(name).decode(), re.MULTILINE)
    for found in _closure(requirements):
        _share(found, site)
    return folder / "bin" / "talkwire"


def _closure(requirements: list[str]) -> list[Distribution]:
    """The installed packages that requirements without extras need."""
    found: dict[str, Distribution] = {}
    waiting = [(Requirement(text), frozenset({""})) for text in requirements]
    while waiting:
        requirement, extras = waiting.pop()
        if requirement.marker is not None and not any(requirement.marker.evaluate({"extra": e}) for e in extras):
            continue
        try:
            package = distribution(requirement.name)
        except PackageNotFoundError:
            continue  # for another platform
        wanted = frozenset({"", *requirement.extras})
        if package.name not in found or requirement.extras:
            found[package.name] = package
            waiting += [(Requirement(text), wanted) for text in package.requires or ()]
    return list(found.values())


def _share(package: Distribution, site: Path) -> None:
    """Has an installed package found in another environment."""
    for top in {file.parts[0] for file in package.files or () if file.parts[0] not in {"..", "__pycache__"}}:
        target = Path(str(package.locate_file(top)))
        if target.exists() and not (site / top).exists():
            (site / top).symlink_to(target)


def test_the_wheel_can_be_installed_with_extras_as_the_pages_say(wheel: Path) -> None:
    pages = [ROOT / "README.md", ROOT / "docs" / "deployment" / "systemd.md"]
    for page in pages:
        (requirement,) = re.findall(
            r'pip install "\$\(ls [\w/-]*\*\.whl\)(\[[\w,]+\])"', page.read_text(encoding="utf-8")
        )
        command = f'{sys.executable} -m pip install --dry-run --no-index --no-deps "$(ls *.whl){requirement}"'
        ended = subprocess.run(["sh", "-ec", command], cwd=wheel.parent, check=False, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
        assert "does not provide the extra" not in ended.stderr


def test_the_commands_of_the_readme_build_install_and_start_the_server(tmp_path: Path) -> None:
    """All but `make install`, whose environment is that of the tests."""
    (block,) = [block.text for block in blocks_of(ROOT / "README.md") if "hatchling build" in block.text]
    first, rest = block.split(" && ", 1)
    assert first == "make install"
    commands, start = rest.strip().rsplit("\n", 1)
    tree = tree_of(tmp_path)
    (tree / ".venv").symlink_to(sys.prefix)
    installed = installed_without_talkwire(tmp_path / "installed")
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {"PATH": programs, "HOME": str(tmp_path), "PIP_NO_INDEX": "1", "PYTHONPATH": str(installed)}
    ended = subprocess.run(
        ["sh", "-ec", commands], cwd=tree, env=environment, check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    program, command, *options = shlex.split(start)
    assert command == "serve"
    with running(tree / program, *options, PYTHONPATH=str(installed)) as url:
        assert http_get(f"{url}/").status_code == 200
        assert http_get(f"{url}/demo.json").json()["users"]


def installed_without_talkwire(folder: Path) -> Path:
    """Returns a folder with the packages of the tests, where pip finds all that the wheel requires."""
    folder.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith("talkwire-"):
            (folder / path.name).symlink_to(path)
    return folder


@contextmanager
def running(program: Path, *options: str, **environment: str) -> Iterator[str]:
    """The address of a server in an environment whose PATH has no Node."""
    command = [str(program), "serve", "--port", "0", *options]
    environment = {"PATH": str(program.parent), "HOME": os.environ.get("HOME", "/"), **environment}
    with subprocess.Popen(command, env=environment, cwd=program.parent, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            greeting = process.stdout.readline()
            yield json.loads(greeting)["url"]
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0


def test_the_wheel_serves_the_demo_and_the_web_client(program: Path, tmp_path: Path) -> None:
    assert shutil.which("node", path=str(program.parent)) is None
    with running(program, "--demo", "--data", str(tmp_path / "data")) as url:
        page = http_get(f"{url}/")
        assert page.status_code == 200
        assets = re.findall(r'(?:src|href)="\.?/?([^":]+)"', page.text)
        assert any(name.endswith(".js") for name in assets)
        for name in assets:
            assert http_get(f"{url}/{name}").status_code == 200, name
        assert "talkwire[docs]" in http_get(f"{url}/docs").text
        people = http_get(f"{url}/demo.json").json()["users"]
        assert len(people) > 3
        assert http_get(url + people[0]["picture"]).status_code == 200
        listed = http_get(f"{url}/api/v1/conversations", params={"userId": people[0]["id"]}).json()
        assert any(each["lastMessage"] for each in listed["items"])


@pytest.mark.parametrize(
    ("options", "extra"),
    [
        (("--database", "postgresql://127.0.0.1/none"), "postgres"),
        (("--redis", "redis://127.0.0.1", "--database", "postgresql://127.0.0.1/none"), "redis"),
        (("--files", "s3://bucket"), "s3"),
    ],
)
def test_errors_name_the_missing_extra(program: Path, tmp_path: Path, options: tuple[str, ...], extra: str) -> None:
    command = [str(program), "serve", "--port", "0", "--data", str(tmp_path / "data"), *options]
    environment = {"PATH": str(program.parent), "JWT_SECRET": "0123456789abcdef" * 2}
    ended = subprocess.run(command, env=environment, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert ended.returncode == 1, ended.stderr
    assert f"{program.parent / 'python'} -m pip install 'talkwire[{extra}]'" in ended.stderr
