"""Files of a data set on the Hugging Face hub. Their version: the blobs of the files that are wanted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import TryAgainError, UserError
from components.settings.remotes import HuggingFace

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Version = dict[str, Any]
# The pipeline keeps the hub's libraries offline; this remote is there to ask it. Read at their import.
os.environ["HF_HUB_OFFLINE"] = "0"


def version(remote: HuggingFace) -> Version:
    """{"files": {path: blob}}: a commit that leaves these files alone is no new version."""
    return {"files": _listing(remote)[1]}


def fetch(remote: HuggingFace, folder: Path) -> Version:
    """Download the files, under their own paths, at the one commit that was asked about."""
    commit, blobs = _listing(remote)
    with _complaints(remote):
        for path in blobs:
            _api().hf_hub_download(
                remote.dataset, path, repo_type="dataset", revision=commit, local_dir=folder
            )  # fmt: skip
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the library's notes on its downloads
    return {"files": blobs}


def _api() -> HfApi:
    from huggingface_hub import HfApi

    return HfApi()  # its token is HF_TOKEN


def _listing(remote: HuggingFace) -> tuple[str, dict[str, str]]:
    """The commit of the revision, and the wanted files of it with their blobs."""
    with _complaints(remote):
        info = _api().dataset_info(remote.dataset, revision=remote.revision, files_metadata=True)
    blobs = {file.rfilename: file.blob_id or "" for file in info.siblings or ()}
    chosen = {
        path: blobs[path] for path in sorted(blobs) if any(fnmatch(path, each) for each in remote.files)
    }
    if not chosen:
        raise UserError(
            f"{remote.dataset}: no file fits {' or '.join(remote.files)} in revision {remote.revision}; "
            f"the hub's own Parquet files are in revision refs/convert/parquet"
        )
    return info.sha or "", chosen


@contextmanager
def _complaints(remote: HuggingFace) -> Iterator[None]:
    """The hub's refusals in the user's terms."""
    from huggingface_hub import errors
    from huggingface_hub.utils import HFValidationError

    where = f"{remote.dataset} of the Hugging Face hub"
    try:
        yield
    except errors.RevisionNotFoundError:
        raise UserError(f"{where}: no revision '{remote.revision}'") from None
    except errors.GatedRepoError:
        raise UserError(f"{where}: its terms must be accepted first; then set HF_TOKEN") from None
    except (errors.RepositoryNotFoundError, HFValidationError):
        raise UserError(
            f"{where}: no such data set, or a private one; HF_TOKEN must be set for these"
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
