"""params.yaml's encoder -> models/encoder, the one place where all other stages find it.

A folder's files become hard links where the disk allows it, copies elsewhere; a model of the hub is fetched
once. Whether anything changed is told by sizes and times, so that a run with nothing to do costs nothing
(docs/decisions/0040-one-encoder-folder.md).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from components import advice
from components.data.sources import encoder_checks
from components.data.sources.record import Version
from components.encoder import headers
from components.encoder.place import (
    CONFIG,
    ENCODER,
    INDEX,
    RECORD,
    TOKENIZER,
    USEFUL,
    WHOLE,
    EncoderRecord,
    weights,
)
from components.errors import UserError
from components.files import atomic_folder, read_json, verify_manifest, write_json
from components.settings.project import HubEncoder, Project
from components.settings.remotes import HuggingFace
from components.settings.secrets import guarded

STATE = Path(".onetrunk/encoder.json")  # what the files were like when they were brought
CODE = Path("program/encoder.json")
MODULES = "modules.json"  # of sentence-transformers
ADAPTER = "adapter_config.json"
FOREIGN = (".h5", ".msgpack")  # of TensorFlow and Flax
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
Verify = Callable[[Path, Path], int | None]  # (folder, what to call it) -> how many tokens it can read


def bring(project: Project, root: Path, verify: Verify) -> None:
    """Fill models/encoder and models/encoder.json below `root`, unless they are what the settings say.

    Raises:
        TryAgainError: the hub does not answer.
        UserError: there is no whole encoder, or it does not fit its tokenizer, the tasks or this machine.
    """
    if not _is_current(project, root):
        _drop_state(root)
        wanted = project.model.encoder
        if isinstance(wanted, HubEncoder):
            _fetch(project, wanted, root, verify)
        else:
            _copy(project, _folder(root / wanted, Path(wanted)), Path(wanted), root, verify)
        write_json(root / STATE, _state(project, root))
    encoder_checks.check_settings(project, EncoderRecord.read(root / RECORD), root / ENCODER)


def foresee(project: Project, root: Path) -> None:
    """Say of an encoder that is here already what `bring` would say of the settings.

    Raises:
        UserError: it does not fit the tasks or this machine.
    """
    if _is_current(project, root):
        encoder_checks.check_settings(project, EncoderRecord.read(root / RECORD), root / ENCODER)


def is_settled(project: Project, root: Path) -> bool:
    """Whether `bring` would do nothing, and find nothing wrong."""
    try:
        if not _is_current(project, root):
            return False
        encoder_checks.check_settings(project, EncoderRecord.read(root / RECORD), root / ENCODER)
    except UserError:
        return False
    return True


def _is_current(project: Project, root: Path) -> bool:
    try:
        before = read_json(root / STATE)
        return bool(before == _state(project, root)) and (root / RECORD).is_file()
    except (UserError, OSError):
        return False


def _drop_state(root: Path) -> None:
    (root / STATE).unlink(missing_ok=True)


def _state(project: Project, root: Path) -> Version:
    """The settings, the code that checks, and the files on either side, by size and time."""
    wanted, code = project.model.encoder, root / CODE
    source = [] if isinstance(wanted, HubEncoder) else _wanted(_folder(root / wanted, Path(wanted)))
    return {
        "model": project.model.model_dump(include={"encoder"}),
        "code": hashlib.sha256(code.read_bytes()).hexdigest() if code.is_file() else None,
        "source": _stamps(source),
        "made": _stamps(sorted((root / ENCODER).iterdir())),
    }


def _stamps(files: Iterable[Path]) -> dict[str, list[int]]:
    stats = {file.name: file.stat() for file in files}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}


def _fetch(project: Project, wanted: HubEncoder, root: Path, verify: Verify) -> None:
    """Ask the hub, unless what was fetched for this very setting is here whole."""
    from components.data.sources.remotes import hub

    called = Path(wanted.huggingface)
    if _is_fetched(wanted, root):
        _check(project, root / ENCODER, called, verify)
        return
    remote = HuggingFace(kind="huggingface", model=wanted.huggingface, revision=wanted.revision)
    with guarded(), atomic_folder(root / ENCODER) as folder:
        commit, _ = hub.fetch_commit(remote, folder)
        record = _check(project, folder, called, verify)
    said = {"source": wanted.huggingface, "revision": wanted.revision, "commit": commit}
    record.model_copy(update=said).write(root / RECORD)


def _is_fetched(wanted: HubEncoder, root: Path) -> bool:
    try:
        record = EncoderRecord.read(root / RECORD)
        verify_manifest(root / ENCODER)
    except UserError:
        return False
    return (record.source, record.revision) == (wanted.huggingface, wanted.revision)


def _copy(project: Project, source: Path, called: Path, root: Path, verify: Verify) -> None:
    with atomic_folder(root / ENCODER) as folder:
        for file in _wanted(source):
            _link(file.resolve(), folder / _name(file))
        vouched = bool(encoder_checks.listed_beside(_tokenizer(source)))
        record = _check(project, folder, called, verify, vouched)
    record.write(root / RECORD)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target)


def _check(
    project: Project, folder: Path, called: Path, verify: Verify, vouched: bool = False
) -> EncoderRecord:
    """What the files say, the quick things first; a vocabulary may have vouched for the tokenizer."""
    with _called(folder, called):
        tokens, parameters = encoder_checks.check_tokens(folder), headers.parameters(folder)
        encoder_checks.check_direction(folder)
    encoder_checks.check_memory(project, parameters, folder)
    positions = verify(folder, called)
    with _called(folder, called):
        if not vouched:
            encoder_checks.check_words(folder)
    return EncoderRecord(
        source=str(called), revision=None, commit=None,
        parameters=parameters, tokens=tokens, positions=positions,
    )  # fmt: skip


@contextmanager
def _called(folder: Path, called: Path) -> Iterator[None]:
    """A sentence calls the folder by the user's name for it."""
    try:
        yield
    except UserError as error:
        raise UserError(str(error).replace(str(folder), str(called))) from None


def _folder(where: Path, called: Path) -> Path:
    """The folder itself, or the one within that holds the encoder: of sentence-transformers the first module,
    of the hub's cache the snapshot.

    Raises:
        UserError: it is not there, or holds no configuration.
    """
    if not where.is_dir():
        raise UserError(f"{called}: no such folder; see model.encoder in params.yaml")
    modules = read_json(where / MODULES) if (where / MODULES).is_file() else []
    known = [one for one in modules if isinstance(one, dict) and "path" in one]
    inner = [str(one["path"]) for one in known if str(one.get("type")).endswith("Transformer")]
    for folder in (*(where / path for path in inner), where, *sorted(where.glob("snapshots/*"))):
        if (folder / CONFIG).is_file():
            return folder
    found = ", ".join(sorted(file.name for file in where.iterdir())[:6]) or "nothing"
    within = sorted(file.parent.name for file in where.glob(f"*/{CONFIG}"))
    hint = f"; model.encoder may name {called / within[-1]}" if within else ""
    if (where / ADAPTER).is_file():
        hint = "; it is an adapter of PEFT: merge it into its encoder (`merge_and_unload`) and save that"
    raise UserError(f"{called}: no {CONFIG}, which an encoder needs; found {found}{hint}")


def _wanted(source: Path) -> list[Path]:
    """The files of an encoder.

    Raises:
        UserError: its tokenizer or its weights are not there.
    """
    tokenizer = _tokenizer(source)
    encoder_checks.check_vocabulary(tokenizer)
    useful = [tokenizer / name for name in USEFUL if (tokenizer / name).is_file()]
    return [source / CONFIG, tokenizer / TOKENIZER, *useful, *_weights(source)]


def _tokenizer(source: Path) -> Path:
    """The folder that it lies in: the encoder's, or of sentence-transformers the one around it."""
    found = next((folder for folder in (source, source.parent) if (folder / TOKENIZER).is_file()), None)
    if found is None:
        raise UserError(
            f"{source}: no {TOKENIZER}, which an encoder needs; write it once with "
            f"`{_python('AutoTokenizer', source)}`"
        )
    return found


def _weights(source: Path) -> list[Path]:
    found = weights(source)
    if found:
        return [*found, source / INDEX] if found[0].name != WHOLE else found
    others = sorted(source.glob("*.safetensors"))
    if len(others) == 1:  # under another name
        return others
    pickled = sorted(file.name for pattern in PICKLED for file in source.glob(pattern))
    if pickled:
        what = "is no safetensors" if pickled[0].endswith(FOREIGN) else "is a pickle, which is never loaded"
        raise UserError(
            f"{source}: no {WHOLE}, and {pickled[0]} {what}; convert it once, if "
            f"you trust it, with `{_python('AutoModel', source)}`"
        )
    raise UserError(f"{source}: no {WHOLE}, and no {INDEX} with its parts; they hold an encoder's weights")


def _python(kind: str, folder: Path) -> str:
    name = json.dumps(str(folder), ensure_ascii=False)
    code = f"from transformers import {kind} as A; A.from_pretrained({name}).save_pretrained({name})"
    return f"python -c {advice.word(code)}"


def _name(file: Path) -> str:
    """The file's name in models/encoder: a single file of weights has always the same."""
    alone = file.suffix == ".safetensors" and not (file.parent / INDEX).is_file()
    return WHOLE if alone else file.name
