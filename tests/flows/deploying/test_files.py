"""What deploys a release is valid where no engine runs: by the schemas and the tools of those who read it."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from components.errors import UserError
from components.files import verify_manifest
from components.release import moves, registry
from flows.commands import deploy_files
from flows.deploying import files
from serving.watch import PATHS
from tests.release import bentos

KUBERNETES = ("1.29", "1.33", "1.37")
ALERTS = Path(__file__).with_name("alerts_test.yml")
DOCS = Path(__file__).parents[3] / "docs" / "how-to" / "deploy.md"


@pytest.fixture
def folder(tmp_path: Path, bento: Path) -> Path:
    """The files of a release of the tests' Bento."""
    assert (
        files.write(
            tmp_path / "deploy",
            files.values(tmp_path / "deploy", bento, bento / registry.BUNDLE, "v1.2.0", None),
        )
        == []
    )
    return tmp_path / "deploy"


def resources_of(folder: Path) -> dict[str, Any]:
    """Kind -> resource, of all that kustomization.yaml names."""
    kustomization = yaml.safe_load((folder / "kubernetes/kustomization.yaml").read_text())
    named = kustomization["resources"]
    assert {*named, "kustomization.yaml"} == {path.name for path in (folder / "kubernetes").iterdir()}
    found = [yaml.safe_load((folder / "kubernetes" / name).read_text()) for name in named]
    return {resource["kind"]: resource for resource in found}


def settings(folder: Path) -> dict[str, str]:
    """What .env says."""
    lines = (line for line in (folder / ".env").read_text().splitlines() if not line.startswith("#"))
    pairs = (line.split("=", maxsplit=1) for line in lines)
    return {name: value.strip("'") for name, value in pairs}


def test_another_release_changes_the_two_files_that_name_it_and_nothing_of_the_owners(
    folder: Path, bento: Path
) -> None:
    (folder / "compose.yaml").write_text("mine")
    (folder / "prometheus/token").write_text("mine")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    kept = files.write(
        folder,
        files.values(folder, bento, bento / registry.BUNDLE, "v1.3.0", "registry.example.com:5000/team/desk"),
    )
    assert kept == [folder / "compose.yaml"]
    changed = {path.relative_to(folder) for path, content in before.items() if path.read_bytes() != content}
    assert changed == set(files.WRITTEN_ANEW)
    assert settings(folder)["IMAGE"] == "registry.example.com:5000/team/desk:v1.3.0"


def test_the_command_says_what_is_next_and_takes_any_bento(
    bento: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    given = argparse.Namespace(folder=Path("my deploy"), image=None, bento=bento)
    assert deploy_files.run(given) == 0
    version = json.loads((bento / "src/bundle/card.json").read_text())["version"]
    said = capsys.readouterr().out
    assert f"the files that deploy tiny:{version}" in said
    assert "docker compose -f 'my deploy/compose.yaml' up --build" in said
    assert f"onetrunk deploy-files 'my deploy' --image REGISTRY/tiny --bento {bento}\n" in said
    assert "docker push" not in said  # of a name alone: to Docker's hub, as somebody else's
    given.image = "registry.example.com/team/desk"
    assert deploy_files.run(given) == 0
    said = capsys.readouterr().out
    assert f"build service && docker push registry.example.com/team/desk:{version}\n" in said
    assert "kubectl apply -k 'my deploy/kubernetes'\n" in said


@pytest.mark.slow
def test_a_project_deploys_its_champion_and_after_a_rollback_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = bentos.two_releases(tmp_path / "project")
    monkeypatch.chdir(project)
    given = argparse.Namespace(folder=Path("deploy"), image=None, bento=None)
    before, newest = registry.read(project).line
    for version in (newest, before):
        deploy_files.run(given)
        found = settings(Path("deploy"))
        assert found["RELEASE"] == version
        verify_manifest(Path("deploy") / found["BENTO"])
        if version == newest:
            moves.promote(before, "it answers nonsense", project, "rollback")


def test_compose_is_valid_and_all_that_it_names_is_there(folder: Path, bento: Path) -> None:
    text = (folder / "compose.yaml").read_text()
    schema = resources("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    filled = re.sub(r"\$\{(\w+)\}", lambda found: settings(folder)[found[1]], text)
    compose = yaml.safe_load(re.sub(r"\$\{\w+:-(\w+)\}", r"\1", filled))
    jsonschema.validate(compose, json.loads(schema.read_text()))
    service = compose["services"]["service"]
    build = folder / service["build"]["context"]
    assert build.samefile(bento)
    assert (build / service["build"]["dockerfile"]).is_file()
    mounted = [
        volume.split(":")[0] for one in compose["services"].values() for volume in one.get("volumes", [])
    ]
    assert all((folder / place).is_dir() for place in mounted if place.startswith("."))
    assert {place for place in mounted if not place.startswith(".")} == set(compose["volumes"])
    assert all(port.startswith("127.0.0.1:") for one in compose["services"].values() for port in one["ports"])


def test_no_secret_is_for_git(folder: Path) -> None:
    named = yaml.safe_load((folder / "compose.yaml").read_text())["services"]["service"]["env_file"][0][
        "path"
    ]
    config = yaml.safe_load((folder / "prometheus/prometheus.yml").read_text())
    token = f"prometheus/{config['scrape_configs'][0]['authorization']['credentials_file']}"
    assert {named, token} <= set((folder / ".gitignore").read_text().splitlines())
    assert (folder / token).read_text() == ""


@pytest.mark.parametrize("version", KUBERNETES)
def test_manifests_are_valid(folder: Path, version: str) -> None:
    found = resources_of(folder)
    assert set(found) == {
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "NetworkPolicy",
    }
    for resource in found.values():
        kubernetes_validate.validate(resource, version, strict=True)


def test_manifests_fit_each_other_the_service_and_its_image(folder: Path, bento: Path) -> None:
    found = resources_of(folder)
    pod = found["Deployment"]["spec"]["template"]
    labels = pod["metadata"]["labels"]
    selectors = [found[kind]["spec"]["selector"] for kind in ("Service", "PodDisruptionBudget", "Deployment")]
    assert all(one.get("matchLabels", one) == labels for one in selectors)
    assert found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    (container,) = pod["spec"]["containers"]
    probes = {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")}
    assert {*probes, pod["metadata"]["annotations"]["prometheus.io/path"]} <= PATHS
    (port,) = container["ports"]
    assert {container[f"{kind}Probe"]["httpGet"]["port"] for kind in ("startup", "liveness")} == {
        port["name"]
    }
    assert found["Service"]["spec"]["ports"][0]["targetPort"] == port["name"]
    dockerfile = (bento / "env/docker/Dockerfile").read_text()
    assert f"ARG BENTO_USER_UID={pod['spec']['securityContext']['runAsUser']}" in dockerfile
    assert f"EXPOSE {port['containerPort']}" in dockerfile
    assert (
        found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"]
        == found["Deployment"]["metadata"]["name"]
    )


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_puts_the_release_into_the_manifests(folder: Path) -> None:
    done = subprocess.run(["kubectl", "kustomize", folder / "kubernetes"], capture_output=True, text=True)
    made = list(yaml.safe_load_all(done.stdout))
    for resource in made:
        kubernetes_validate.validate(resource, KUBERNETES[-1], strict=True)
    pod, configured = (
        next(one for one in made if one["kind"] == kind) for kind in ("Deployment", "ConfigMap")
    )
    (container,) = pod["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "tiny:v1.2.0"
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "1280Mi"}
    assert configured["data"] == {"ONETRUNK_RELEASE": "v1.2.0"}
    assert container["envFrom"][0]["configMapRef"]["name"] == configured["metadata"]["name"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_overlay_of_the_docs_changes_what_it_says(folder: Path) -> None:
    overlay = DOCS.read_text().split("# production/kustomization.yaml\n")[1].split("```")[0]
    own = folder.parent / "production" / "kustomization.yaml"
    own.parent.mkdir()
    own.write_text(overlay)
    done = subprocess.run(["kubectl", "kustomize", own.parent], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = {one["kind"]: one for one in yaml.safe_load_all(done.stdout)}
    assert made["HorizontalPodAutoscaler"]["spec"]["maxReplicas"] == 20
    assert {one["metadata"]["namespace"] for one in made.values()} == {"production"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_each_alert_fires_where_it_should_and_nowhere_else(folder: Path) -> None:
    shutil.copy(ALERTS, folder / "prometheus")
    for command in (["check", "config", "prometheus.yml"], ["test", "rules", ALERTS.name]):
        done = subprocess.run(
            ["promtool", *command], cwd=folder / "prometheus", capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried() -> None:
    rules = re.findall(r"- alert: (\w+)", (files.TEMPLATES / "prometheus/alerts.yml").read_text())
    assert set(rules) == set(re.findall(r"alertname: (\w+)", ALERTS.read_text()))


def test_the_board_is_read_from_where_it_lies_and_its_panels_do_not_overlap(folder: Path) -> None:
    board = json.loads((folder / "grafana/boards/service.json").read_text())
    source = yaml.safe_load((folder / "grafana/provisioning/datasources/prometheus.yaml").read_text())
    provider = yaml.safe_load((folder / "grafana/provisioning/dashboards/onetrunk.yaml").read_text())
    volumes = yaml.safe_load((folder / "compose.yaml").read_text())["services"]["grafana"]["volumes"]
    assert f"./grafana/boards:{provider['providers'][0]['options']['path']}:ro" in volumes
    panels = board["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["datasources"][0]["uid"]}
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [cell for panel in panels for cell in cells(**panel["gridPos"])]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24


def cells(x: int, y: int, w: int, h: int) -> list[tuple[int, int]]:
    """Of Grafana's grid, those that a panel takes."""
    return [(column, row) for column in range(x, x + w) for row in range(y, y + h)]


@pytest.mark.parametrize("image", ["Desk", "desk:v1", "", "-desk", "desk/", "https://desk"])
def test_an_image_that_is_none_is_one_sentence(bento: Path, tmp_path: Path, image: str) -> None:
    with pytest.raises(UserError, match=f"^--image: found '{image}', expected a name such as "):
        files.values(tmp_path, bento, bento / registry.BUNDLE, "v1.2.0", image)


@pytest.mark.parametrize("taken", ["", ".env", "compose.yaml"])
def test_a_folder_that_cannot_be_written_is_one_sentence(bento: Path, tmp_path: Path, taken: str) -> None:
    folder = tmp_path / "deploy"
    (folder / taken).mkdir(parents=True) if taken else folder.touch()
    with pytest.raises(UserError, match=f"{taken}: cannot be written"):
        files.write(folder, files.values(folder, bento, bento / registry.BUNDLE, "v1.2.0", None))


def test_a_name_that_kubernetes_would_refuse_becomes_one_that_it_takes(bento: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(bento, tmp_path / "bento"))
    card = json.loads((other / "src/bundle/card.json").read_text())
    (other / "src/bundle/card.json").write_text(json.dumps({**card, "name": "news_" * 20}))
    name = files.values(tmp_path / "deploy", other, other / registry.BUNDLE, "v1.2.0", None).name
    assert re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)
    assert len(name) <= 53
