"""Params.yaml is committed: a credential in it is refused, and not shown."""

from __future__ import annotations

import re

import pytest
import yaml

from components.errors import UserError
from components.settings.remotes import check_no_credential
from tests.data.sources.remotes.conftest import declare
from tests.scripts import ROOT

REFUSED = [
    ({"kind": "sql", "address": "postgresql://me:hunter2-x@host/db", "query": "select 1"}, "address"),
    ({"kind": "sql", "address": "postgresql://${ME}:hunter2-x@host/db", "query": "select 1"}, "address"),
    ({"kind": "sql", "address": "postgresql://host/db?password=hunter2-x", "query": "select 1"}, "address"),
    ({"kind": "url", "address": "https://host/a.csv?token=hunter2-x"}, "address"),
    ({"kind": "url", "address": "https://host/a.csv?X-Amz-Signature=hunter2-x"}, "address"),
    ({"kind": "url", "address": "s3://b/k", "options": {"secret": "hunter2-x"}}, "options.secret"),
    ({"kind": "url", "address": "s3://b/k", "options": {"key": "hunter2-x"}}, "options.key"),
    ({"kind": "url", "address": "https://h", "options": {"client_kwargs": {"auth_token": "hunter2-x"}}},
     "options.client_kwargs.auth_token"),
    ({"kind": "dvc", "repository": "https://me:hunter2-x@host/r.git", "path": "a"}, "repository"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "key"), REFUSED)
def test_a_credential_is_refused_and_not_shown(settings: dict, key: str) -> None:
    with pytest.raises(UserError, match=rf"remotes\.x\.{key}: a credential stands here") as error:
        check_no_credential("params.yaml: remotes.x", declare(**settings))
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "sql", "address": "postgresql://${ME}:${PW}@host/db", "query": "select 'http://a:b@c'"},
        {"kind": "sql", "address": "postgresql:///db", "query": "select 1"},
        {"kind": "url", "address": "https://host/a.csv?token=${T}&page=2"},
        {"kind": "url", "address": "s3://b/k", "options": {"endpoint_url": "http://host:9000", "anon": True}},
        {"kind": "dvc", "repository": "git@host:team/r.git", "path": "a"},
    ],
)
def test_names_of_variables_are_fine(settings: dict) -> None:
    check_no_credential("params.yaml: remotes.x", declare(**settings))


def test_the_documentations_remotes_are_valid() -> None:
    blocks = re.findall(r"```yaml\n(remotes:.*?)```", (ROOT / "docs/how-to/data.md").read_text(), re.DOTALL)
    assert len(blocks) == 1
    for name, settings in yaml.safe_load(blocks[0])["remotes"].items():
        check_no_credential(name, declare(**settings))
