"""What an encoder must fulfil before anything is made with it: its tokenizer, the tasks and this machine.

JSON is read, and no tensor: these checks are quick.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from components.encoder.place import CONFIG, TOKENIZER, EncoderRecord
from components.errors import UserError
from components.files import read_json
from components.settings.project import Project

SPARE = (128, 0.02)  # embeddings without a token: tables are filled up to a round number, or by a share
OTHERS = 0.01  # share of a vocabulary whose tokens may have other numbers
COPY = 4  # bytes of a parameter, in fp32
COPIES = 4  # in training: weight, gradient, one moment of the optimiser, and the best weight so far
CGROUP = Path("/sys/fs/cgroup/memory.max")
GIB = 1 << 30


def check_settings(project: Project, record: EncoderRecord, folder: Path) -> None:
    """Check that the encoder can read the tasks' longest texts, and fits into memory.

    Raises:
        UserError: one sentence naming the key, what was found and what was expected.
    """
    for name, task in project.tasks.items():
        if record.positions is not None and task.max_length > record.positions:
            raise UserError(
                f"params.yaml: tasks.{name}.max_length: found {task.max_length}, but {record.source} has "
                f"positions for {record.positions} tokens; expected at most these, or another encoder"
            )
    check_memory(project, record.parameters, folder)


def check_memory(project: Project, parameters: int, folder: Path) -> None:
    """Check that weights, gradients and the optimiser's moments fit into the memory that trains; where the
    tasks' gradients are combined, those of each task too. What depends on the batch is not counted.

    Raises:
        UserError: they do not, however small the batch.
    """
    second = project.training.optimiser.method not in ("sgd", "lars")  # moment
    apart = _kept_apart(project)
    numbers = parameters * (COPIES + second + bool(project.training.ema))
    needed = COPY * (numbers + apart * _dense(folder, parameters))
    if needed > 2 * GIB and (here := memory()) < needed:  # nobody need ask for what fits anywhere
        method = project.training.balancing.combination.method
        each = f", the gradients of {apart} tasks apart for {method}" if apart else ""
        other = ", another balancing.combination" if apart else ""
        raise UserError(
            f"params.yaml: model.encoder: {parameters / 1e6:,.0f} million parameters take "
            f"{needed / GIB:.0f} GiB in training (weights, the best of them, gradients, moments{each}), "
            f"and {here / GIB:.0f} GiB are here; expected a smaller encoder{other}, or a larger machine"
        )


def _kept_apart(project: Project) -> int:
    """Tasks whose gradients are kept until they are combined; where only those of the states or of the last
    layer are compared, none."""
    combination = project.training.balancing.combination
    if combination.method == "sum" or combination.options.get("gramian", "exact") != "exact":
        return 0
    return sum(1 + len(task.joint) for task in project.tasks.values())


def _dense(folder: Path, parameters: int) -> int:
    """Parameters but for the embeddings of words, of whose gradients only rows are kept."""
    config = read_json(folder / CONFIG) if (folder / CONFIG).is_file() else {}
    config = config if isinstance(config, dict) else {}
    width = config.get("embedding_size", config.get("hidden_size", config.get("d_model", 0)))
    size = config.get("vocab_size", 0)
    words = width * size if isinstance(width, int) and isinstance(size, int) else 0
    return max(parameters - words, 0)


def check_direction(folder: Path) -> None:
    """Check that a token reads what stands behind it, too.

    Raises:
        UserError: the configuration makes a decoder of an encoder.
    """
    config = read_json(folder / CONFIG)
    if config.get("is_decoder") is True and not config.get("is_encoder_decoder"):
        raise UserError(
            f"{folder / CONFIG}: is_decoder is true, so a token reads nothing that stands behind it; "
            f"expected an encoder: where its weights were trained as one, write false there"
        )


def memory() -> int:
    """Bytes of the first GPU's memory, where there is one; else of the machine's, or of this container's."""
    if shutil.which("nvidia-smi"):
        command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        found = [int(line) for line in done.stdout.split() if line.isdecimal()]
        if done.returncode == 0 and found:
            return found[0] << 20
    import psutil

    whole = int(psutil.virtual_memory().total)
    limit = CGROUP.read_text().strip() if CGROUP.is_file() else "max"
    return min(whole, int(limit)) if limit.isdecimal() else whole


def check_tokens(folder: Path) -> int:
    """How many tokens the tokenizer has, which fit the encoder's embeddings: the highest number and one.

    Raises:
        UserError: the two do not belong together.
    """
    config, tokenizer = read_json(folder / CONFIG), read_json(folder / TOKENIZER)
    numbers = numbers_of(folder, tokenizer)
    if not isinstance(config, dict):
        raise UserError(f"{folder / CONFIG}: found a {type(config).__name__}, expected keys with values")
    size = config.get("vocab_size")
    if not isinstance(size, int):
        return max(numbers.values()) + 1
    tokens = max(numbers.values()) + 1
    said = f"{folder / TOKENIZER} has {tokens} tokens, {folder / CONFIG} says vocab_size {size}"
    if tokens > size:
        last = max(numbers, key=lambda token: numbers[token])
        raise UserError(
            f"{said}: '{last:.40}' has no embedding; expected the encoder's own tokenizer, or an encoder "
            f"resized for it (`resize_token_embeddings`)"
        )
    if size - tokens > max(SPARE[0], SPARE[1] * size):
        raise UserError(
            f"{said}: {size - tokens} embeddings have no token; is it another encoder's tokenizer? expected "
            f"its own"
        )
    return tokens


def check_words(folder: Path) -> None:
    """Check that the weights have learnt what the tokenizer's tokens mean, where no vocabulary says so.

    Raises:
        UserError: they surely have learnt others (`belonging`).
    """
    from components.data.sources import belonging

    if belonging.are_strangers(folder, numbers_of(folder, read_json(folder / TOKENIZER))):
        raise UserError(
            f"{folder / TOKENIZER}: another tokenizer than the weights were trained with: words in two "
            f"spellings, as 'the' and 'The', are no more alike there than any others; expected the encoder's "
            f"own, or beside it the vocab.txt or vocab.json that says that it is"
        )


def check_vocabulary(folder: Path) -> None:
    """Check that the tokenizer has the words of `vocab.txt` or `vocab.json` beside it.

    Raises:
        UserError: more than a few tokens have other numbers there.
    """
    listed = listed_beside(folder)
    numbers = numbers_of(folder, read_json(folder / TOKENIZER)) if listed else {}
    other = [token for token, number in listed.items() if numbers.get(token) != number]
    if len(other) > OTHERS * len(listed):
        has = f"has number {numbers[other[0]]}" if other[0] in numbers else "is none"
        raise UserError(
            f"{folder / TOKENIZER}: another tokenizer than the vocabulary beside it has: {len(other):,} of "
            f"{len(listed):,} tokens differ, the first is '{other[0]:.40}', number {listed[other[0]]} there, "
            f"which {has} here; expected the encoder's own, or the other file removed"
        )


def listed_beside(folder: Path) -> dict[str, int]:
    """token -> its number, of the vocabulary that stands beside a tokenizer; empty: there is none."""
    lines, pairs = folder / "vocab.txt", folder / "vocab.json"
    if lines.is_file():
        words = lines.read_text(encoding="utf-8", errors="replace").split("\n")
        return {word.removesuffix("\r"): number for number, word in enumerate(words) if word.strip()}
    found = read_json(pairs) if pairs.is_file() else {}
    return found if isinstance(found, dict) else {}


def numbers_of(folder: Path, tokenizer: Any) -> dict[str, int]:
    """token -> its number, of a tokenizer.json of whatever model."""
    try:
        vocabulary = tokenizer["model"]["vocab"]
        added = {one["content"]: one["id"] for one in tokenizer.get("added_tokens") or ()}
        if isinstance(vocabulary, dict):
            found = {**vocabulary, **added}
        else:  # Unigram's: (token, score) by number
            found = {**{token: number for number, (token, _) in enumerate(vocabulary)}, **added}
        max(found.values())
    except (LookupError, TypeError, ValueError, AttributeError):
        raise UserError(f"{folder / TOKENIZER}: not a fast tokenizer of the library tokenizers") from None
    return found
