"""What every prefect.yaml of ours says, which a project is made with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = ["prefect.yaml", "flows/project/prefect.yaml", "flows/project/from/news/prefect.yaml"]


@pytest.mark.parametrize("file", FILES)
def test_no_deployment_has_slots_that_a_dead_run_could_hold_and_each_waits_for_server_and_database(
    file: str,
) -> None:
    """docs/decisions/0069-no-concurrency-limit.md"""
    text = (ROOT / file).read_text()
    assert {*re.findall("prefect worker start.*", text)} <= {"prefect worker start --pool onetrunk --limit 4"}
    deployments = yaml.safe_load(text)["deployments"]
    assert deployments
    for one in deployments:
        assert not {"concurrency_limit", "concurrency_options"} & {*one, *one["work_pool"]}
        patience = one["work_pool"]["job_variables"]["env"]
        assert int(patience["PREFECT_CLIENT_MAX_RETRIES"]) >= 7  # 2 + 4 + ... + 128 seconds
        assert patience["PREFECT_CLIENT_RETRY_EXTRA_CODES"] == "500"  # of a server without its database
