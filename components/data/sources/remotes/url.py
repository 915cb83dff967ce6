"""Files at any fsspec address. Their version: each one's checksum or, without one, size and time."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from components.data.sources.record import Version
from components.errors import TryAgainError, UserError, first_line
from components.settings.remotes import Url
from components.settings.secrets import resolve

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

NO_FILE = {errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR}  # of a path that none will be at either later
CHECKSUMS = ("ETag", "etag", "md5Hash", "generation", "Content-MD5", "checksum", "sha")
TIMES = ("LastModified", "Last-Modified", "last_modified", "updated", "mtime", "modify")


def version(remote: Url) -> Version:
    """{"files": {name: {"size", "checksum" or "time" or "sha256"}}}."""
    with complaints(remote.address):
        system, files = _files(remote)
        return {"files": {name: version_of(system, path) for name, path in files.items()}}


def fetch(remote: Url, folder: Path) -> Version:
    """Stream the files into the folder."""
    with complaints(remote.address):
        system, files = _files(remote)
        for name, path in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            system.get_file(path, str(target))
    return version(remote)


def _files(remote: Url) -> tuple[AbstractFileSystem, dict[str, str]]:
    """The file system, and the path of every file by its name below the address."""
    import fsspec

    address, options = resolve(remote.address), resolve(remote.options)
    # Listings are not cached: `version` after `fetch` must ask again.
    system, path = fsspec.core.url_to_fs(
        address, use_listings_cache=False, skip_instance_cache=True, **options
    )
    if path.startswith("http"):  # there "*" is a letter, and a folder is a page
        found, root = [path], path.split("?")[0].rpartition("/")[0]
    elif any(sign in path for sign in "*["):
        found, root = sorted(system.glob(path)), path.split("*")[0].split("[")[0].rpartition("/")[0]
    elif system.isdir(path):
        found, root = sorted(system.find(path)), path
    else:
        found, root = [path], path.rpartition("/")[0]
    if not found:
        raise FileNotFoundError
    return system, {_name(each, root): each for each in found}


def _name(path: str, root: str) -> str:
    """A path below `root`, without a query; never one that leaves the folder."""
    name = PurePosixPath(path.removeprefix(root).lstrip("/").split("?")[0])
    if ".." in name.parts:
        raise UserError(f"'{name}' leads out of the folder")
    return str(name)


def version_of(system: AbstractFileSystem, path: str) -> Version:
    """What the server says of the file; where it says too little, the file's own hash."""
    info = system.info(path)
    for kind, keys in (("checksum", CHECKSUMS), ("time", TIMES)):
        if said := next((info[key] for key in keys if info.get(key)), None):
            return {"size": info.get("size"), kind: str(said)}
    with system.open(path, "rb", block_size=0) as file:  # 0: as one stream, for servers without ranges
        digest = hashlib.file_digest(file, "sha256")
    return {"size": info.get("size"), "sha256": digest.hexdigest()}


@contextmanager
def complaints(where: str) -> Iterator[None]:
    """fsspec's failures at this address, and those of the libraries under it, in the user's terms."""
    try:
        yield
    except (UserError, TryAgainError):
        raise
    except FileNotFoundError as error:
        for cause in filter(None, (error.__cause__, error.__context__)):
            _explain_http(where, cause)  # fsspec says "not found" of every failure of a web server
        raise UserError(f"{where}: no such file, key or bucket") from None
    except PermissionError as error:
        raise UserError(
            f"{where}: access refused ({error}); see the credentials in the environment"
        ) from None
    except (ImportError, ValueError) as error:  # an unknown protocol, or one whose library is not here
        raise UserError(f"{where}: {first_line(error)}") from None
    except Exception as error:
        _explain_http(where, error)
        kinds = {each.__name__ for each in type(error).__mro__}
        if kinds & {"NoCredentialsError", "PartialCredentialsError"}:
            raise UserError(f"{where}: access refused ({error}); see the environment") from None
        if isinstance(error, OSError) and error.errno in NO_FILE:
            raise UserError(f"{where}: is no file ({error.strerror})") from None
        if isinstance(error, OSError) or kinds & {"ClientError", "BotoCoreError"}:  # botocore's
            raise TryAgainError(f"{where}: no answer ({type(error).__name__}: {error})") from None
        raise


def _explain_http(where: str, error: BaseException) -> None:
    """Raise the user's error for what aiohttp has raised; leave the rest alone."""
    import aiohttp

    if isinstance(error, aiohttp.ClientResponseError):
        if error.status in (401, 403):
            raise UserError(f"{where}: access refused ({error.status}); see the credentials") from None
        if 404 < error.status < 500 and error.status not in (408, 429):
            raise UserError(f"{where}: the server answers {error.status}") from None
        if error.status != 404:
            raise TryAgainError(f"{where}: no answer (status {error.status})") from None
    elif isinstance(error, aiohttp.ClientError | TimeoutError):
        raise TryAgainError(f"{where}: no answer ({error or type(error).__name__})") from None
