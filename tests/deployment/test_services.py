"""The unit of systemd: what systemd says of it, and a server that is started as it says."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest

from talkwire.settings.sources import load_settings
from tests.cli.manager import listening_manager
from tests.cli.processes import Answer, running_server
from tests.deployment.proxies import DOCS
from tests.http_client import http_get
from tests.waiting import DEADLINE_S

UNIT = Path(__file__).parents[2] / "deploy/systemd/talkwire.service"
INSTALLED = "/opt/talkwire/bin/talkwire"

MAXIMAL_EXPOSURE = 2.0
SECRET = "a-secret-of-an-application-that-is-long-enough"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def _complaints(unit: str, folder: Path) -> str:
    file = folder / "talkwire.service"
    file.write_text(unit, encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    return "\n".join(line for line in verified.stderr.splitlines() if "talkwire" in line)


@needs_systemd
def test_systemd_has_nothing_against_the_unit(tmp_path: Path) -> None:
    unit = UNIT.read_text(encoding="utf-8")
    assert INSTALLED in unit
    program = Path(sys.executable).with_name("talkwire")
    assert _complaints(unit.replace(INSTALLED, str(program)), tmp_path) == ""


@needs_systemd
def test_systemd_would_complain_of_a_line_that_means_nothing(tmp_path: Path) -> None:
    assert _complaints(UNIT.read_text(encoding="utf-8").replace("KillMode=mixed", "KillMod=mixed"), tmp_path)


@needs_systemd
def test_the_unit_leaves_little_exposed(tmp_path: Path) -> None:
    file = tmp_path / "talkwire.service"
    file.write_text(UNIT.read_text(encoding="utf-8"), encoding="utf-8")
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(file)]
    rated = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    if "unrecognized option" in rated.stderr:
        pytest.skip("needs systemd 250 or later")
    (exposure,) = re.findall(r"Overall exposure level for talkwire\.service: ([\d.]+)", rated.stdout)
    assert float(exposure) < MAXIMAL_EXPOSURE


def _lines(name: str) -> list[str]:
    """Returns the values of a key of the unit."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)


def test_a_server_starts_with_the_credentials_of_the_unit_and_reports_that_it_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _lines("ExecStart") == [f"{INSTALLED} serve --data /var/lib/{_lines('StateDirectory')[0]}"]
    assert (_lines("Type"), _lines("KillMode")) == (["notify"], ["mixed"])
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for line in _lines("LoadCredential"):
        (credentials / line.partition(":")[0]).write_text(f"{SECRET}\n", encoding="utf-8")
    for line in _lines("Environment"):
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value.replace("%d", str(credentials)))
    with listening_manager() as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
        with running_server(tmp_path, "--log-level", "warning") as server:
            assert manager.receive() == ("READY=1", server.process.pid)
            token = jwt.encode({"sub": "maya", "exp": time.time() + 3600}, SECRET, "HS256")
            me = http_get(f"{server.url}/api/v1/users/me", headers={"authorization": f"Bearer {token}"})
            assert me.status_code == 200
            assert server.stop(signal.SIGTERM) == Answer(0, "", "")


def test_the_page_shows_settings_that_exist(tmp_path: Path) -> None:
    page = (DOCS / "systemd.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"^```sh\n((?:TALKWIRE_.*\n)+)```", page, re.MULTILINE)
    settings = load_settings({}, dict(line.split("=", 1) for line in lines.splitlines())).settings
    assert settings.accounts == "invite"
    (tmp_path / "url").write_text("postgresql://db/talkwire")
    in_files = set(re.findall(r"\b(\w+_FILE)=", page))
    assert in_files == {"JWT_SECRET_FILE", "DATABASE_URL_FILE", "REDIS_URL_FILE"}
    loaded = load_settings({}, {"DATABASE_URL_FILE": str(tmp_path / "url")})
    assert loaded.sources == {"database": "DATABASE_URL_FILE"}
