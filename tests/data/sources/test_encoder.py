"""The encoder as people have it -> models/encoder: a table, one row a kind of folder; and when it is made anew."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import torch
import yaml
from transformers import AutoModel

from components import params
from components.data.sources import encoder
from components.encoder.place import ENCODER, RECORD, EncoderRecord
from components.errors import UserError
from components.files import read_json, verify_manifest
from components.model.multitask import MultiTaskModel
from components.model.weights import verify
from tests.conftest import bring_encoder
from tests.encoder import folders

READ = {
    "as it is": lambda folder: None,
    "modules of which nothing is known": folders.with_unknown_modules,
    "a wrapper: module.": folders.prefixed("module."),
    "a wrapper: bert.": folders.prefixed("bert."),
    "a wrapper: encoder.": folders.prefixed("encoder."),
    "a wrapper: _orig_mod.": folders.prefixed("_orig_mod."),
    "a wrapper: model.": folders.prefixed("model."),
    "a wrapper around a head's model: module.bert.": folders.prefixed("module.bert."),
    "a tower beside a head": folders.with_heads,
    "without a pooler": folders.lacking("pooler"),
    "old names: gamma": lambda folder: folders.renamed(
        folder, lambda name: name.replace("LayerNorm.weight", "LayerNorm.gamma")
    ),
    "in parts": folders.in_parts(),
    "in parts, with a wrapper": folders.in_parts("module."),
    "sentence-transformers": folders.as_sentence_transformers(""),
    "sentence-transformers, earlier": folders.as_sentence_transformers("0_Transformer"),
    "the hub's cache": folders.as_the_hubs_cache,
    "one file of weights under another name": folders.under_another_name,
    "its vocabulary beside it": folders.with_vocabulary(0),
}
REFUSED = {
    "as many tokens, but others than the weights have learnt": (
        folders.of_words(1),
        "encoder/tokenizer.json: another tokenizer than the weights were trained with: words in two spellings, "
        "as 'the' and 'The', are no more alike there than any others",
    ),
    "as many tokens, but others than its vocabulary's": (
        folders.with_vocabulary(1),
        "encoder/tokenizer.json: another tokenizer than the vocabulary beside it has: 102 of 102 tokens differ",
    ),
    "two wrappers": (
        folders.prefixed("module.encoder."),
        "encoder: 37 of 39 weights are not in model.safetensors (its names begin with 'module.encoder.'): "
        "embeddings.word_embeddings.weight, ",
    ),
    "a layer is missing": (
        folders.lacking("layer.1."),
        "encoder: 16 of 39 weights are not in model.safetensors (its names begin with 'embeddings.', "
        "'encoder.layer.0.', 'pooler.dense.'): encoder.layer.1.",
    ),
    "one tensor is missing": (
        folders.lacking("embeddings.LayerNorm.bias"),
        "encoder: 1 of 39 weights are not in model.safetensors",
    ),
    "a checkpoint of a trainer": (
        folders.within("checkpoint-500"),
        "encoder: no config.json, which an encoder needs; found checkpoint-500; model.encoder may name "
        "encoder/checkpoint-500",
    ),
    "an adapter": (
        folders.as_an_adapter,
        "encoder: no config.json, which an encoder needs; found adapter_config.json, adapter_model.safetensors, "
        "tokenizer.json; it is an adapter of PEFT: merge it",
    ),
    "weights of TensorFlow": (
        lambda folder: (folder / "model.safetensors").rename(folder / "tf_model.h5"),
        "encoder: no model.safetensors, and tf_model.h5 is no safetensors; convert it once",
    ),
    "a pickle": (folders.pickled, "encoder: no model.safetensors, and pytorch_model.bin is a pickle, which is"),
    "no weights": (folders.replaced("model.safetensors", None), "encoder: no model.safetensors, and no model."),
    "no tokenizer": (folders.replaced("tokenizer.json", None), "encoder: no tokenizer.json, which an encoder"),
    "no configuration": (
        folders.replaced("config.json", None),
        "encoder: no config.json, which an encoder needs; found model.safetensors, tokenizer.json",
    ),
    "a truncated file": (folders.cut, "encoder/model.safetensors: 98324 bytes, expected 98424; truncated?"),
    "a pointer of git-lfs": (
        folders.replaced("model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        "encoder/model.safetensors: a pointer of git-lfs, not the file itself",
    ),
    "not safetensors": (
        folders.replaced("model.safetensors", b"\0" * 64),
        "encoder/model.safetensors: not a safetensors file",
    ),
    "a part is missing": (folders.without_a_part, "names model-00002-of-"),
    "not a fast tokenizer": (
        folders.replaced("tokenizer.json", b"{}"),
        "encoder/tokenizer.json: not a fast tokenizer",
    ),
    "not JSON": (folders.replaced("config.json", b"model_type: bert"), "config.json: not JSON"),
    "tokens beyond the embeddings": (
        folders.with_tokens("<one>", "<two>"),
        "encoder/tokenizer.json has 104 tokens, encoder/config.json says vocab_size 103: '<two>' has no embedding",
    ),
    "another encoder's tokenizer": (
        folders.large_for_its_tokenizer,
        "encoder/tokenizer.json has 103 tokens, encoder/config.json says vocab_size 400: 297 embeddings have no",
    ),
    "other sizes than the configuration's": (
        folders.config(intermediate_size=99),
        "encoder: 6 weights have other sizes than config.json says, the first is "
        "encoder.layer.0.intermediate.dense.bias: found (64,), expected (99,)",
    ),
    "a kind that there is not": (folders.config(model_type="own"), "encoder: no readable encoder"),
    "code of its own": (
        folders.config(model_type="own", auto_map={"AutoConfig": "own.Own", "AutoModel": "own.Model"}),
        "encoder: no readable encoder (it needs code of its own, which is never run",
    ),
    "signs around a text that no embedding is for": (
        folders.with_signs_beyond,
        "encoder/tokenizer.json: writes the token 5000, but the encoder knows 103 tokens",
    ),
    "no token for what is unknown": (
        folders.without_unknown,
        "encoder/tokenizer.json: cannot write every text as tokens (WordPiece error: Missing [UNK] token",
    ),
    "numbers that are not finite": (
        folders.as_numbers(lambda one: one * float("nan")),
        "encoder: 39 weights hold numbers that are not finite, the first is embeddings.word_embeddings.weight",
    ),
    "whole numbers of 8 bits": (
        folders.as_numbers(lambda one: one.to(torch.int8)),
        "encoder: 39 of 39 weights are numbers of 8 bits or fewer, the first is embeddings.LayerNorm.bias",
    ),
    "floats of 8 bits": (
        folders.as_numbers(lambda one: one.to(torch.float8_e4m3fn)),
        "encoder: 39 of 39 weights are numbers of 8 bits or fewer, the first is embeddings.LayerNorm.bias",
    ),
    "a decoder": (
        folders.config(is_decoder=True),
        "encoder/config.json: is_decoder is true, so a token reads nothing that stands behind it",
    ),
    "a configuration that is a list": (
        folders.replaced("config.json", b"[]"),
        "encoder/config.json: found a list, expected keys with values",
    ),
    "an index without parts": (folders.with_an_empty_index, "model.safetensors.index.json: no weight_map, which"),
    "an encoder of pictures": (folders.of_pictures, "encoder: vit reads no texts"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", READ)
def test_a_folder_of_this_kind_is_read_whole(kind: str, tiny_project: Path, tiny_encoder: Path) -> None:
    READ[kind](tiny_project / "encoder")
    bring_encoder(tiny_project)
    names = {file.name for file in ENCODER.iterdir()}
    assert {"config.json", "tokenizer.json", "manifest.json"} < names
    assert "model.safetensors" in names or "model.safetensors.index.json" in names
    verify_manifest(ENCODER)
    found = MultiTaskModel.from_encoder(ENCODER, {}, 0.0, 1).encoder.state_dict()
    for name, tensor in AutoModel.from_pretrained(tiny_encoder).state_dict().items():
        assert torch.equal(found[name], tensor) or "pooler" in name, name


@pytest.mark.slow_after(12)
@pytest.mark.parametrize("kind", REFUSED)
def test_a_folder_of_this_kind_ends_in_one_sentence(kind: str, tiny_project: Path) -> None:
    change, sentence = REFUSED[kind]
    change(tiny_project / "encoder")
    with pytest.raises(UserError) as refused:
        bring_encoder(tiny_project)
    said = str(refused.value)
    assert sentence in said.replace(f"{tiny_project}/", "")
    assert "\n" not in said
    assert ".tmp" not in said
    assert not ENCODER.exists()
    assert not RECORD.exists()


@pytest.mark.parametrize(
    "change", [folders.of_words(0), folders.all_of(folders.of_words(1), folders.with_vocabulary(0))]
)
def test_a_tokenizer_that_belongs_to_the_weights_or_has_a_vocabulary_beside_it_is_taken(
    change: folders.Change, tiny_project: Path
) -> None:
    change(tiny_project / "encoder")
    bring_encoder(tiny_project)
    assert EncoderRecord.read(RECORD).tokens == 1703


def test_the_record_says_what_it_is(tiny_project: Path) -> None:
    bring_encoder(tiny_project)
    record = EncoderRecord.read(RECORD)
    assert (record.source, record.commit, record.tokens, record.positions) == ("encoder", None, 103, 64)
    parameters = AutoModel.from_pretrained("encoder").num_parameters()
    assert record.parameters == parameters


def never(folder: Path, called: Path) -> int:
    pytest.fail("it was made anew")


def bring_again(changed: bool) -> None:
    made = []

    def watched(folder: Path, called: Path) -> int | None:
        made.append(folder)
        return verify(folder, called)

    project = params.load()
    assert encoder.is_settled(project, Path()) != changed
    encoder.bring(project, Path(), watched)
    assert bool(made) == changed
    assert encoder.is_settled(project, Path())


@pytest.mark.slow
def test_it_is_made_anew_where_something_changed_and_else_left_alone(tiny_project: Path) -> None:
    bring_again(True)
    inode = (ENCODER / "model.safetensors").stat().st_ino
    assert inode == Path("encoder/model.safetensors").stat().st_ino  # a link, where the disk allows it
    bring_again(False)
    Path("encoder/notes.txt").write_text("no part of an encoder")
    bring_again(False)
    os.utime("encoder/tokenizer.json", (1, 1))
    bring_again(True)
    (ENCODER / "config.json").unlink()
    bring_again(True)
    Path("program").mkdir()
    Path("program/encoder.json").write_text("{}")  # other code checks it
    bring_again(True)
    AutoModel.from_pretrained("encoder").half().save_pretrained("encoder")
    bring_again(True)
    assert read_json(ENCODER / "config.json")["dtype"] == "float16"
    Path("encoder").rename("moved")
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("encoder: encoder", "encoder: moved"))
    before = (ENCODER / "manifest.json").read_bytes()
    bring_again(True)
    assert (ENCODER / "manifest.json").read_bytes() == before  # what depends on it is left alone


def test_a_disk_without_links_gets_copies(tiny_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", refuse)
    bring_again(True)
    assert (ENCODER / "model.safetensors").stat().st_ino != Path("encoder/model.safetensors").stat().st_ino
    bring_again(False)


def test_a_text_longer_than_the_positions_is_refused_at_once(tiny_project: Path) -> None:
    bring_again(True)
    settings = yaml.safe_load(Path("params.yaml").read_text())
    settings["tasks"]["mood"]["max_length"] = 65
    Path("params.yaml").write_text(yaml.safe_dump(settings))
    assert not encoder.is_settled(params.load(), Path())
    with pytest.raises(UserError, match=r"tasks\.mood\.max_length: found 65"):
        encoder.foresee(params.load(), Path())
    with pytest.raises(
        UserError, match=r"tasks\.mood\.max_length: found 65, but encoder has positions for 64"
    ):
        encoder.bring(params.load(), Path(), never)


def test_an_encoder_that_does_not_fit_in_memory_is_refused_before_it_is_read(
    tiny_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from components.data.sources import encoder_checks
    from components.encoder import headers

    parameters = headers.parameters(tiny_project / "encoder")
    monkeypatch.setattr(encoder_checks, "GIB", 100_000)
    monkeypatch.setattr(encoder_checks, "memory", lambda: 300_000)
    project = params.load()
    averaged = project.model_copy(update={"training": project.training.model_copy(update={"ema": 0.9})})
    for asked, copies in ((project, 5), (averaged, 6)):
        size = round(copies * 4 * parameters / 100_000)
        said = rf"model.encoder: 0 million parameters take {size} GiB in training .* 3 GiB"
        with pytest.raises(UserError, match=said):
            encoder.bring(asked, Path(), never)


def test_the_gradients_of_each_task_count_where_they_are_kept_to_be_combined(
    tiny_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from components.data.sources import encoder_checks
    from components.encoder import headers

    parameters = headers.parameters(tiny_project / "encoder")
    config = read_json(tiny_project / "encoder" / "config.json")
    dense = parameters - config["vocab_size"] * config["hidden_size"]
    monkeypatch.setattr(encoder_checks, "GIB", 100_000)
    monkeypatch.setattr(encoder_checks, "memory", lambda: 300_000)
    project = params.load()
    heads = sum(1 + len(task.joint) for task in project.tasks.values())
    for combination, apart in (("pcgrad", heads), ({"method": "pcgrad", "gramian": "last_layer"}, 0)):
        balancing = {"combination": combination}
        training = type(project.training).model_validate(
            {**project.training.model_dump(), "balancing": balancing}
        )
        said = f"{4 * (5 * parameters + apart * dense) / 100_000:.0f} GiB in training"
        said += f".*the gradients of {heads} tasks apart for pcgrad" if apart else r" \([^)]*moments\)"
        with pytest.raises(UserError, match=said):
            encoder.bring(project.model_copy(update={"training": training}), Path(), never)


@pytest.mark.slow
def test_the_line_that_converts_a_pickle_can_be_pasted(tiny_project: Path, forking_python: str) -> None:
    folder = Path("it's odd")
    Path("encoder").rename(folder)
    torch.save(AutoModel.from_pretrained(folder).state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("encoder: encoder", f'encoder: "{folder}"'))
    with pytest.raises(UserError) as refused:
        bring_encoder(tiny_project)
    line = str(refused.value).split("`")[1]
    (python := Path("bin/python")).parent.mkdir()
    python.write_text(
        f'#!/bin/sh\ntest "$1" = -c && printf %s "$2" > code.py; exec {forking_python}/python code.py\n'
    )
    python.chmod(0o755)
    path = f"{python.parent.absolute()}:{os.environ['PATH']}"
    subprocess.run(line, shell=True, check=True, env={**os.environ, "PATH": path})  # noqa: S602 the user's shell
    bring_encoder(tiny_project)
