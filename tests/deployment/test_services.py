"""The unit of systemd and the manifest of Kubernetes in docs/deployment name what there is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from talkwire.settings.sources import known_settings
from tests.deployment.proxies import DOCS

UNIT = DOCS / "talkwire.service"
INSTALLED = "/opt/talkwire/bin/talkwire"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def _complaints(unit: str, folder: Path) -> str:
    file = folder / "talkwire.service"
    file.write_text(unit, encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)], capture_output=True, text=True, check=False, timeout=60
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


def _parts() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DOCS / "kubernetes.yaml").read_text(encoding="utf-8")))


def test_the_manifest_names_settings_and_ports_that_there_are() -> None:
    deployment, service, _ = _parts()
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    known = {variable for setting in known_settings().values() for variable in setting.variables}
    assert {variable["name"] for variable in container["env"]} <= known
    ports = {port["name"] for port in container["ports"]}
    probes = {container[f"{kind}Probe"]["httpGet"]["port"] for kind in ("readiness", "liveness")}
    assert probes | {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_a_pod_has_time_to_drain() -> None:
    pod = _parts()[0]["spec"]["template"]["spec"]
    variables = {variable["name"]: variable.get("value") for variable in pod["containers"][0]["env"]}
    assert float(variables["TALKWIRE_DRAIN_S"]) + 15 < pod["terminationGracePeriodSeconds"]
