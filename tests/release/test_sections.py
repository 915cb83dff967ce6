"""What goes on in the night needs its own section of params.yaml, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import UserError
from components.release import sections, signing
from components.release.sections import section
from components.settings.rollout import Rollout
from flows import champion
from tests.release import bentos

GOOD = """\
packaging: {signing: {public_key: key.pub, required: true}}
rollout: {canary: {share: 0.1}}
traffic: {rows_a_day: 7}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two commits: one with the settings above, and one with a mistake in them."""
    sections._say.cache_clear()
    (tmp_path / "params.yaml").write_text(GOOD)
    bentos.git(tmp_path, "init", "-q")
    for content in (GOOD, "rollout: ["):
        (tmp_path / "params.yaml").write_text(content)
        bentos.git(tmp_path, "add", "params.yaml")
        bentos.git(tmp_path, "commit", "-q", "-m", "settings")
    return tmp_path


@pytest.mark.parametrize("content", [None, "packaging: [", "", "\tx"])
def test_settings_that_cannot_be_read_ask_for_no_less_than_they_did(
    project: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "params.yaml").unlink()
    if content is not None:
        (project / "params.yaml").write_text(content)
    with pytest.raises(UserError, match="has no signature"):
        signing.check(project, project)
    found = section(project, Rollout, "rollout")
    assert found is not None
    assert found.canary is not None
    assert [*champion._settings_of_service(project)] == ["ONETRUNK_TRAFFIC"]
    assert capsys.readouterr().err.count("; what it says in commit ") == 1


def test_of_settings_that_can_be_read_nothing_but_the_section_counts(project: Path) -> None:
    (project / "params.yaml").write_text("nonsense: 1\nrollout: {shadow: {share: 0.5}}\n")
    found = section(project, Rollout, "rollout")
    assert found is not None
    assert found.canary is None
    assert section(project, Rollout, "nothing", "there") is None


def test_a_section_with_a_mistake_is_one_sentence(project: Path) -> None:
    (project / "params.yaml").write_text("rollout: {canary: {shar: 1}}\n")
    with pytest.raises(UserError, match=r"^params.yaml: rollout.canary.shar: unknown key \(did you mean"):
        section(project, Rollout, "rollout")


@pytest.mark.parametrize(
    "packaging", ["5", "''", "no", "[signing]", "\n- signing: {public_key: key.pub, required: true}"]
)
def test_what_stands_where_a_section_is_to_be_does_not_ask_for_less(project: Path, packaging: str) -> None:
    (project / "params.yaml").write_text(f"packaging: {packaging}\n")
    with pytest.raises(UserError, match="^params.yaml: packaging: found .*, expected keys with values$"):
        signing.check(project, project)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ("packaging: {requires_signature: true}", "packaging.requires_signature"),
        ("packaging: {singing: {public_key: key.pub, required: true}}", "packaging.singing"),
        ("packaging: {Signing: {public_key: key.pub}}", "packaging.Signing"),
        ("packagin: {signing: {public_key: key.pub}}", "packagin"),
        ("signing: {public_key: key.pub}", "signing"),
        ("packaging: {signing: {public_key: key.pub}, sign_all: true}", "packaging.sign_all"),
        ("packaging: {requireSignature: true}", "packaging.requireSignature"),
        ("packaging: {isgning: {public_key: key.pub}}", "packaging.isgning"),
        ("packaging: {cosign: true}", "packaging.cosign"),
        ("service: {signing: {public_key: key.pub}}", "service"),
        ("siging: {public_key: key.pub}", "siging"),
    ],
)
def test_a_key_that_may_ask_for_signatures_is_not_passed_over(project: Path, settings: str, key: str) -> None:
    (project / "params.yaml").write_text(settings + "\n")
    said = rf"^params.yaml: {key}: unknown key, which may ask for signatures: nothing is loaded"
    with pytest.raises(UserError, match=said):
        signing.check(project, project)


@pytest.mark.parametrize(
    "settings",
    [
        "packages: {}\nassigned: 1\npackaging: {max_txts: 5, designs: 2, 7: x}",
        "single_file: true\nsignificance: .05\npackaging: {single_thread: true, min_significance: 2}",
        "packaging: {design: calm, signal: TERM, timing: true, string: x, mining: 1, cosine: .5}",
        "package: 1\npacking: {length: 5}\npricing: 3",
    ],
)
def test_another_key_that_is_misspelt_or_of_a_later_version_holds_up_nothing(
    project: Path, settings: str
) -> None:
    (project / "params.yaml").write_text(f"{settings}\n")
    signing.check(project, project)


def test_what_is_committed_of_a_project_below_its_repository_holds(tmp_path: Path) -> None:
    sections._say.cache_clear()
    (folder := tmp_path / "project").mkdir()
    (folder / "params.yaml").write_text(GOOD)
    bentos.git(tmp_path, "init", "-q")
    bentos.git(tmp_path, "add", ".")
    bentos.git(tmp_path, "commit", "-q", "-m", "settings")
    (folder / "params.yaml").unlink()
    assert signing.of_project(folder) is not None


def test_of_settings_behind_a_link_to_nowhere_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").symlink_to("gone")
    with pytest.raises(UserError, match="no such file"):
        signing.check(tmp_path, tmp_path)


def test_settings_that_no_commit_has_otherwise_are_refused_and_none_are_none(tmp_path: Path) -> None:
    assert section(tmp_path, Rollout, "rollout") is None
    (tmp_path / "params.yaml").write_text("rollout: [")
    with pytest.raises(UserError, match="params.yaml: line 1: "):
        section(tmp_path, Rollout, "rollout")
