"""An index is made with the weights beside it, and no other is taken. Synthetic project, random encoder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from components import params
from components.data.encoding.split import EncodedSplit, cards_of
from components.errors import UserError
from components.evaluation.records import EVALUATION, Evaluation, ModelId
from components.files import read_json, sha256, write_manifest
from components.model import cpu_attention, index
from components.model.inference import predict, vectors
from components.model.multitask import MultiTaskModel
from components.model.saving import load
from components.release import bundle
from components.training.run.fit import save
from tests import verdicts
from tests.conftest import build_project, encode_project
from tests.families.desk import TEMPLATES, declare_desk
from tests.serving.tiny import PACKAGING

FILE = "index.desk.safetensors"
TOKENIZER = Path("encoder/tokenizer.json")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """The encoded project with a model of seed 1."""
    root = tmp_path_factory.mktemp("desk")
    build_project(root, tiny_encoder)
    declare_desk(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        encode_project(root)
        save(build(1), Path("encoded"), TOKENIZER, Path("models/multitask"))
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to be spoiled; the test runs inside it."""
    shutil.copytree(made, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def build(seed: int) -> MultiTaskModel:
    """Its encoder is moved by the seed, as training would."""
    cards = {
        head: card for name in ("desk", "mood") for head, card in cards_of(Path("encoded") / name).items()
    }
    model = MultiTaskModel.from_encoder(Path("encoder"), cards, 0.1, seed)
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def read(folder: Path) -> dict[str, np.ndarray]:
    return index.read_all(folder, read_json(folder / "config.json")["tasks"])


def rows_of(folder: Path) -> list[dict]:
    return index.candidates(read_json(folder / "config.json")["tasks"])["desk"]


MODEL = Path("models/multitask")


@pytest.mark.usefixtures("root")
def test_its_vectors_are_those_of_each_candidate_alone() -> None:
    """Whatever stands beside it in a pack, or in a padded batch; the mean of its states, of length 1."""
    from tokenizers import Tokenizer

    model, tokenizer = build(1).eval(), Tokenizer.from_file(str(TOKENIZER))
    expected = []
    for _, text in sorted(TEMPLATES.items()):
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.no_grad():
            mean_D = model.encode(ids, torch.ones_like(ids), torch.zeros_like(ids))[0].mean(0)
        expected.append(mean_D / mean_D.norm())
    found = vectors(model, Path("encoded"))
    assert list(found) == ["desk"]
    torch.testing.assert_close(found["desk"], torch.stack(expected), atol=1e-5, rtol=0)
    np.testing.assert_allclose(read(MODEL)["desk"], found["desk"], atol=1e-6)
    model.packs = False
    model.encoder.set_attn_implementation("sdpa")
    torch.testing.assert_close(vectors(model, Path("encoded"))["desk"], found["desk"], atol=1e-5, rtol=0)


@pytest.mark.usefixtures("root")
def test_its_vectors_are_made_by_the_attention_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(1)
    assert model.packs
    monkeypatch.setattr(cpu_attention, "attend", pytest.fail)
    assert list(vectors(model, Path("encoded"))) == ["desk"]


@pytest.mark.usefixtures("root")
def test_built_twice_it_has_the_same_bytes_and_names_its_weights() -> None:
    save(build(1), Path("encoded"), TOKENIZER, Path("again"))
    assert (MODEL / FILE).read_bytes() == (Path("again") / FILE).read_bytes()
    save(build(2), Path("encoded"), TOKENIZER, Path("other"))
    weights = [sha256(folder / "model.safetensors") for folder in (MODEL, Path("other"))]
    assert weights[0] != weights[1]
    for folder, own in zip((MODEL, Path("other")), weights, strict=True):
        assert own in (folder / FILE).read_bytes()[:500].decode("latin-1")
    assert not np.allclose(read(MODEL)["desk"], read(Path("other"))["desk"], atol=1e-3)


def test_training_drops_it_and_a_prediction_leaves_none_behind(root: Path) -> None:
    split = EncodedSplit(root / "encoded/desk/test.arrow")
    rows = range(len(split))
    model = load(MODEL)
    answers = predict(model, "desk", split, rows)
    assert model.heads["desk"].candidates_ND is not None  # that of the file
    model.train()
    assert model.heads["desk"].candidates_ND is None
    assert [r["ranking"][0]["id"] for r in predict(model, "desk", split, rows)["desk"]] == [
        r["ranking"][0]["id"] for r in answers["desk"]
    ]
    assert model.training
    model.eval()
    predict(model, "desk", split, rows)
    assert model.heads["desk"].candidates_ND is None  # or it would be asked after the weights have moved


@pytest.mark.usefixtures("root")
def test_answers_come_from_the_index_that_was_saved() -> None:
    """Not from one that is built anew: the first two candidates change places in the file."""
    split = EncodedSplit(Path("encoded/desk/test.arrow"))
    before = predict(load(MODEL), "desk", split, [0])["desk"][0]["ranking"]
    index.write(MODEL, "desk", rows_of(MODEL), read(MODEL)["desk"][[1, 0, 2, 3]])
    after = predict(load(MODEL), "desk", split, [0])["desk"][0]["ranking"]
    swap = {"t0": "t1", "t1": "t0"}
    assert [swap.get(one["id"], one["id"]) for one in after] == [one["id"] for one in before]


# --- attacks --------------------------------------------------------------------------------------


def one_sentence(error: pytest.ExceptionInfo[UserError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.slow
@pytest.mark.usefixtures("root")
def test_any_flipped_bit_and_any_truncation_is_refused() -> None:
    whole = (MODEL / FILE).read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    places = [*range(header), *range(header, len(whole), 37)]
    spoilt = [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in places]
    spoilt += [whole[:n] for n in (0, 1, 8, header, len(whole) - 4)]
    assert len(load_file(MODEL / FILE)["vectors"]) == 4
    for bytes_ in spoilt:
        (MODEL / FILE).write_bytes(bytes_)
        with pytest.raises(UserError) as error:
            read(MODEL)
        assert str(MODEL / FILE) in one_sentence(error)


@pytest.mark.usefixtures("root")
def test_an_index_of_other_weights_is_refused_at_load_package_and_service() -> None:
    from serving.predictor import Predictor

    write_reports()
    card = bundle.write(Path(), PACKAGING, "code", Path("before"))
    save(build(2), Path("encoded"), TOKENIZER, Path("other"))
    shutil.copy(Path("other") / FILE, MODEL / FILE)
    write_manifest(MODEL)  # as one would who wants it taken
    made, beside = (sha256(folder / "model.safetensors")[:12] for folder in (Path("other"), MODEL))
    sentence = f"made with model {made}, but model.safetensors beside it is {beside}; train again"
    with pytest.raises(UserError) as error:
        load(MODEL)
    assert one_sentence(error) == f"{MODEL / FILE}: {sentence}"
    with pytest.raises(UserError, match=sentence):
        bundle.write(Path(), PACKAGING, "code", Path("bundle"))
    card.write(MODEL / "card.json")
    write_manifest(MODEL)
    with pytest.raises(UserError, match=sentence):
        Predictor(MODEL)


@pytest.mark.usefixtures("root")
def test_a_missing_an_empty_and_a_short_index_and_one_of_other_candidates_are_refused() -> None:
    vectors_ND = read(MODEL)["desk"]
    for some, found in ((vectors_ND[:3], 3), (vectors_ND[:0], 0)):
        index.write(MODEL, "desk", rows_of(MODEL), some)
        with pytest.raises(UserError, match=f"{found} vectors of other candidates than the model's 4"):
            load(MODEL)
    index.write(MODEL, "desk", rows_of(MODEL)[::-1], vectors_ND)
    with pytest.raises(UserError, match="4 vectors of other candidates than the model's 4; train again"):
        load(MODEL)
    (MODEL / FILE).unlink()
    with pytest.raises(UserError, match=r"index\.desk\.safetensors: missing, the model chooses its answers"):
        load(MODEL)
    write_manifest(MODEL)
    write_reports()
    with pytest.raises(UserError, match=r"index\.desk\.safetensors: missing, a bundle needs it"):
        bundle.write(Path(), PACKAGING, "code", Path("bundle"))


def write_reports() -> None:
    """An evaluation of the model that is there now, which is good, and the verdict on it."""
    cards = read_json(MODEL / "config.json")["tasks"]
    assert set(cards) == {"desk", "mood"}
    gates = params.load().gates()
    measured = {
        name: verdicts.head(gates[name].metric, verdicts.measured(), card["task"], card["family"])
        for name, card in cards.items()
    }
    model = ModelId(sha256=sha256(MODEL / "model.safetensors"))
    Evaluation(model=model, champion=None, confidence=0.95, tasks=measured).write(EVALUATION)
    assert verdicts.pass_on(Path()).verdict == "PROMOTE"


@pytest.mark.slow
@pytest.mark.usefixtures("root")
def test_a_retrained_models_bundle_has_the_new_index_and_names_it() -> None:
    cards = []
    for seed in (1, 2):
        save(build(seed), Path("encoded"), TOKENIZER, MODEL)
        write_reports()
        cards.append(bundle.write(Path(), PACKAGING, "code", Path(f"bundle{seed}")))
        assert (Path(f"bundle{seed}") / FILE).read_bytes() == (MODEL / FILE).read_bytes()
        assert cards[-1].model.files[FILE] == sha256(MODEL / FILE)
        assert cards[-1].model.sha256 == sha256(MODEL / "model.safetensors")
    assert cards[0].model.files[FILE] != cards[1].model.files[FILE]
    assert cards[0].version != cards[1].version
    assert cards[0].model_dump_json().count(FILE) == 1
