"""The package `talkwire-client`: complete, typed, without the server, and with the server's version."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

import talkwire_client

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients/python"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that was built from an sdist."""
    tree = tmp_path_factory.mktemp("client") / "tree"
    shutil.copytree(CLIENT, tree, ignore=shutil.ignore_patterns("__pycache__", "dist"))
    command = [sys.executable, "-m", "hatchling", "build", "--target"]
    subprocess.run([*command, "sdist"], cwd=tree, check=True, capture_output=True)
    (sdist,) = (tree / "dist").glob("*.tar.gz")
    shutil.unpack_archive(sdist, tree / "unpacked", filter="data")
    (unpacked,) = (tree / "unpacked").iterdir()
    subprocess.run([*command, "wheel"], cwd=unpacked, check=True, capture_output=True)
    (found,) = (unpacked / "dist").glob("talkwire_client-*.whl")
    return found


def test_the_wheel_has_the_modules_types_and_licence(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        names = set(files.namelist())
    for package in ("talkwire_agent", "talkwire_client"):
        modules = {f"{package}/{path.name}" for path in (CLIENT / "src" / package).glob("*.py")}
        assert modules | {f"{package}/py.typed"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_is_imported_without_the_server(wheel: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(wheel)!r}); sys.modules['talkwire'] = None; import talkwire_client;"
        "print(talkwire_client.__file__)"
    )
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert str(wheel) in printed


def test_the_wheel_has_the_command_of_the_agent(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        (name,) = [each for each in files.namelist() if each.endswith("entry_points.txt")]
        assert "talkwire-agent = talkwire_agent.__main__:main" in files.read(name).decode().splitlines()


def test_the_client_has_the_servers_version_licence_and_python() -> None:
    server, client = (
        tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"] for folder in (ROOT, CLIENT)
    )
    assert talkwire_client.__version__ == server["version"]
    for name in ("license", "requires-python"):
        assert client[name] == server[name]
    assert (CLIENT / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_client_needs_few_packages() -> None:
    client = tomllib.loads((CLIENT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {Requirement(text).name for text in client["dependencies"]} == {"aiohttp", "httpx", "python-socketio"}
    (extra,) = client["optional-dependencies"].items()
    assert (extra[0], {Requirement(text).name for text in extra[1]}) == ("agent", {"openai", "rfc8785"})
