"""What CONTRIBUTING.md tells people to run can run, and a test that starts a process has to say so."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.page.scenario_files import declared_titles, slug

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
COMMANDS = sorted({code for code in re.findall(r"`([^`\n]+)`", PAGE) if " " in code})


def _commands(*programs: str) -> list[str]:
    found = [each for each in COMMANDS if each.startswith(tuple(f"{program} " for program in programs))]
    assert found
    return found


@pytest.mark.parametrize("command", _commands("make"))
def test_make_would_run_each_command(command: str) -> None:
    arguments = [each for each in shlex.split(command)[1:] if not each.endswith("=…")]
    done = subprocess.run(
        ["make", "--dry-run", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", _commands("python -m", ".venv/bin/pytest", "cd web"))
def test_each_other_command_names_what_exists(command: str) -> None:
    match shlex.split(command):
        case ["python", "-m", module, *_]:
            assert find_spec(module) is not None
        case [".venv/bin/pytest", path]:
            file, _, name = path.partition("::")
            source = REPOSITORY / file
            assert source.exists()
            assert not name or name in map(slug, declared_titles(source.read_text(encoding="utf-8")))
        case ["cd", folder, "&&", "npm", "run", script]:
            assert script in json.loads((REPOSITORY / folder / "package.json").read_text(encoding="utf-8"))["scripts"]
        case other:
            pytest.fail(f"nobody checks {other}")


def _pytest(*options: str, folder: Path = REPOSITORY, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_tests_of_make_check_are_collected() -> None:
    (line,) = re.findall(r"^IN_PROCESS +:= (.+)$", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    gate = re.findall(r"^GATE +:= (.+)$", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[0]
    done = _pytest("--collect-only", "--quiet", "-m", line.replace("$(GATE)", gate))
    assert done.returncode == 0, done.stdout
    assert "tests/core/" in done.stdout
    assert "tests/tools/test_rerun.py" not in done.stdout, "it starts processes"


CONFTEST = """
import pytest
from tests.kinds import ProcessGuard

def pytest_configure(config):
    config.addinivalue_line("markers", "processes")
    config.addinivalue_line("markers", "everything")
    config.pluginmanager.register(ProcessGuard())
"""
STARTS = """
import asyncio, os, subprocess, sys
import pytest

COMMAND = [sys.executable, "-S", "-c", ""]

async def in_a_loop():
    await (await asyncio.create_subprocess_exec(*COMMAND)).wait()

def test_runs(): subprocess.run(COMMAND, check=True)
def test_names_its_arguments(): subprocess.Popen(args=COMMAND).wait()
def test_runs_in_a_loop(): asyncio.run(in_a_loop())
@pytest.fixture
def process(): subprocess.run(COMMAND, check=True)
def test_has_a_fixture(process): pass

@pytest.mark.processes
def test_says_so(): subprocess.run(COMMAND, check=True)
@pytest.mark.everything
def test_is_not_in_the_gate(): subprocess.run(COMMAND, check=True)
def test_starts_nothing(): os.getpid()
"""


def test_a_test_of_the_gate_that_starts_a_process_fails(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "test_starts.py").write_text(STARTS, encoding="utf-8")
    done = _pytest("--quiet", folder=tmp_path, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert re.findall(r"^ERROR test_starts.py::(\w+)", done.stdout, re.MULTILINE) == [
        "test_runs",
        "test_names_its_arguments",
        "test_runs_in_a_loop",
        "test_has_a_fixture",
    ], done.stdout
    assert "7 passed, 4 errors" in done.stdout
    assert "say so in tests/kinds.py" in done.stdout
