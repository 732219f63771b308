"""The Helm chart: rendered by a real helm, each object checked against the schemas of Kubernetes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from fixtures.servers.go_program import GoProgram

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "deploy" / "helm" / "voice-agent-runtime"
VALUES: Final = sorted((CHART / "ci").glob("*.yaml"))
KUBERNETES: Final = "1.31"
HELM: Final = GoProgram("helm", "v3.22.0", "helm.sh/helm/v3/cmd/helm", "about 90 s")
# Objects of operators: their schemas are not Kubernetes' own.
OPERATORS: Final = ("keda.sh/", "monitoring.coreos.com/")


def helm(*arguments: str) -> str:
    """What helm prints. Raises AssertionError with all of it when helm fails."""
    done = subprocess.run(
        [HELM.find_or_build(), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rendered(*arguments: str) -> list[dict[str, Any]]:
    """The objects of a release named `voice`."""
    kubernetes = f"{KUBERNETES}.0"
    text = helm("template", "voice", str(CHART), "--kube-version", kubernetes, *arguments)
    return [found for found in yaml.safe_load_all(text) if found]


def pods(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Component and specification of each pod."""
    for found in objects:
        if found["kind"] in ("Deployment", "Job"):
            template = found["spec"]["template"]
            yield template["metadata"]["labels"]["app.kubernetes.io/component"], template["spec"]


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_every_object_is_valid(values: Path) -> None:
    """Helm finds no fault, and Kubernetes' schemas refuse no field."""
    helm("lint", "--strict", str(CHART), "-f", str(values), "--kube-version", f"{KUBERNETES}.0")
    objects = rendered("-f", str(values))
    for found in objects:
        if not found["apiVersion"].startswith(OPERATORS):
            kubernetes_validate.validate(found, KUBERNETES, strict=True)
    names = [(found["kind"], found["metadata"]["name"]) for found in objects]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_no_pod_is_root_or_writes_its_root(values: Path) -> None:
    """Each container drops every capability, and reads its secrets from one object."""
    for _component, pod in pods(rendered("-f", str(values))):
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]
            assert any("secretRef" in source for source in container["envFrom"])


def test_a_worker_has_a_minute_more_than_its_calls() -> None:
    """The pod's grace period outlives the drain, which has the same number."""
    (pod,) = [
        pod for name, pod in pods(rendered("--set", "worker.drainSeconds=7200")) if name == "worker"
    ]
    assert pod["terminationGracePeriodSeconds"] == 7260
    environ = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
    assert environ["WORKER_DRAIN_TIMEOUT"] == "7200"


def test_a_wrong_value_is_refused_by_its_name() -> None:
    """The schema of the values names the place."""
    with pytest.raises(AssertionError, match="/worker/drainSeconds"):
        rendered("--set", "worker.drainSeconds=soon")
    with pytest.raises(AssertionError, match="workers"):
        rendered("--set", "workers.replicaCount=3")


def test_the_chart_has_the_rules_that_promtool_tests() -> None:
    """Helm cannot read files outside of the chart, so it holds a copy."""
    copy = CHART / "files" / "rules.yaml"
    assert copy.read_text() == (ROOT / "deploy" / "prometheus" / "rules.yaml").read_text()


def test_only_a_worker_that_reports_its_calls_may_patch_pods() -> None:
    """Without podDeletionCost no pod has a token of Kubernetes."""
    plain = rendered()
    assert not [found for found in plain if found["kind"] == "Role"]
    assert not any(pod["automountServiceAccountToken"] for _name, pod in pods(plain))
    reporting = rendered("--set", "podDeletionCost.enabled=true")
    (role,) = [found for found in reporting if found["kind"] == "Role"]
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}]
    mounted = {name for name, pod in pods(reporting) if pod["automountServiceAccountToken"]}
    assert mounted == {"worker"}
