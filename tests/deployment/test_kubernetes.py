"""The chart and the manifest: what Helm says, the pod security level, and that names, ports and settings exist."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import fields
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from talkwire.settings.known import known_settings
from talkwire.settings.model import SettingValues
from talkwire.settings.sources import load_settings
from tests.deployment.kubernetes_objects import (
    CHART,
    VALUES,
    Object,
    helm,
    helm_program,
    manifest,
    of_kind,
    pods,
    rendered,
    selects,
    violations,
)
from tests.deployment.proxies import DOCS

needs_helm = pytest.mark.skipif(helm_program() is None, reason="needs Helm: make install, or helm in PATH")

SOURCES = ["manifest", "defaults", *(path.stem.removesuffix("-values") for path in VALUES)]


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=() if name == "manifest" else needs_helm) for name in SOURCES]
)
def objects(request: pytest.FixtureRequest) -> list[Object]:
    if request.param == "manifest":
        return manifest()
    if request.param == "defaults":
        return rendered()
    return rendered("--values", str(CHART / "ci" / f"{request.param}-values.yaml"))


def _server(objects: list[Object]) -> tuple[Object, Object]:
    """Returns the Deployment and its container."""
    (deployment,) = of_kind(objects, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return deployment, container


def _environment(objects: list[Object]) -> dict[str, str]:
    """Returns the variables of the server; those that the cluster fills in have an example's value."""
    variables = _server(objects)[1].get("env", ())
    return {each["name"]: each.get("value", "10.0.0.1") for each in variables}


def test_every_pod_has_the_security_level_restricted(objects: list[Object]) -> None:
    found = list(pods(objects))
    assert found
    assert [each for pod in found for each in violations(pod)] == []
    assert all(pod["automountServiceAccountToken"] is False for pod in found)


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("pod", {"runAsNonRoot": False}),
        ("pod", {"seccompProfile": {"type": "Unconfined"}}),
        ("container", {"allowPrivilegeEscalation": True}),
        ("container", {"privileged": True}),
        ("container", {"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}),
        ("container", {"capabilities": {}}),
        ("container", {"readOnlyRootFilesystem": False}),
        ("container", {"runAsUser": 0}),
    ],
)
def test_a_pod_that_is_less_restricted_is_found(where: str, change: dict[str, Any]) -> None:
    (pod,) = deepcopy(list(pods(manifest())))
    (pod if where == "pod" else pod["containers"][0])["securityContext"] |= change
    assert len(violations(pod)) == 1


def test_the_variables_are_valid_settings(objects: list[Object]) -> None:
    known = {variable for setting in known_settings().values() for variable in setting.variables}
    environment = {name: value for name, value in _environment(objects).items() if not name.startswith("AWS_")}
    assert environment.keys() <= known
    secrets = {"DATABASE_URL": "postgresql://db/talkwire", "JWT_SECRET": "0123456789abcdef" * 2}
    uses_secret = bool(_server(objects)[1].get("envFrom"))
    loaded = load_settings({}, environment | (secrets if uses_secret else {}))
    assert loaded.sources.keys() >= {name for name in ("files", "origins") if f"TALKWIRE_{name.upper()}" in environment}


def test_probes_services_and_policies_name_ports_that_exist(objects: list[Object]) -> None:
    deployment, container = _server(objects)
    ports = {port["name"] for port in container["ports"]}
    probed = {container[f"{kind}Probe"]["httpGet"]["port"] for kind in ("startup", "readiness", "liveness")}
    assert probed == {"http"}
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert selects(deployment["spec"]["selector"]["matchLabels"], labels)
    (service,) = [each for each in of_kind(objects, "Service") if "selector" in each["spec"]]
    assert selects(service["spec"]["selector"], labels)
    assert {port["targetPort"] for port in service["spec"]["ports"]} == {"http"}
    for policy in of_kind(objects, "NetworkPolicy"):
        assert selects(policy["spec"]["podSelector"]["matchLabels"], labels)
        assert {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]} == ports
    for budget in of_kind(objects, "PodDisruptionBudget"):
        assert selects(budget["spec"]["selector"]["matchLabels"], labels)


def test_only_nodes_reach_the_internal_port(objects: list[Object]) -> None:
    for policy in of_kind(objects, "NetworkPolicy"):
        internal = [rule for rule in policy["spec"]["ingress"] if rule["ports"][0]["port"] == "internal"]
        for rule in internal:
            (source,) = rule["from"]
            assert source["podSelector"] == policy["spec"]["podSelector"]


def test_mounted_volumes_exist_and_claims_are_made(objects: list[Object]) -> None:
    deployment, container = _server(objects)
    volumes = {volume["name"]: volume for volume in deployment["spec"]["template"]["spec"]["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
    temporary = mounts["/tmp"]  # noqa: S108 (the folder of the container)
    assert "emptyDir" in temporary
    assert container["args"][-2:] == ["--data", "/data"]
    claimed = {
        each["persistentVolumeClaim"]["claimName"] for each in volumes.values() if "persistentVolumeClaim" in each
    }
    assert claimed == {claim["metadata"]["name"] for claim in of_kind(objects, "PersistentVolumeClaim")}
    files = _environment(objects).get("TALKWIRE_FILES", "/data/files")
    assert files.startswith("s3://") or any(
        files.startswith(path) and "emptyDir" not in volume for path, volume in mounts.items()
    )


def test_a_pod_has_time_to_drain(objects: list[Object]) -> None:
    pod = _server(objects)[0]["spec"]["template"]["spec"]
    drain_s = float(_environment(objects).get("TALKWIRE_DRAIN_S", "0"))
    assert drain_s + 15 <= pod["terminationGracePeriodSeconds"]


def test_one_process_owns_a_database_file(objects: list[Object]) -> None:
    deployment, container = _server(objects)
    if "envFrom" not in container:
        assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]) == (1, {"type": "Recreate"})


def test_an_ingress_hides_the_metrics(objects: list[Object]) -> None:
    services = {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, "Service")}
    for ingress in of_kind(objects, "Ingress"):
        (rule,) = ingress["spec"]["rules"]
        leads_to = {each["path"]: services[each["backend"]["service"]["name"]] for each in rule["http"]["paths"]}
        assert {path: "selector" in service for path, service in leads_to.items()} == {"/": True, "/metrics": False}
        seconds = ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-read-timeout"]
        assert int(seconds) > 45


def test_the_objects_have_the_forms_of_kubernetes(objects: list[Object]) -> None:
    for each in objects:
        if each["kind"] != "ServiceMonitor":
            kubernetes_validate.validate(each, "1.31", strict=True)


# --- the chart alone ------------------------------------------------------------------------------------------------


@needs_helm
@pytest.mark.parametrize("values", [None, *VALUES], ids=lambda path: "defaults" if path is None else path.stem)
def test_helm_has_nothing_against_the_chart(values: Path | None) -> None:
    linted = helm("lint", "--strict", str(CHART), *(() if values is None else ("--values", str(values))))
    assert linted.returncode == 0, linted.stdout + linted.stderr


@needs_helm
def test_the_values_of_the_page_are_accepted(tmp_path: Path) -> None:
    page = (DOCS / "kubernetes.md").read_text(encoding="utf-8")
    found = re.findall(r"^```yaml\n(# values\.yaml\n.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert found
    for values in found:
        (tmp_path / "values.yaml").write_text(values, encoding="utf-8")
        objects = rendered("--values", str(tmp_path / "values.yaml"))
        assert len(of_kind(objects, "Ingress")) == ("ingress:" in values)


@needs_helm
@pytest.mark.parametrize(
    ("values", "command"),
    [
        ([], "talkwire invite --first-admin"),
        (["settings.accounts=invite"], "talkwire invite --first-admin"),
        (
            ["ingress.enabled=true", "ingress.host=chat.example.com", "trustedProxies={10.0.0.0/8}"],
            "talkwire invite --first-admin --public-url http://chat.example.com/",
        ),
        (["settings.accounts=off"], None),
        (["existingSecret=chat"], None),
        (["existingSecret=chat", "settings.accounts=invite"], "talkwire invite --first-admin"),
    ],
)
def test_the_notes_lead_to_the_first_admin_where_there_are_accounts(values: list[str], command: str | None) -> None:
    ended = helm("install", "--dry-run=client", "chat", str(CHART), *(f"--set={each}" for each in values))
    assert ended.returncode == 0, ended.stderr
    notes = ended.stdout.partition("\nNOTES:\n")[2]
    assert re.findall(r" -- (talkwire .*)", notes) == ([] if command is None else [command])


@needs_helm
def test_prometheus_and_the_test_pod_reach_the_public_port_of_a_release_that_limits_it() -> None:
    objects = rendered("--values", str(CHART / "ci/postgresql-values.yaml"))
    sources = _public_rule(objects)["from"]
    namespaces = [each["namespaceSelector"]["matchLabels"] for each in sources if "namespaceSelector" in each]
    assert [each["kubernetes.io/metadata.name"] for each in namespaces] == ["ingress-nginx", "monitoring"]
    (test_pod,) = of_kind(objects, "Pod")
    (selector,) = [each["podSelector"] for each in sources if "podSelector" in each]
    assert selects(selector["matchLabels"], test_pod["metadata"]["labels"])
    assert "from" not in _public_rule(rendered())


def _public_rule(objects: list[Object]) -> Object:
    """Returns the rule of the network policy for the public port."""
    (policy,) = of_kind(objects, "NetworkPolicy")
    (rule,) = [each for each in policy["spec"]["ingress"] if each["ports"][0]["port"] == "http"]
    assert isinstance(rule, dict)
    return rule


@needs_helm
def test_settings_become_variables() -> None:
    environment = _environment(rendered("--values", str(CHART / "ci/postgresql-values.yaml")))
    assert environment["TALKWIRE_ORIGINS"] == "https://app.example.com,https://admin.example.com"
    assert environment["TALKWIRE_MAX_FILE_SIZE"] == "209715200"
    assert environment["TALKWIRE_PING_INTERVAL_S"] == "12.5"
    assert environment["TALKWIRE_RATE_LIMITS"] == "on"


@needs_helm
def test_a_setting_may_be_off_as_yaml_writes_it(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("settings: {accounts: off}")
    assert _environment(rendered("--values", str(values)))["TALKWIRE_ACCOUNTS"] == "off"


@needs_helm
@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (["replicaCount=2"], "replicaCount"),
        (["autoscaling.enabled=true"], "autoscaling"),
        (["database=mysql"], "database"),
        (["database=postgresql", "files=s3://chat"], "existingSecret"),
        (["database=postgresql", "existingSecret=chat"], "ReadWriteMany"),
        (["database=postgresql", "existingSecret=chat", "persistence.enabled=false"], "files would end with their pod"),
        (
            ["database=postgresql", "existingSecret=chat", "files=s3://chat", "drainSeconds=50"],
            "terminationGracePeriod",
        ),
        (["files=/somewhere"], "files"),
        (["ingress.enabled=true", "trustedProxies={10.0.0.0/8}"], "host"),
        (["ingress.enabled=true", "ingress.host=chat.example.com"], "trustedProxies"),
        (["settings.port=80"], "port"),
        (["settings.jwt_secret=abc"], "jwt_secret"),
        (["settings.oidc_client_secret=abc"], "oidc_client_secret"),
        (["replicas=2"], "replicas"),
        (["image.digest=latest"], "digest"),
    ],
)
def test_helm_refuses_values_that_cannot_work(values: list[str], complaint: str) -> None:
    ended = helm("template", "chat", str(CHART), *(f"--set={each}" for each in values))
    assert ended.returncode != 0
    assert complaint in ended.stderr


def test_the_chart_reserves_settings_that_exist_and_every_secret() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    reserved = set(schema["properties"]["settings"]["propertyNames"]["not"]["enum"])
    assert reserved <= known_settings().keys()
    assert {each.name for each in fields(SettingValues) if not each.repr} <= reserved


def test_the_page_names_the_variable_of_every_secret() -> None:
    page = (DOCS / "kubernetes.md").read_text(encoding="utf-8")
    secrets = [known_settings()[each.name] for each in fields(SettingValues) if not each.repr]
    assert [each.name for each in secrets if not any(f"`{name}`" in page for name in each.variables)] == []
