"""Folders of an encoder as people have them: the tiny encoder's, changed in one way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from components.encoder.place import WHOLE

TABLE = "embeddings.word_embeddings.weight"
Tensors = dict[str, Any]
Change = Callable[[Path], None]


def renamed(folder: Path, name: Callable[[str], str | None]) -> None:
    """The weights under other names; None: without it."""
    tensors = load_file(folder / WHOLE)
    named = {name(key): value.contiguous() for key, value in tensors.items()}
    (folder / WHOLE).unlink()
    save_file({key: one for key, one in named.items() if key}, folder / WHOLE, metadata={"format": "pt"})


def prefixed(prefix: str) -> Change:
    return lambda folder: renamed(folder, lambda name: prefix + name)


def lacking(part: str) -> Change:
    return lambda folder: renamed(folder, lambda name: None if part in name else name)


def with_heads(folder: Path) -> None:
    """A tower and a head beside it, as whoever saves a whole model of his own has it."""
    import torch

    renamed(folder, lambda name: f"encoder.{name}")
    tensors = {**load_file(folder / WHOLE), "classifier.weight": torch.ones(2, 32)}
    save_file(tensors, folder / WHOLE, metadata={"format": "pt"})


def in_parts(prefix: str = "") -> Change:
    def change(folder: Path) -> None:
        from transformers import AutoModel

        model = AutoModel.from_pretrained(folder)
        (folder / WHOLE).unlink()
        model.save_pretrained(folder, max_shard_size="30KB")
        for part in folder.glob("model-*.safetensors"):
            tensors = {prefix + name: tensor for name, tensor in load_file(part).items()}
            save_file(tensors, part, metadata={"format": "pt"})
        index = json.loads((folder / "model.safetensors.index.json").read_text())
        index["weight_map"] = {prefix + name: part for name, part in index["weight_map"].items()}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    return change


def without_a_part(folder: Path) -> None:
    in_parts()(folder)
    next(folder.glob("model-00002-*")).unlink()


def as_sentence_transformers(module: str) -> Change:
    """`module`: the folder of the encoder within, or "" as newer versions write it."""

    def change(folder: Path) -> None:
        modules = [
            {"idx": 0, "name": "0", "path": module, "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        ]
        if module:
            (folder / module).mkdir()
            for file in list(folder.glob("*.*")):
                shutil.move(file, folder / module / file.name)
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling/config.json").write_text("{}")
        (folder / "modules.json").write_text(json.dumps(modules))

    return change


def within(name: str) -> Change:
    """All of it in a folder within, as a trainer's checkpoints."""

    def change(folder: Path) -> None:
        (folder / name).mkdir()
        for file in list(folder.glob("*.*")):
            shutil.move(file, folder / name / file.name)

    return change


def as_an_adapter(folder: Path) -> None:
    """As PEFT saves one, without the encoder that it belongs to."""
    (folder / "config.json").rename(folder / "adapter_config.json")
    (folder / WHOLE).rename(folder / "adapter_model.safetensors")


def as_the_hubs_cache(folder: Path) -> None:
    """Links to blobs, below snapshots/<commit>."""
    (folder / "blobs").mkdir()
    (folder / "snapshots/0123").mkdir(parents=True)
    for number, file in enumerate(list(folder.glob("*.*"))):
        shutil.move(file, folder / f"blobs/{number}")
        (folder / "snapshots/0123" / file.name).symlink_to(f"../../blobs/{number}")


def replaced(name: str, content: bytes | None) -> Change:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        if content is not None:
            (folder / name).write_bytes(content)

    return change


def pickled(folder: Path) -> None:
    shutil.move(folder / WHOLE, folder / "pytorch_model.bin")


def cut(folder: Path) -> None:
    content = (folder / WHOLE).read_bytes()
    replaced(WHOLE, content[:-100])(folder)


def under_another_name(folder: Path) -> None:
    shutil.move(folder / WHOLE, folder / "weights.safetensors")


def config(**values: Any) -> Change:
    def change(folder: Path) -> None:
        said = {**json.loads((folder / "config.json").read_text()), **values}
        (folder / "config.json").write_text(json.dumps(said))

    return change


def with_tokens(*tokens: str) -> Change:
    def change(folder: Path) -> None:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.add_tokens(list(tokens))
        tokenizer.save(str(folder / "tokenizer.json"))

    return change


def large_for_its_tokenizer(folder: Path) -> None:
    from transformers import BertConfig, BertModel

    BertModel(BertConfig.from_pretrained(folder, vocab_size=400)).save_pretrained(folder)


def of_words(shift: int) -> Change:
    """400 words in four spellings each, which are alike in the weights; the tokenizer has them at numbers so many
    places further."""

    def change(folder: Path) -> None:
        words = [f"w{chr(97 + n // 20)}{chr(97 + n % 20)}" for n in range(400)]
        spelt = [
            (n, one)
            for n, word in enumerate(words)
            for one in (word, word.title(), f"##{word}", f"##{word.title()}")
        ]
        chance = np.random.default_rng(0)
        order = chance.permutation(len(spelt)).tolist()
        tokenizer, config = (
            json.loads((folder / name).read_text()) for name in ("tokenizer.json", "config.json")
        )
        weights = load_file(folder / WHOLE)
        first, table = config["vocab_size"], weights[TABLE].numpy()
        meanings = chance.normal(size=(len(words), table.shape[1]))
        more = [meanings[spelt[place][0]] + 0.05 * chance.normal(size=table.shape[1]) for place in order]
        tokens = {spelt[place][1]: first + (row + shift) % len(spelt) for row, place in enumerate(order)}
        tokenizer["model"]["vocab"] |= tokens
        weights[TABLE] = torch.tensor(np.concatenate([table, np.array(more)]), dtype=torch.float32)
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
        (folder / "config.json").write_text(json.dumps({**config, "vocab_size": first + len(spelt)}))
        save_file(weights, folder / WHOLE, {"format": "pt"})

    return change


def all_of(*changes: Change) -> Change:
    """One after the other."""

    def change(folder: Path) -> None:
        for each in changes:
            each(folder)

    return change


def with_vocabulary(shift: int) -> Change:
    """vocab.json as the tokenizer has it, or with every token so many places further."""

    def change(folder: Path) -> None:
        from tokenizers import Tokenizer

        numbers = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
        listed = {token: number + shift for token, number in numbers.items()}
        (folder / "vocab.json").write_text(json.dumps(listed), encoding="utf-8")

    return change


def with_signs_beyond(folder: Path) -> None:
    """What stands before and after a text has numbers of another vocabulary."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    for sign in tokenizer["post_processor"]["special_tokens"].values():
        sign["ids"] = [5000]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


def without_unknown(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    number = tokenizer["model"]["vocab"].pop("[UNK]")
    tokenizer["model"]["vocab"]["[OTHER]"] = number
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


def of_pictures(folder: Path) -> None:
    from transformers import ViTConfig, ViTModel

    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    ViTModel(ViTConfig(**sizes, image_size=32, patch_size=16)).save_pretrained(folder)


def as_numbers(of: Callable[[Any], Any]) -> Change:
    def change(folder: Path) -> None:
        tensors = {name: of(tensor) for name, tensor in load_file(folder / WHOLE).items()}
        save_file(tensors, folder / WHOLE, metadata={"format": "pt"})

    return change


def with_an_empty_index(folder: Path) -> None:
    shutil.move(folder / WHOLE, folder / "model-00001-of-00001.safetensors")
    (folder / "model.safetensors.index.json").write_text("{}")


def with_unknown_modules(folder: Path) -> None:
    (folder / "modules.json").write_text('[{"idx": 0, "path": "."}, 1]')
