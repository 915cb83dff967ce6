"""Signatures by real keys, verified by our own loaders and by the tool that defines their form."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import yaml

from components.errors import UserError
from components.files import SIGNATURE, verify_manifest
from components.release import moves, registry, signing
from components.settings.release import Signing
from flows import champion
from tests.release import bentos
from tests.release.bentos import write_bento
from tests.release.keys import write_edwards_keys, write_keys

pytestmark = pytest.mark.slow  # another tool signs

REFUSED = "is not a signature of these files by release.pub"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, and the one that we work in."""
    monkeypatch.chdir(bentos.repository(tmp_path))
    return tmp_path


def settle(project: Path, keys: Signing) -> None:
    """Write params.yaml, of which the loaders read this section alone."""
    (project / "params.yaml").write_text(yaml.safe_dump({"packaging": {"signing": keys.model_dump()}}))


def signed(project: Path, keys: Signing, version: str = "v1") -> Path:
    """A Bento with a signature."""
    bento = write_bento(project / "bento", version, "weights")
    (bento / SIGNATURE).unlink(missing_ok=True)
    signing.sign(bento, project, keys)
    settle(project, keys)
    return bento


def test_a_signed_bento_is_loaded_by_all_that_load_one(project: Path) -> None:
    bento = signed(project, write_keys(project))
    assert champion.bundle(bento) == bento / "src/bundle"
    released()
    assert registry.open_champion(found()) == Path(".onetrunk/releases/v1/src/bundle")


def released() -> None:
    """The Bento that is here becomes the champion."""
    bentos.track(Path())
    against = registry.champion(registry.model_of(Path("bento")))
    moves.release(Path("bento"), bentos.write_verdict(Path(), against=against))


def found() -> registry.Champion:
    champion = registry.champion(other_than_model="another")
    assert champion is not None
    return champion


def rewrite_card(bento: Path) -> None:
    """As somebody does who makes the manifest agree."""
    (bento / "src/bundle/card.json").write_text("{}")
    digest = signing.sha256(bento / "src/bundle/card.json")
    manifest = json.loads((bento / "manifest.json").read_text())
    manifest["files"]["src/bundle/card.json"] = {"bytes": 2, "sha256": digest}
    (bento / "manifest.json").write_text(json.dumps(manifest))
    verify_manifest(bento)


ATTACKS: dict[str, Callable[[Path], object]] = {
    "the card and the manifest are rewritten": rewrite_card,
    "the weights are altered": lambda bento: (bento / "src/bundle/model.safetensors").write_text("others!"),
    "a file is added that Python would find first": lambda bento: (bento / "src/torch.py").write_text("x"),
    "a compiled file is added": lambda bento: (bento / "src/x.pyc").write_text("x"),
    "a file of git's is added": lambda bento: (bento / ".gitattributes").write_text("x"),
    "a file is gone": lambda bento: (bento / "weights").unlink(),
    "a file is another by a link": lambda bento: (
        (bento / "weights").rename(bento.parent / "w"), (bento / "weights").symlink_to(bento.parent / "w")
    ),
    "the signature is empty": lambda bento: (bento / SIGNATURE).write_text(""),
    "the signature is no object": lambda bento: (bento / SIGNATURE).write_text("[]"),
    "the signature holds nothing": lambda bento: (bento / SIGNATURE).write_text("{}"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("required", [True, False])
def test_an_altered_bento_is_refused(project: Path, attack: Callable[[Path], object], required: bool) -> None:
    bento = signed(project, write_keys(project, required=required))
    attack(bento)
    with pytest.raises(UserError, match=REFUSED) as refused:
        champion.bundle(bento)
    assert "\n" not in str(refused.value)


def test_bytecode_that_python_left_is_refused_and_what_to_do_is_said(project: Path) -> None:
    bento = signed(project, write_keys(project))
    (bento / "src/bundle/__pycache__").mkdir()
    (bento / "src/bundle/__pycache__/a.cpython-311.pyc").write_text("x")
    with pytest.raises(
        UserError, match=rf"{REFUSED} .*a\.cpython-311\.pyc.*: remove its folders __pycache__,"
    ):
        champion.bundle(bento)


def test_the_signature_of_another_key_is_refused(project: Path) -> None:
    bento = signed(project, write_keys(project, "foreign"))
    settle(project, write_keys(project))
    with pytest.raises(UserError, match=REFUSED):
        champion.bundle(bento)


def test_the_signature_of_another_release_is_refused(project: Path) -> None:
    keys = write_keys(project)
    bento = signed(project, keys)
    shutil.copy(bento / SIGNATURE, project / "kept")
    other = signed(project, keys, "v2")
    shutil.copy(project / "kept", other / SIGNATURE)
    with pytest.raises(UserError, match=REFUSED):
        champion.bundle(other)


def test_a_champion_whose_signature_is_not_good_is_not_compared_with(project: Path) -> None:
    signed(project, write_keys(project, "foreign"))
    released()
    settle(project, write_keys(project))
    with pytest.raises(UserError, match=REFUSED):
        registry.open_champion(found())
    write_bento(project / "bento", "v2", "others")
    signing.sign(project / "bento", project, write_keys(project))
    released()
    with pytest.raises(UserError, match=REFUSED):
        moves.promote("v1.0.0", "", action="rollback")
    champion.find(project)  # it is still the one with the good signature


@pytest.mark.parametrize("required", [True, False])
def test_a_missing_signature_is_refused_where_it_is_required(project: Path, required: bool) -> None:
    bento = signed(project, write_keys(project, required=required))
    (bento / SIGNATURE).unlink()
    if not required:
        assert champion.bundle(bento)
        return
    with pytest.raises(
        UserError, match=r"bento: has no signature \(model\.sig\), and .*required asks for one"
    ):
        champion.bundle(bento)
    released()
    with pytest.raises(UserError, match="has no signature"):
        registry.open_champion(found())


def test_without_keys_in_the_settings_nothing_is_asked(project: Path) -> None:
    bento = signed(project, write_keys(project))
    (project / "params.yaml").write_text("packaging: {name: x}\n")
    (bento / SIGNATURE).write_text("{}")
    assert champion.bundle(bento)


def test_equal_bentos_have_equal_signatures(project: Path) -> None:
    """Whoever signs: the order of the names in what is signed is drawn by each process, unless it is sorted."""
    keys = write_keys(project)
    bento = signed(project, keys)
    first = (bento / SIGNATURE).read_bytes()
    code = (
        "from pathlib import Path\nfrom components.release import signing\n"
        "from components.settings.release import Signing\n"
        f"signing.sign(Path({str(bento)!r}), Path({str(project)!r}), Signing(**{keys.model_dump()!r}))"
    )
    for _ in range(2):
        (bento / SIGNATURE).unlink()
        subprocess.run([sys.executable, "-c", code], check=True)
        assert (bento / SIGNATURE).read_bytes() == first


def test_a_signature_travels_with_its_bento_and_leaves_the_manifest_as_it_is(project: Path) -> None:
    bento = signed(project, write_keys(project))
    released()
    for name in (SIGNATURE, "manifest.json"):
        assert (project / ".onetrunk/releases/v1" / name).read_bytes() == (bento / name).read_bytes()
    assert SIGNATURE not in verify_manifest(bento)["files"]
    released()  # the same again changes nothing
    signed(project, write_keys(project, "other"))  # and a signed Bento may be made anew


def test_the_tool_of_openssf_verifies_it(project: Path) -> None:
    bento = signed(project, write_keys(project))
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(bento)]
    command += ["--signature", str(bento / SIGNATURE), "--public_key", "release.pub", "--no-ignore-git-paths"]
    assert subprocess.run(command, capture_output=True).returncode == 0
    (bento / "src/torch.py").write_text("x")
    assert subprocess.run(command, capture_output=True).returncode != 0


def test_what_that_tool_has_signed_is_verified(project: Path) -> None:
    bento = signed(project, write_keys(project))
    (bento / SIGNATURE).unlink()
    command = [sys.executable, "-m", "model_signing", "sign", "key", str(bento)]
    command += ["--signature", str(bento / SIGNATURE), "--private_key", "release.pem"]
    subprocess.run(command, check=True, capture_output=True)
    assert champion.bundle(bento)


def test_the_private_key_is_not_in_the_bento(project: Path) -> None:
    bento = signed(project, write_keys(project))
    secret = (project / "release.pem").read_text().splitlines()[1]
    assert not [
        file for file in bento.rglob("*") if file.is_file() and secret in file.read_text(errors="replace")
    ]


def test_a_private_key_that_is_in_git_is_refused(project: Path) -> None:
    keys = write_keys(project)
    subprocess.run(["git", "init", "-q"], check=True)
    signed(project, keys)
    subprocess.run(["git", "add", "release.pem"], check=True)
    with pytest.raises(UserError, match=r"private_key: release\.pem is in git; take it out"):
        signed(project, keys)


def test_keys_that_cannot_sign_are_named(project: Path) -> None:
    bento = write_bento(project / "bento", "v1", "weights")
    good, other, edwards = write_keys(project), write_keys(project, "other"), write_edwards_keys(project)
    wrong: dict[str, Signing] = {
        "private_key: no such file 'none.pem'": good.model_copy(update={"private_key": "none.pem"}),
        "public_key: no such file 'none.pub'": good.model_copy(update={"public_key": "none.pub"}),
        "left out, but a signature is required": good.model_copy(update={"private_key": None}),
        "release.pub is no key of the curves": good.model_copy(update={"private_key": "release.pub"}),
        "private_key: edwards.pem is no key of": good.model_copy(update={"private_key": edwards.private_key}),
        "public_key: edwards.pub is no key of": good.model_copy(update={"public_key": edwards.public_key}),
        "public_key: release.pem is no key of": good.model_copy(update={"public_key": "release.pem"}),
        "other.pub is not the public half of release.pem; write that with `openssl ec -in release.pem -p": (
            good.model_copy(update={"public_key": other.public_key})
        ),
    }
    for sentence, keys in wrong.items():
        for spent in (partial(signing.sign, bento), signing.ready):
            with pytest.raises(UserError, match=sentence):
                spent(project, keys)


def test_what_a_run_will_refuse_is_foreseen_but_the_private_key_may_be_elsewhere(project: Path) -> None:
    good = write_keys(project)
    assert signing.foresee(project, good) is None
    assert signing.foresee(project, None) is None
    for sentence, other in {
        "left out, but a signature is required": {"private_key": None},
        "release.pub is no key of": {"private_key": "release.pub"},
        "no such file 'none.pub'": {"public_key": "none.pub", "private_key": "none.pem"},
    }.items():
        with pytest.raises(UserError, match=sentence):
            signing.foresee(project, good.model_copy(update=other))
    (project / "release.pem").unlink()
    assert signing.foresee(project, good) == (
        "params.yaml: packaging.signing.private_key: no such file 'release.pem'; `onetrunk run` needs it, to sign"
    )


def test_a_section_that_is_none_is_refused(project: Path) -> None:
    (project / "params.yaml").write_text("packaging: {signing: {required: true}}\n")
    with pytest.raises(UserError, match=r"^params\.yaml: packaging\.signing\.public_key: missing"):
        signing.check(project, project)


def test_without_the_package_it_says_how_to_get_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bento = signed(project, write_keys(project))
    for name in [name for name in sys.modules if name.partition(".")[0] == "model_signing"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "model_signing", None)
    with pytest.raises(UserError, match=r"model-signing; pip install 'onetrunk\[signing\]'"):
        champion.bundle(bento)
