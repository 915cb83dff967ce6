"""Files of a data set or of a model on the Hugging Face hub. Their version: the size and sum of each, or the
commit where one is given as the revision."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.data.sources.record import Version
from components.errors import TryAgainError, UserError
from components.files import sha256
from components.settings.remotes import HuggingFace

if TYPE_CHECKING:
    from huggingface_hub import HfApi

NEEDED = ("config.json", "tokenizer.json")  # of an encoder, and one of the two that hold its weights
WHOLE, INDEX, PARTS = "model.safetensors", "model.safetensors.index.json", "model-*-of-*.safetensors"
USEFUL = ("tokenizer_config.json", "special_tokens_map.json")
COMMIT = re.compile("[0-9a-f]{40}")
# The pipeline keeps the hub's libraries offline; this remote is there to ask it. Read at their import.
os.environ["HF_HUB_OFFLINE"] = "0"


def version(remote: HuggingFace) -> Version:
    """{"files": {path: {"size", "sha256" or "blob"}}}: a commit that leaves these alone is no new version.

    {"commit"} where the revision is one: it never changes, and nobody is asked.
    """
    if COMMIT.fullmatch(remote.revision):
        return {"commit": remote.revision}
    try:
        return {"files": _listing(remote)[1]}
    except TryAgainError as error:
        raise TryAgainError(f"{error} (with a commit as revision it is asked once)") from None


def fetch(remote: HuggingFace, folder: Path) -> Version:
    """Download the files, under their own paths, at the one commit that was asked about, and check them."""
    commit, files = fetch_commit(remote, folder)
    return {"commit": commit} if COMMIT.fullmatch(remote.revision) else {"files": files}


def fetch_commit(remote: HuggingFace, folder: Path) -> tuple[str, dict[str, Version]]:
    """The same; the commit that was fetched, and what the hub says of each file."""
    commit, files = _listing(remote)
    with _complaints(remote):
        for path in files:
            _api().hf_hub_download(
                remote.repository, path, repo_type=_kind(remote), revision=commit, local_dir=folder
            )  # fmt: skip
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the library's notes on its downloads
    for path, said in files.items():
        if (found := _checked(folder / path, said)) != said:
            raise TryAgainError(f"{remote.repository}: {path} arrived as {found}, the hub says {said}")
    return commit, files


def _api() -> HfApi:
    from huggingface_hub import HfApi

    return HfApi()  # its token is HF_TOKEN


def _kind(remote: HuggingFace) -> str:
    return "dataset" if remote.dataset else "model"


def _listing(remote: HuggingFace) -> tuple[str, dict[str, Version]]:
    """The commit of the revision, and the wanted files of it: what the hub says of their content."""
    ask = _api().dataset_info if remote.dataset else _api().model_info
    with _complaints(remote):
        info = ask(remote.repository, revision=remote.revision, files_metadata=True)
    if COMMIT.fullmatch(remote.revision) and info.sha != remote.revision:
        raise UserError(f"{remote.repository}: the hub answers {info.sha}, expected {remote.revision}")
    known = {file.rfilename: file for file in info.siblings or ()}
    chosen = _of_data_set(remote, known) if remote.dataset else _of_model(remote, known)
    return info.sha or "", {path: _said(known[path]) for path in chosen}


def _of_data_set(remote: HuggingFace, paths: Collection[str]) -> list[str]:
    chosen = [path for path in sorted(paths) if any(fnmatch(path, each) for each in remote.files)]
    if not chosen:
        raise UserError(
            f"{remote.dataset}: no file fits {' or '.join(remote.files)} in revision {remote.revision}; "
            f"the hub's own Parquet files are in revision refs/convert/parquet"
        )
    return chosen


def _of_model(remote: HuggingFace, paths: Collection[str]) -> list[str]:
    """What an encoder needs, and no pickle. A single file of weights comes before one in parts, as with
    transformers."""
    where = f"{remote.model} of the Hugging Face hub, revision {remote.revision}"
    for needed in NEEDED:
        if needed not in paths:
            raise UserError(f"{where}: no {needed}, which an encoder needs; expected another model")
    parts = [path for path in paths if fnmatch(path, PARTS) and "/" not in path]
    weights = [WHOLE] if WHOLE in paths else [INDEX, *parts] if INDEX in paths and parts else []
    if not weights:
        raise UserError(
            f"{where}: no {WHOLE}, and pickled weights are never loaded; expected another revision or model"
        )
    return sorted([*NEEDED, *weights, *(path for path in USEFUL if path in paths)])


def _said(file: Any) -> Version:
    """Large files are kept by their SHA-256, the others by the name of git's blob."""
    if file.lfs:
        return {"size": file.size, "sha256": file.lfs.sha256}
    return {"size": file.size, "blob": file.blob_id}


def _checked(path: Path, said: Version) -> Version:
    """What `said` would be of the file that is there."""
    size = path.stat().st_size
    if "sha256" in said:
        return {"size": size, "sha256": sha256(path)}
    content = b"blob %d\0" % size + path.read_bytes()
    return {"size": size, "blob": hashlib.sha1(content, usedforsecurity=False).hexdigest()}


@contextmanager
def _complaints(remote: HuggingFace) -> Iterator[None]:
    """The hub's refusals in the user's terms."""
    from huggingface_hub import errors
    from huggingface_hub.utils import HFValidationError

    where = f"{remote.repository} of the Hugging Face hub"
    try:
        yield
    except errors.RevisionNotFoundError:
        raise UserError(f"{where}: no revision '{remote.revision}'") from None
    except errors.GatedRepoError:
        raise UserError(f"{where}: its terms must be accepted first; then set HF_TOKEN") from None
    except (errors.RepositoryNotFoundError, HFValidationError):
        raise UserError(
            f"{where}: no such {'data set' if remote.dataset else 'model'}, or a private one; "
            f"HF_TOKEN must be set for these"
        ) from None
    except Exception as error:
        # httpx's failures have no base class that the hub's library would name
        kinds = {each.__name__ for each in type(error).__mro__}
        if not kinds & {"HfHubHTTPError", "OSError", "TransportError"}:
            raise
        response = getattr(error, "response", None)
        if response is not None and response.status_code in (401, 403):
            raise UserError(f"{where}: access refused; see HF_TOKEN in the environment") from None
        raise TryAgainError(f"{where}: no answer ({type(error).__name__}); is there a network?") from None
