"""The manifests for Kubernetes say what its schemas and its restricted policy allow, and what Studyhall
needs.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

from studyhall.search.commands.group import cli
from studyhall.search.processes.launching import STOP_SECONDS
from studyhall.search.server import listening
from studyhall.search.server.health import router
from studyhall.studies.database.attributes import STOP
from studyhall.studies.study_file.loading import load_definition

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "kubernetes"
PAGE = FOLDER.with_suffix(".md")
OVERLAYS = sorted(path.name for path in (FOLDER / "overlays").iterdir())
# The oldest in which all of it is stable, and the newest.
VERSIONS = (
    "1.31",
    kubernetes_validate.latest_version(),
)
KUSTOMIZE = next(
    (
        [path, *arguments]
        for program, arguments in (("kustomize", ["build"]), ("kubectl", ["kustomize"]))
        if (path := shutil.which(program)) is not None
    ),
    None,
)

Manifest = dict[str, Any]
in_each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)
needs_kustomize = pytest.mark.skipif(
    KUSTOMIZE is None, reason="needs kustomize or kubectl, and neither is here"
)


def files_of(folder: Path) -> Iterator[tuple[Path, Manifest]]:
    """The manifests in the files of a folder, those of kustomize left out."""
    for path in sorted(folder.rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            for manifest in yaml.safe_load_all(path.read_text()):
                yield path, manifest


def rendered(folder: Path) -> list[Manifest]:
    """What kustomize makes of a folder."""
    assert KUSTOMIZE is not None
    command = [*KUSTOMIZE, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@cache
def manifests(overlay: str) -> list[Manifest]:
    """What an overlay renders to; without kustomize, what the base and KEDA's component have in
    their files.
    """
    if KUSTOMIZE is not None:
        return rendered(FOLDER / "overlays" / overlay)
    folders = [FOLDER / "base", *([FOLDER / "components"] if "keda" in overlay else [])]
    return [manifest for folder in folders for _, manifest in files_of(folder)]


def one(overlay: str, kind: str, name: str) -> Manifest:
    (found,) = [
        each for each in manifests(overlay) if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    return found


def job_spec(manifest: Manifest) -> Manifest:
    spec: Manifest = manifest["spec"]
    return spec["jobTargetRef"] if manifest["kind"] == "ScaledJob" else spec


def templates(overlay: str) -> dict[str, Manifest]:
    """The templates of pods, by what they are."""
    kinds = ("Job", "Deployment", "ScaledJob")
    found = [job_spec(each)["template"] for each in manifests(overlay) if each["kind"] in kinds]
    return {each["metadata"]["labels"]["app.kubernetes.io/component"]: each for each in found if each}


def pods(overlay: str) -> dict[str, Manifest]:
    return {name: template["spec"] for name, template in templates(overlay).items()}


def container(pod: Manifest) -> Manifest:
    (only,) = pod["containers"]
    return dict(only)


def environment(pod: Manifest) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in container(pod)["env"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid_by_the_schemas_of_kubernetes(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Reading the schemas, thousands of lines for each manifest, is what takes time.
    monkeypatch.setattr(
        kubernetes_validate.utils, "schema_contents", cache(kubernetes_validate.utils.schema_contents)
    )
    unknown = set()
    for manifest in {
        yaml.safe_dump(each): each for overlay in OVERLAYS for each in manifests(overlay)
    }.values():
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            unknown.add(manifest["kind"])
            if manifest["kind"] == "ScaledJob" and KUSTOMIZE:  # what it makes is known, if it is not
                job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "any"}}
                kubernetes_validate.validate(job | {"spec": job_spec(manifest)}, version, strict=True)
    assert unknown == {"ScaledJob", "TriggerAuthentication"}


def test_keda_is_told_nothing_that_it_does_not_know() -> None:
    """By apis/keda/v1alpha1 of KEDA: ScaledJobSpec, ScaleTriggers and TriggerAuthenticationSpec."""
    (job, authentication) = (each for _, each in files_of(FOLDER / "components"))
    (trigger,) = job["spec"]["triggers"]
    assert {job["apiVersion"], authentication["apiVersion"]} == {"keda.sh/v1alpha1"}
    assert set(job["spec"]) <= {
        *(
            "jobTargetRef",
            "pollingInterval",
            "successfulJobsHistoryLimit",
            "failedJobsHistoryLimit",
            "rollout",
        ),
        *("envSourceContainerName", "minReplicaCount", "maxReplicaCount", "scalingStrategy", "triggers"),
    }
    assert set(trigger["metadata"]) <= {"query", "targetQueryValue", "activationTargetQueryValue", "dbName"}
    assert all(isinstance(value, str) for value in trigger["metadata"].values())
    assert trigger["authenticationRef"] == {"name": authentication["metadata"]["name"]}
    assert authentication["spec"] == {
        "secretTargetRef": [{"parameter": "connection", "name": "storage", "key": "url"}]
    }


def test_every_file_is_in_a_kustomization_and_every_patch_has_a_target() -> None:
    known = {(each["kind"], each["metadata"]["name"]) for _, each in files_of(FOLDER)}
    used: set[Path] = set()
    for path in FOLDER.rglob("kustomization.yaml"):
        rules = yaml.safe_load(path.read_text())
        named = [*rules.get("resources", ()), *rules.get("components", ())]
        for patch in rules.get("patches", ()):
            named += [patch["path"]] if "path" in patch else []
            target = patch.get("target") or patched(path, patch)
            assert (target["kind"], target["name"]) in known, path
        for replacement in rules.get("replacements", ()):
            ends = [replacement["source"], *(each["select"] for each in replacement["targets"])]
            assert all((end["kind"], end["name"]) in known for end in ends), path
        for name in named:
            assert (path.parent / name).exists(), f"{path}: {name}"
            used.add((path.parent / name).resolve())
    assert {path for path, _ in files_of(FOLDER)} <= used
    begun = {path.parent for path in FOLDER.rglob("kustomization.yaml")} - used
    assert begun == {FOLDER / "overlays" / each for each in OVERLAYS} - used | {FOLDER / "components" / "s3"}


def patched(path: Path, patch: Manifest) -> dict[str, str]:
    text = patch["patch"] if "patch" in patch else (path.parent / patch["path"]).read_text()
    manifest = yaml.safe_load(text)
    return {"kind": manifest["kind"], "name": manifest["metadata"]["name"]}


@in_each_overlay
def test_every_pod_satisfies_the_restricted_policy_and_the_namespace_asks_for_it(overlay: str) -> None:
    labels = one(overlay, "Namespace", "studyhall")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert set(pods(overlay)) == {"create", "worker", "server"}
    for name, pod in pods(overlay).items():
        assert unrestricted(pod) == [], name


def unrestricted(pod: Manifest) -> list[str]:
    """What the restricted policy of Kubernetes forbids, and a root file system that can be written."""
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC", "hostUsers") if pod.get(key)]
    allowed = {"name", "configMap", "emptyDir", "secret", "persistentVolumeClaim"}
    found += [f"volume {each['name']}" for each in pod["volumes"] if not set(each) <= allowed]
    ours = pod["securityContext"]
    found += [] if ours["runAsNonRoot"] is True and ours["runAsUser"] > 0 else ["may be root"]
    found += [] if ours["seccompProfile"] == {"type": "RuntimeDefault"} else ["seccomp"]
    found += [key for key in ("sysctls", "seLinuxOptions", "windowsOptions") if key in ours]
    for each in [*pod["containers"], *pod.get("initContainers", [])]:
        theirs = each["securityContext"]
        found += [] if theirs["allowPrivilegeEscalation"] is False else ["may gain privileges"]
        found += [] if theirs["capabilities"] == {"drop": ["ALL"]} else ["capabilities"]
        found += [] if theirs["readOnlyRootFilesystem"] is True else ["root file system"]
        found += [key for key in ("privileged", "procMount", "runAsUser", "seccompProfile") if key in theirs]
        found += ["host port" for port in each.get("ports", []) if "hostPort" in port]
    return found


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        ("pod", "hostPID", True),
        ("context", "runAsNonRoot", False),
        ("context", "seccompProfile", {"type": "Unconfined"}),
        ("container", "allowPrivilegeEscalation", True),
        ("container", "capabilities", {"drop": ["ALL"], "add": ["NET_ADMIN"]}),
        ("container", "readOnlyRootFilesystem", False),
        ("container", "privileged", True),
    ],
)
def test_what_the_restricted_policy_forbids_would_be_found(where: str, key: str, value: Any) -> None:
    pod = yaml.safe_load(yaml.safe_dump(pods("cpu")["worker"]))
    parts = {
        "pod": pod,
        "context": pod["securityContext"],
        "container": pod["containers"][0]["securityContext"],
    }
    parts[where][key] = value
    assert unrestricted(pod) != []


@in_each_overlay
def test_a_worker_has_as_long_to_leave_as_it_needs_to_hand_its_trial_back(overlay: str) -> None:
    for name in ("worker", "create"):
        assert pods(overlay)[name]["terminationGracePeriodSeconds"] == STOP_SECONDS
    assert pods(overlay)["server"]["terminationGracePeriodSeconds"] > listening.FAREWELL + listening.LEAVE


@in_each_overlay
def test_a_worker_that_was_told_to_stop_is_no_failure_and_is_replaced(overlay: str) -> None:
    status = int(environment(pods(overlay)["worker"])["STUDYHALL_STOPPED_STATUS"])
    kind = "ScaledJob" if "keda" in overlay and KUSTOMIZE else "Job"
    spec = job_spec(one(overlay, kind, "worker"))
    ignored = {"containerName": "worker", "operator": "In", "values": [status]}
    assert status != 0
    assert {"action": "Ignore", "onExitCodes": ignored} in spec["podFailurePolicy"]["rules"]
    assert spec["template"]["spec"]["restartPolicy"] == "Never"  # which the policy needs
    # With a number of completions, the first empty queue would not end the Job.
    assert spec.get("completions") == (1 if kind == "ScaledJob" else None)


@in_each_overlay
def test_the_pods_commands_are_studyhalls(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STUDYHALL_STORAGE", "STUDYHALL_STORAGE_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, pod in pods(overlay).items():
        command, *arguments = container(pod)["args"]
        assert command == {"server": "serve"}.get(name, name)
        found = cli.get_command(None, command)  # type: ignore[arg-type]
        assert found is not None
        found.make_context(command, arguments)


@in_each_overlay
def test_what_is_mounted_is_there_and_what_is_written_to_can_be_written(overlay: str) -> None:
    for name, pod in pods(overlay).items():
        volumes = {each["name"]: each for each in pod["volumes"]}
        mounts = {each["mountPath"]: each for each in container(pod)["volumeMounts"]}
        assert {each["name"] for each in mounts.values()} == set(volumes), name
        given = environment(pod)
        for path in ("/tmp", given["HOME"], given["KERAS_HOME"], given["STUDYHALL_ARTIFACTS"]):
            volume = volumes[mounts[path]["name"]]
            assert "emptyDir" in volume or "persistentVolumeClaim" in volume, f"{name}: {path}"
        read = [
            given["STUDYHALL_STORAGE_FILE"],
            *(each for each in container(pod)["args"] if each.startswith("/")),
        ]
        for file in map(Path, read):
            secret = volumes[mounts[str(file.parent)]["name"]]["secret"]
            # Root's, for the group, is what Studyhall takes for private.
            assert secret["defaultMode"] == 0o440
            assert f"create secret generic {secret['secretName']}" in PAGE.read_text()
            assert f"--from-file={file.name}=" in PAGE.read_text()


@in_each_overlay
def test_no_variable_of_a_service_is_taken_for_a_setting(overlay: str) -> None:
    assert all(pod["enableServiceLinks"] is False for pod in pods(overlay).values())


@in_each_overlay
def test_nothing_may_talk_to_the_cluster(overlay: str) -> None:
    assert one(overlay, "ServiceAccount", "studyhall")["automountServiceAccountToken"] is False
    assert all(pod["automountServiceAccountToken"] is False for pod in pods(overlay).values())
    assert not [each for each in manifests(overlay) if each["kind"] in ("Secret", "Role", "ClusterRole")]


@in_each_overlay
def test_the_server_is_asked_where_it_answers(overlay: str) -> None:
    server = container(pods(overlay)["server"])
    (port,) = server["ports"]
    probes = {name: server[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startupProbe": "/healthz",
        "readinessProbe": "/readyz",
        "livenessProbe": "/healthz",
    }
    assert {probe["path"] for probe in probes.values()} <= {
        getattr(route, "path", None) for route in router.routes
    }
    assert {probe["port"] for probe in probes.values()} == {port["name"]}
    (served,) = one(overlay, "Service", "server")["spec"]["ports"]
    assert served["targetPort"] == port["name"]
    (rule,) = one(overlay, "NetworkPolicy", "to-the-server")["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": port["containerPort"]}]


@in_each_overlay
def test_selectors_find_pods_and_everything_else_is_shut_out(overlay: str) -> None:
    labels = {name: template["metadata"]["labels"] for name, template in templates(overlay).items()}
    for kind, name in (
        ("PodDisruptionBudget", "worker"),
        ("PodDisruptionBudget", "server"),
        ("Deployment", "server"),
    ):
        chosen = one(overlay, kind, name)["spec"]["selector"]["matchLabels"]
        assert [each for each in labels if chosen.items() <= labels[each].items()] == [name]
    assert one(overlay, "Service", "server")["spec"]["selector"].items() <= labels["server"].items()
    nothing = one(overlay, "NetworkPolicy", "nothing")["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (out,) = one(overlay, "NetworkPolicy", "out")["spec"]["egress"]
    assert {each["port"] for each in out["ports"]} == {53, 443, 5432}
    everybody = one(overlay, "NetworkPolicy", "out")["spec"]["podSelector"]["matchLabels"]
    assert all(everybody.items() <= each.items() for each in labels.values())


@in_each_overlay
def test_pods_of_jobs_are_budgeted_by_a_number(overlay: str) -> None:
    """For pods of what has no scale, Kubernetes knows neither maxUnavailable nor percentages, and lets none
    go.
    """
    budget = one(overlay, "PodDisruptionBudget", "worker")["spec"]
    assert "maxUnavailable" not in budget
    assert isinstance(budget["minAvailable"], int)


def test_the_study_is_one_and_keda_counts_its_trials() -> None:
    definition = load_definition(FOLDER / "base" / "study.toml")
    rules = yaml.safe_load((FOLDER / "base" / "kustomization.yaml").read_text())
    assert rules["configMapGenerator"] == [{"name": "study", "files": ["study.toml"]}]
    job = next(each for _, each in files_of(FOLDER / "components"))
    query = job["spec"]["triggers"][0]["metadata"]["query"]
    assert f"study_name = '{definition.name}'" in query
    assert f"'{STOP}'" in query


@needs_kustomize
@in_each_overlay
def test_an_overlay_says_which_image_how_many_workers_and_which_devices(overlay: str) -> None:
    device, _, scaled = overlay.partition("-")
    for pod in pods(overlay).values():
        assert container(pod)["image"].endswith(f"/studyhall:{device}")
    worker = container(pods(overlay)["worker"])
    assert worker["resources"]["limits"].get("nvidia.com/gpu") == ("1" if device == "gpu" else None)
    workers = [each["kind"] for each in manifests(overlay) if each["metadata"]["name"] == "worker"]
    # What KEDA starts again for a trial that comes back need not wait for it.
    assert environment(pods(overlay)["worker"]).get("STUDYHALL_LEAVE") == ("1" if scaled else None)
    many = one(overlay, "ScaledJob" if scaled else "Job", "worker")["spec"]
    assert many["maxReplicaCount" if scaled else "parallelism"] == 4
    assert (
        sorted(workers) == ["PodDisruptionBudget", "ScaledJob"] if scaled else ["Job", "PodDisruptionBudget"]
    )
    for each in manifests(overlay):
        assert each["kind"] == "Namespace" or each["metadata"]["namespace"] == "studyhall"


@needs_kustomize
def test_with_a_bucket_no_pod_has_a_volume_for_artifacts(tmp_path: Path) -> None:
    parts = [
        os.path.relpath(FOLDER / each, tmp_path.resolve()) for each in ("components/s3", "components/keda")
    ]
    rules = {"resources": [os.path.relpath(FOLDER / "overlays/gpu", tmp_path.resolve())], "components": parts}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(rules))
    found = {
        each["kind"]: each
        for each in rendered(tmp_path)
        if each["metadata"]["name"] in ("server", "create", "worker")
    }
    assert "PersistentVolumeClaim" not in {each["kind"] for each in rendered(tmp_path)}
    for kind in ("Deployment", "Job", "ScaledJob"):
        pod = job_spec(found[kind])["template"]["spec"]
        assert environment(pod)["STUDYHALL_ARTIFACTS"].startswith("s3://")
        assert "artifacts" not in {each["name"] for each in pod["volumes"]}
        assert {each["name"] for each in container(pod)["volumeMounts"]} == {
            each["name"] for each in pod["volumes"]
        }
        assert unrestricted(pod) == []


def test_the_page_names_what_is_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for path in re.findall(r"docs/kubernetes/[\w./-]+", page):
        assert (FOLDER.parents[1] / path).exists(), path
    assert set(re.findall(r"overlays/([\w-]+)", page)) == set(OVERLAYS)
