"""What Hugging Face calls a data set, read by its library `datasets` -> Arrow tables, one in memory.

Nothing is fetched here, no loading script is run, and nothing pickled is loaded (docs/decisions/0024).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from components.data.sources.record import Values
from components.errors import UserError, near_miss
from components.settings.data import Builder, DataFiles, HuggingFace, Source

if TYPE_CHECKING:
    from datasets import Dataset, DatasetBuilder, Features, IterableDataset

CACHE = Path(".onetrunk/datasets")  # the library's own, in the project: what it has prepared, to be sliced
TYPED = ("parquet", "arrow")  # builders whose files say their types: they need no preparing
SPLIT_NAME = re.compile(r"(?<![\w.:%(-])[A-Za-z_][\w.-]*")  # in an expression such as train[:80%]+test
Convert = Callable[[Any], Any]
Parquet = tuple[Path, "Features | None"]  # a file, and the types that its folder declares


def tables(path: Path, source: Source, rows: int) -> Iterator[tuple[pa.Table, Features | None]]:
    """A split's rows, so many at a time, and what the library knows of their columns' types.


    `path` is `source.path`, or a split of it: `source.path / "train[:80%]+test"`, an expression of the
    library's.

    Raises:
        UserError: there is no such split, or the library cannot read it.
    """
    root = Path(source.path)
    with _complaints(path):
        opened = _open(root, path.relative_to(root).as_posix(), source.huggingface)
        if isinstance(opened, list):
            yield from _pages(opened, rows)
        else:
            yield from ((table, opened.features) for table in opened.iter(batch_size=rows))


def converters(features: Mapping[str, Any] | None) -> dict[str, Convert]:
    """For each column whose values are not yet what Arrow holds: what makes them of it.

    Class numbers become names (-1, a test's missing label, becomes None), JSON becomes objects, at any depth.
    """
    found = {name: _converter(feature) for name, feature in (features or {}).items()}
    return {name: convert for name, convert in found.items() if convert}


def _converter(feature: Any) -> Convert | None:
    from datasets import ClassLabel, Json, LargeList, List

    if isinstance(feature, ClassLabel):
        return dict(enumerate(feature.names)).get
    if isinstance(feature, Json):
        decode: Callable[[Any], Any] = feature.decode_example
        return decode
    if isinstance(feature, List | LargeList):
        each = _converter(feature.feature)
        return each and (lambda values: values if values is None else [each(value) for value in values])
    if isinstance(feature, dict):
        inner = converters(feature)
        return (lambda value: value and {**value, **_converted(value, inner)}) if inner else None
    return None


def _converted(value: Mapping[str, Any], inner: Mapping[str, Convert]) -> Values:
    return {name: convert(value[name]) for name, convert in inner.items()}


def _open(root: Path, expression: str, settings: HuggingFace) -> Dataset | IterableDataset | list[Parquet]:
    """`expression` "." is the whole of a data set that has one split."""
    if not root.exists():
        raise UserError(f"{root}: no such file or folder; see source.path in params.yaml")
    if folders := _saved(root):
        return _of_saved(root, folders, expression)
    builder = _builder(root, settings)
    expression = _checked(root, expression, [str(split) for split in builder.config.data_files])
    if _streams(settings, builder, expression):
        if builder.info.builder_name == "parquet":
            files = {str(split): names for split, names in builder.config.data_files.items()}
            return [(Path(name), builder.info.features) for name in files[expression]]
        with _torch_left_out():
            return builder.as_streaming_dataset(split=expression).with_format("arrow")
    builder.download_and_prepare()
    return builder.as_dataset(split=expression).with_format("arrow")


def _streams(settings: HuggingFace, builder: DatasetBuilder, expression: str) -> bool:
    whole = SPLIT_NAME.fullmatch(expression) is not None
    if settings.streaming and not whole:
        raise UserError(
            f"source.files: '{expression}' is a part of a data set, and a stream is read whole; "
            f"name one split, or leave source.huggingface.streaming out"
        )
    typed = builder.info.builder_name in TYPED
    return whole and (typed if settings.streaming is None else settings.streaming)


def _pages(files: list[Parquet], rows: int) -> Iterator[tuple[pa.Table, Features]]:
    """Parquet page by page: the library would hold a whole row group, and leave threads of Arrow's behind."""
    from datasets import Features
    from datasets.table import table_cast

    for path, known in files:
        with pq.ParquetFile(path) as file:
            features = known or Features.from_arrow_schema(file.schema_arrow)
            for batch in file.iter_batches(rows):
                yield table_cast(pa.Table.from_batches([batch]), features.arrow_schema), features


@contextmanager
def _torch_left_out() -> Iterator[None]:
    """A stream would be a data set of torch's too; its import takes seconds and some 300 MB."""
    from datasets import config

    available, config.TORCH_AVAILABLE = config.TORCH_AVAILABLE, "torch" in sys.modules
    try:
        yield
    finally:
        config.TORCH_AVAILABLE = available


# --- folders of save_to_disk ----------------------------------------------------------------------


def _saved(root: Path) -> list[Path]:
    """The folders that `save_to_disk` has written: that of a Dataset, or those of a DatasetDict's splits."""
    states = [root / "state.json"] if (root / "state.json").is_file() else root.glob("*/state.json")
    return sorted(state.parent for state in states)


def _of_saved(root: Path, folders: list[Path], expression: str) -> Dataset:
    """Mapped into memory; of an expression, its parts one after the other."""
    from datasets import Dataset, ReadInstruction, concatenate_datasets

    loaded = [Dataset.load_from_disk(str(folder)) for folder in folders]
    names = [folder.name for folder in folders] if folders != [root] else [str(loaded[0].split or "train")]
    splits = dict(zip(names, loaded, strict=True))
    expression = _checked(root, expression, names)
    parts = ReadInstruction.from_spec(expression).to_absolute({name: len(splits[name]) for name in names})
    chosen = [splits[part.splitname].select(range(part.from_, part.to)) for part in parts]
    return concatenate_datasets(chosen).with_format("arrow")


# --- folders of data files ------------------------------------------------------------------------


def _builder(root: Path, settings: HuggingFace) -> DatasetBuilder:
    """What the library reads the files with, which are known to lie below `root`."""
    from datasets import load_dataset_builder

    folder, files = (root, settings.data_files) if root.is_dir() else (root.parent, root.name)
    _refuse_addresses(folder, files)
    where = str(folder.resolve())  # else the folder "json" would be the builder of that name
    given = {"path": settings.builder, "data_dir": where} if settings.builder else {"path": where}
    builder = load_dataset_builder(
        **given, name=settings.config, data_files=files, cache_dir=str(CACHE.absolute())
    )  # fmt: skip
    if builder.info.builder_name not in get_args(Builder):
        raise UserError(
            f"{root}: its files are those of the builder '{builder.info.builder_name}', expected one of "
            f"{', '.join(get_args(Builder))}; source.huggingface.data_files can name them"
        )
    for each in (file for split in builder.config.data_files.values() for file in split):
        if not Path(each).resolve().is_relative_to(folder.resolve()):
            raise UserError(
                f"{root}: '{each}' is not below it, and a change of it would go unseen; "
                f"expected all files of a data set in one folder"
            )
    return builder


def _checked(root: Path, expression: str, splits: list[str]) -> str:
    """The expression, or the only split there is, once every split that it names is known to be there."""
    if expression == "." and len(splits) == 1:
        return splits[0]
    for name in SPLIT_NAME.findall(expression) if expression != "." else ["."]:
        if name not in splits:
            near, known = near_miss(name, splits), ", ".join(sorted(splits))
            raise UserError(
                f"{root / expression}: no split '{name}' of a Hugging Face data set{near}; found {known}; "
                f"name its splits in source.files"
            )
    return expression


def _refuse_addresses(folder: Path, files: DataFiles) -> None:
    """No file is fetched, whoever names it: params.yaml or the folder's own README.md."""
    from huggingface_hub import DatasetCard

    declared: list[Any] = [files]
    for name in ("README.md", ".huggingface.yaml"):
        if (folder / name).is_file():
            text = (folder / name).read_text(encoding="utf-8")
            card = DatasetCard(
                text if name == "README.md" else f"---\n{text}\n---\n", ignore_metadata_errors=True
            )
            declared.append(card.data.to_dict().get("configs"))
    for address in _texts(declared):
        if "://" in address:
            raise UserError(
                f"{folder}: '{address}' is elsewhere, and nothing is fetched while rows are read; "
                f"declare it under remotes in params.yaml"
            )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(each)


@contextmanager
def _complaints(path: Path) -> Iterator[None]:
    """The library raises errors of many kinds; the first of their causes knows the file or the line."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        cause: BaseException = error
        while cause.__cause__:
            cause = cause.__cause__
        reason = " ".join(str(cause).split()) or type(cause).__name__
        raise UserError(f"{path}: the library `datasets` cannot read it ({reason:.300})") from error
