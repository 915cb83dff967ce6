"""The bill of materials, held to the schema that CycloneDX publishes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing

from components.evaluation.records import Finding
from components.release import bundle, sbom
from components.release.records import BundleCard
from serving.bundle import LICENCES, REQUIREMENTS
from tests.release.stated import ORIGINS, STATED
from tests.scripts import script
from tests.serving import tiny

make_licences = script("docs/make_licences.py")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    packaging = tiny.PACKAGING.model_copy(update={"card": STATED})
    needs = sbom.packages(REQUIREMENTS, LICENCES)
    bundle.write(
        tiny.write_project(folder / "project"), packaging, "c" * 64, folder / "bundle", ORIGINS, needs
    )
    return folder / "bundle"


@pytest.fixture(scope="module")
def bill(packed: Path) -> dict:
    return json.loads((packed / "sbom.cdx.json").read_text())


def test_it_is_valid_by_the_schema_of_cyclonedx(packed: Path) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str((packed / "sbom.cdx.json").read_text()) is None
    assert validator.validate_str('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}]}')


def test_it_names_every_package_that_a_bento_installs(bill: dict) -> None:
    pins = {line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")}
    software = [each for each in bill["components"] if each["type"] == "library"]
    assert {f"{each['name']}=={each['version']}" for each in software} == pins
    torch = next(each for each in software if each["name"] == "torch")
    assert torch["purl"] == f"pkg:pypi/torch@{torch['version']}"
    assert "BSD-3-Clause" in torch["licenses"][0]["expression"]
    assert all(each.get("licenses") for each in software)
    assert set(bill["dependencies"][0]["dependsOn"]) == {"model", *(each["bom-ref"] for each in software)}


def test_every_metric_has_its_slice_and_its_interval(packed: Path, bill: dict) -> None:
    (model,) = (each for each in bill["components"] if each["type"] == "machine-learning-model")
    assert model["hashes"] == [
        {"alg": "SHA-256", "content": BundleCard.read(packed / "card.json").model.sha256}
    ]
    assert model["pedigree"]["ancestors"][0]["name"] == "answerdotai/ModernBERT-base"
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    bounds = {"lowerBound": "0.8", "upperBound": "0.95"}
    assert metrics == [
        {"type": name, "value": "0.9", "slice": f"{head}, test", "confidenceInterval": bounds}
        for head, name in (("ner", "entity_f1"), ("sentiment", "accuracy"), ("similarity", "pearson"))
    ]


def test_what_further_gates_found_and_why_it_was_forced_stand_in_it(packed: Path) -> None:
    card = BundleCard.read(packed / "card.json")
    found = Finding(gate="size", what="relative to the champion's", rows=1, value=1.1, interval=[1.0, 1.2])
    alone = found.model_copy(update={"interval": None})
    ner = card.tasks["ner"].model_copy(update={"findings": [alone]})
    changes = {"findings": [found], "verdict": "HOLD", "forced": "accepted by Ada", "tasks": {"ner": ner}}
    made = sbom.bill(card.model_copy(update=changes), [])
    of_gates = [
        one
        for one in made["components"][0]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
        if one["type"] == "size"
    ]
    what = "relative to the champion's"
    bounds = {"lowerBound": "1.0", "upperBound": "1.2"}
    assert of_gates == [
        {"type": "size", "value": "1.1", "slice": what, "confidenceInterval": bounds},
        {"type": "size", "value": "1.1", "slice": f"ner, test, {what}"},
    ]
    said = {one["name"]: one["value"] for one in made["metadata"]["component"]["properties"]}
    assert (said["onetrunk:verdict"], said["onetrunk:forced"]) == ("HOLD", "accepted by Ada")


def test_data_sets_are_named_by_their_hashes(packed: Path, bill: dict) -> None:
    data = {each["bom-ref"]: each for each in bill["components"] if each["type"] == "data"}
    card = BundleCard.read(packed / "card.json")
    for name, splits in card.data.items():
        for split, digest in splits.items():
            assert data[f"data:{name}:{split}"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    (model,) = (each for each in bill["components"] if each["type"] == "machine-learning-model")
    assert {each["ref"] for each in model["modelCard"]["modelParameters"]["datasets"]} == set(data)
    assert data["data:ner:test"]["licenses"] == [{"license": {"name": "cc-by-4.0"}}]


def test_it_follows_from_the_card_and_its_code(packed: Path, tmp_path: Path, bill: dict) -> None:
    card = BundleCard.read(packed / "card.json")
    sbom.write(tmp_path, card, sbom.packages(REQUIREMENTS, LICENCES))
    assert (tmp_path / "sbom.cdx.json").read_bytes() == (packed / "sbom.cdx.json").read_bytes()
    other = sbom.bill(card.model_copy(update={"version": "another"}), [])
    assert other["serialNumber"] != bill["serialNumber"]
    assert "timestamp" not in bill["metadata"]


def test_the_licences_are_what_the_packages_state() -> None:
    assert LICENCES.read_text() == make_licences.page(), "run `make docs`"


@pytest.mark.parametrize("package", ["onnxruntime", "openvino"])
def test_a_runtimes_own_packages_have_a_licence(tmp_path: Path, package: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"{package}==1.0\n")
    (found,) = sbom.packages(tmp_path / "requirements.txt", LICENCES)
    assert found.license in ("MIT", "Apache-2.0")


@pytest.mark.slow
def test_what_looks_like_an_spdx_expression_is_one() -> None:
    for package in sbom.packages(REQUIREMENTS, LICENCES):
        if package.license and sbom.EXPRESSION.fullmatch(package.license):
            assert not get_spdx_licensing().validate(package.license).errors, package
