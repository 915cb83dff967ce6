"""The bill of materials in CycloneDX 1.6: the software that a Bento needs, the model, and what made it.

https://cyclonedx.org/docs/1.6/json/. The model's `modelCard` has every metric with its slice and its
interval, and names each data set by its hash. Serial number and content follow from card.json and from the
code that it names, so equal Bentos have equal bytes; there is no time in it for the same reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from components.files import read_json, write_json
from components.records import Part
from components.release.records import BundleCard, Origin, PackedTask

SBOM = "sbom.cdx.json"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)$", re.MULTILINE)
EXPRESSION = re.compile(r"\(?[\w.+-]+\)?( (AND|OR|WITH) \(?[\w.+-]+\)?)*")  # of SPDX, not "BSD License"
Json = dict[str, Any]


class Package(Part):
    """A distribution of the Python package index that a Bento installs."""

    name: str
    version: str
    license: str | None  # an SPDX expression, or the package's own words; null where it states none


def packages(requirements: Path, licences: Path) -> list[Package]:
    """The pinned distributions of a requirements file; `licences` is JSON: name -> licence."""
    stated = read_json(licences)
    pins = PIN.findall(requirements.read_text(encoding="utf-8"))
    return [Package(name=name, version=version, license=stated.get(name)) for name, version in pins]


def write(folder: Path, card: BundleCard, needs: Sequence[Package]) -> None:
    """Write the bill of materials of a bundle into its folder."""
    write_json(folder / SBOM, bill(card, needs))


def bill(card: BundleCard, needs: Sequence[Package]) -> Json:
    """The whole document."""
    model, data, software = _model(card), list(_data(card)), [_software(package) for package in needs]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'onetrunk:{card.name}:{card.version}')}",
        "version": 1,
        "metadata": {"component": _service(card)},
        "components": [model, *data, *software],
        "dependencies": [
            {"ref": "service", "dependsOn": ["model", *(each["bom-ref"] for each in software)]},
            {"ref": "model", "dependsOn": [each["bom-ref"] for each in data]},
        ],
    }


def _service(card: BundleCard) -> Json:
    properties = {"code:sha256": card.code.sha256, "commit": card.commit, "verdict": card.verdict}
    properties["forced"] = card.forced
    return {
        "type": "application",
        "bom-ref": "service",
        "name": card.name,
        "version": card.version,
        "properties": _properties(properties),
    }


def _model(card: BundleCard) -> Json:
    stated, encoder = card.stated, card.origins.encoder
    return {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": card.name,
        "version": card.version,
        "hashes": [_hash(card.model.sha256)],
        **_named(stated.license),
        **({"pedigree": {"ancestors": [_ancestor(encoder)]}} if encoder else {}),
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": ", ".join(sorted({task.family for task in card.tasks.values()})),
                "architectureFamily": "transformer",
                "datasets": [{"ref": each["bom-ref"]} for each in _data(card)],
            },
            "quantitativeAnalysis": {"performanceMetrics": list(_metrics(card))},
            "considerations": {
                "useCases": [stated.intended_use or "not stated"],
                "technicalLimitations": [stated.limits or "not stated"],
            },
        },
    }


def _metrics(card: BundleCard) -> Iterator[Json]:
    """Every metric of every head, and of every slice and further gate of it and of the whole."""
    for found in card.findings:
        yield _metric(found.gate, found.what, found.value, found.interval)
    for head, task in card.tasks.items():
        for name, evidence in task.metrics.items():
            yield _metric(name, f"{head}, test", evidence.value, evidence.interval)
        for found in task.findings:
            yield _metric(found.gate, f"{head}, test, {found.what}", found.value, found.interval)


def _metric(kind: str, part: str, value: float, interval: Sequence[float] | None) -> Json:
    known = {"type": kind, "value": str(value), "slice": part}
    if interval is None:
        return known
    low, high = map(str, interval)
    return {**known, "confidenceInterval": {"lowerBound": low, "upperBound": high}}


def _data(card: BundleCard) -> Iterator[Json]:
    """The rows of each task, split by split; their hashes are those of the files that were trained on."""
    for name, splits in card.data.items():
        stated = card.stated.data.get(name)
        for split, digest in splits.items():
            yield {
                "type": "data",
                "bom-ref": f"data:{name}:{split}",
                "name": f"{name}, {split}",
                "hashes": [_hash(digest)],
                **_named(stated.license if stated else None),
                "data": [{"type": "dataset", "name": name, **_described(card.tasks.get(name), split)}],
                **_origin(card.origins.tasks.get(name), stated.origin if stated else None),
            }


def _described(task: PackedTask | None, split: str) -> Json:
    return {"description": f"{task.rows[split]} rows"} if task and split in task.rows else {}


def _ancestor(encoder: Origin) -> Json:
    hashes = {"hashes": [_hash(encoder.sha256)]} if encoder.sha256 else {}
    version = {"version": encoder.revision} if encoder.revision else {}
    return {
        "type": "machine-learning-model",
        "bom-ref": "encoder",
        "name": encoder.name or "encoder",
        **version,
        **hashes,
        **_origin(encoder, None),
    }


def _software(package: Package) -> Json:
    name = re.sub(r"[-_.]+", "-", package.name).lower()  # as the index writes it, and so purl
    purl = f"pkg:pypi/{name}@{package.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        **_spdx(package.license),
        "purl": purl,
    }


def _spdx(text: str | None) -> Json:
    """A package's licence: an SPDX expression, or its own words."""
    return {"licenses": [{"expression": text}]} if text and EXPRESSION.fullmatch(text) else _named(text)


def _named(text: str | None) -> Json:
    """A licence in somebody's words: an identifier that SPDX does not know would not be valid."""
    return {"licenses": [{"license": {"name": text}}]} if text else {}


def _origin(origin: Origin | None, stated: str | None) -> Json:
    found = origin.model_dump() if origin else {}
    named = _properties({**{f"origin:{key}": found[key] for key in found}, "origin:stated": stated})
    return {"properties": named} if named else {}


def _properties(values: Mapping[str, str | None]) -> list[dict[str, str]]:
    return [{"name": f"onetrunk:{key}", "value": value} for key, value in values.items() if value]


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}
