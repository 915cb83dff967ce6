"""What was asked, where the traffic's texts are kept: by request, and as candidates for labelling."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from components.families.base import Row
from components.monitoring.traffic.store import days, read
from components.settings.traffic import Traffic


def with_texts(root: Path, traffic: Traffic | None) -> Iterator[pa.Table]:
    """The rows of each day whose texts were kept, oldest day first: `request`, `inputs` and the rest.

    Raises:
        UserError: a file of traffic is damaged.
    """
    if traffic is None:
        return
    folder = root / traffic.folder
    for day in days(folder):
        table = read(folder, day, traffic.rows_a_day)
        if "inputs" in table.column_names:
            yield table.filter(pc.is_valid(table["inputs"]))


def inputs_of(root: Path, traffic: Traffic | None, requests: Collection[str]) -> dict[str, list[Row]]:
    """REQUEST/ITEM -> what was asked there; several where a caller has given an id to several requests.

    Raises:
        UserError: a file of traffic is damaged.
    """
    found: dict[str, list[Row]] = defaultdict(list)
    for table in with_texts(root, traffic) if requests else ():
        own = table.filter(pc.is_in(table["request"], pa.array(sorted(requests), pa.string())))
        for request, inputs in zip(own["request"].to_pylist(), own["inputs"].to_pylist(), strict=True):
            if (asked := json.loads(inputs)) not in found[request]:
                found[request].append(asked)
    return found
