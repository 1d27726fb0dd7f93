"""The command that adds the packages of an extra."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from talkwire.cli.extras import how_to_install


@pytest.mark.parametrize("folder", ["/opt/talkwire", "/srv/it's a #1 $HOME"])
def test_the_command_is_for_the_environment_of_the_program(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    monkeypatch.setattr("sys.executable", f"{folder}/bin/python")
    words = shlex.split(how_to_install("redis"))
    assert words == [f"{folder}/bin/python", "-m", "pip", "install", "talkwire[redis]"]


@pytest.mark.parametrize("extra", ["postgres", "redis", "s3", "otlp"])
def test_the_command_takes_no_package_called_talkwire_from_an_index(extra: str) -> None:
    command = [*shlex.split(how_to_install(extra)), "--no-index", "--no-deps", "--dry-run"]
    assert command[0] == sys.executable
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
