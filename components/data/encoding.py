"""Text -> tokens, once: data/<task> -> encoded/<task>, Arrow files that are memory-mapped to train."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components import tasks
from components.data.progress import RowProgress
from components.data.rows import column_of, view
from components.data.splits import SPLITS
from components.errors import UserError
from components.files import atomic_folder, read_json, write_json
from components.tasks.base import Facts, Family, Row

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

ROWS = 4096  # of a record batch: their encodings are in memory at once
Card = dict[str, Any]
Tokens = tuple[np.ndarray, np.ndarray]  # input_ids_L, segment_ids_L


def encode(data: Path, tokenizer_file: Path, target: Path) -> None:
    """Tokenise a task's three splits; a row keeps its `id`, so results lead back to the data.

    Raises:
        UserError: there is no tokenizer.json, it cannot be read, or a family needs another encoder.
    """
    card = read_json(data / "task.json")
    with atomic_folder(target) as folder:
        encoder = Encoder(card, tokenizer_file)
        with RowProgress(f"encode {card['task']}", sum(card["rows"].values())) as progress:
            for split in SPLITS:
                _encode_split(encoder, data, split, folder, progress)
        for head in encoder.heads:
            _encode_candidates(encoder, head, folder)
        write_json(folder / "task.json", encoder.card)


def _with_encoder(card: Card, folder: Path) -> Card:
    """The task's card, where each head's facts have what its family must know of the encoder's folder."""
    heads = {}
    for head, own in card["heads"].items():
        facts = own["facts"]
        of_encoder = tasks.get(own["family"]).encoder_facts(folder, facts["options"])
        heads[head] = {**own, "facts": {**facts, **of_encoder}}
    return {**card, "heads": heads}


def _encode_split(encoder: Encoder, data: Path, split: str, folder: Path, progress: RowProgress) -> None:
    schema, rows = encoder.schema(split), pq.ParquetFile(data / f"{split}.parquet")
    if "difficulty" in rows.schema_arrow.names:
        schema = schema.append(pa.field("difficulty", pa.float64()))
    with (
        pa.OSFile(str(folder / f"{split}.arrow"), "wb") as file,
        pa.ipc.new_file(file, schema) as out,
    ):
        for batch in rows.iter_batches(ROWS):
            columns = encoder.encode(pa.Table.from_batches([batch]), schema.names, split == "train")
            if "difficulty" in schema.names:
                columns["difficulty"] = batch["difficulty"]
            out.write_batch(pa.record_batch([columns[name] for name in schema.names], schema=schema))
            progress.add(len(batch))


def _encode_candidates(encoder: Encoder, head: str, folder: Path) -> None:
    """Write what the answers of a head are chosen from, as a split's rows are written."""
    family, facts = encoder.heads[head]
    if not (rows := family.candidates(facts)):
        return
    schema = encoder.sequences_schema()
    with (
        pa.OSFile(str(folder / candidates_file(head)), "wb") as file,
        pa.ipc.new_file(file, schema) as out,
    ):
        for first in range(0, len(rows), ROWS):
            some = rows[first : first + ROWS]
            encodings = family.tokenise(encoder.tokenizer, some, facts["options"], offsets=False)
            ids = pa.array([str(first + number) for number in range(len(some))])
            columns = encoder.sequences(ids, encodings)
            out.write_batch(pa.record_batch([columns[name] for name in schema.names], schema=schema))


def candidates_file(head: str) -> str:
    """The name, in an encoded task's folder, of the rows that a head's answers are chosen from."""
    return f"candidates.{head}.arrow"


class Encoder:
    """A task's tokenizer, and what each of its heads encodes of a row."""

    def __init__(self, card: Card, tokenizer_file: Path) -> None:
        self.task: str = card["task"]
        self.tokenizer = _tokenizer(tokenizer_file)
        self.card = _with_encoder(card, tokenizer_file.parent)
        self.heads: dict[str, tuple[Family, Facts]] = {
            head: (tasks.get(own["family"]), own["facts"]) for head, own in self.card["heads"].items()
        }
        self.family, facts = self.heads[self.task]
        self.options = facts["options"]
        self.several = self.family.several(card["inputs"])
        truncation = self.family.truncation(card["inputs"], card["max_length"], self.options)
        self.tokenizer.enable_truncation(**truncation)

    def sequences_schema(self) -> pa.Schema:
        """The columns of what the encoder reads of a row."""
        fields = [("id", pa.string()), ("input_ids", pa.list_(pa.int32()))]
        fields += [("segment_ids", pa.list_(pa.int8()))]
        fields += [("cuts", pa.list_(pa.int32()))] if self.several else []
        return pa.schema(fields)

    def schema(self, split: str) -> pa.Schema:
        """The columns of an encoded split; only held-out rows are decoded, so only they need a layout."""
        fields: list[Any] = [*self.sequences_schema()]
        for head, (family, _) in self.heads.items():
            fields.append((column_of(self.task, head, "target"), family.target_type))
            if family.layout_type is not None and split != "train":
                fields.append((column_of(self.task, head, "layout"), family.layout_type))
            if family.side_type is not None:
                fields.append((column_of(self.task, head, "side"), pa.list_(family.side_type)))
        return pa.schema(fields)

    def encode(
        self, table: pa.Table, names: Sequence[str], learning: bool
    ) -> dict[str, list[Any] | pa.Array]:
        """The columns of some rows, which the model will learn from, or only answer."""
        rows = view(table, self.task, self.task).to_pylist()
        rows = self.family.for_learning(rows, self.heads[self.task][1]) if learning else rows
        offsets = any(family.offsets for family, _ in self.heads.values())
        encodings = self.family.tokenise(self.tokenizer, rows, self.options, offsets)
        columns = self.sequences(table["id"].combine_chunks(), encodings)
        for head, (family, facts) in self.heads.items():
            own = rows if head == self.task else view(table, self.task, head).to_pylist()
            first = family.target_schema().names[0]
            known = [row if row[first] is not None else None for row in own]
            if learning:
                self._count(family, facts, known, encodings)
            for name, ask in (("target", family.target), ("layout", family.layout), ("side", family.side)):
                if (column := column_of(self.task, head, name)) in names:
                    columns[column] = _ask(ask, known, encodings, facts)
        return columns

    def _count(
        self,
        family: Family,
        facts: Facts,
        rows: Sequence[Row | None],
        encodings: Sequence[Sequence[Encoding]],
    ) -> None:
        """Add what the family counts in the training rows that have its target to the facts of its card."""
        some = [of_row for row, of_row in zip(rows, encodings, strict=True) if row is not None]
        if (counts := family.tally(some, facts)) is not None:
            facts["tally"] = (counts + np.array(facts.get("tally", 0))).tolist()

    def sequences(
        self, ids: pa.Array, encodings: Sequence[Sequence[Encoding]]
    ) -> dict[str, list[Any] | pa.Array]:
        """The columns of what the encoder reads of some rows."""
        return {
            "id": ids,
            "input_ids": _joined(encodings, "ids", np.int32),
            "segment_ids": _joined(encodings, "type_ids", np.int8),
            "cuts": [_cuts(of_row) for of_row in encodings] if self.several else [],
        }


def _ask(
    ask: Any, rows: Sequence[Row | None], encodings: Sequence[Sequence[Encoding]], facts: Facts
) -> list[Any]:
    """What the family says of every row that has a target."""
    pairs = zip(rows, encodings, strict=True)
    return [None if row is None else ask(row, of_row, facts) for row, of_row in pairs]


def _joined(encodings: Sequence[Sequence[Encoding]], name: str, dtype: type) -> pa.Array:
    """A list column: what a row's encodings say, one after the other."""
    ends = np.cumsum([0, *(sum(map(len, of_row)) for of_row in encodings)], dtype=np.int32)
    numbers = itertools.chain.from_iterable(getattr(one, name) for of_row in encodings for one in of_row)
    return pa.ListArray.from_arrays(ends, np.fromiter(numbers, dtype, count=ends[-1]))


def _cuts(encodings: Sequence[Encoding]) -> list[int]:
    """Where each sequence of a row starts."""
    return list(itertools.accumulate((len(encoding) for encoding in encodings[:-1]), initial=0))


def _tokenizer(file: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises a bare Exception
        raise UserError(f"{file}: not a fast tokenizer ({error})") from None
    tokenizer.no_padding()
    return tokenizer


class _Batch(NamedTuple):
    """The tokens of one record batch, as they lie in the file; n rows, T tokens, S sequences."""

    offsets: np.ndarray  # n + 1: where each row starts in ...
    ids: np.ndarray  # ... T
    segments: np.ndarray  # T
    edges: np.ndarray  # S + 1: where each sequence starts in ids, and the end
    firsts: np.ndarray  # n + 1: the number of each row's first sequence


class EncodedSplit:
    """One split of an encoded task, memory-mapped: rows cost nothing until they are read.

    A head is named as in the settings; without a name, the task's own is meant.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.task = path.parent.name
        self._source = pa.memory_map(str(path))
        self.table = pa.ipc.open_file(self._source).read_all()
        self._labelled: dict[str, np.ndarray] = {}
        self._columns: dict[str, list[pa.Array]] = {}

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def tokens(self) -> np.ndarray:
        """tokens_N: real tokens of every row."""
        return _concatenated([np.diff(batch.offsets) for batch in self._batches])

    @cached_property
    def lengths(self) -> np.ndarray:
        """lengths_N: tokens of every row's longest sequence."""
        if not self.several:
            return self.tokens
        return _concatenated(
            [np.maximum.reduceat(np.diff(batch.edges), batch.firsts[:-1]) for batch in self._batches]
        )

    def difficulty(self, by: str) -> np.ndarray:
        """difficulty_N: how hard every row is, by its `length` or by the task's column `difficulty`."""
        return self.lengths if by == "length" else np.asarray(self.table["difficulty"].to_numpy())

    @property
    def several(self) -> bool:
        """Whether a row is several sequences: texts that the encoder sees one by one, or windows."""
        return "cuts" in self.table.column_names

    def sequences(self, row: int) -> list[Tokens]:
        """(input_ids_L, segment_ids_L) of each sequence of a row, without a copy."""
        number, place = divmod(int(row), self._batch_rows)
        batch = self._batches[number]
        edges = batch.edges[batch.firsts[place] : batch.firsts[place + 1] + 1]
        return [(batch.ids[a:b], batch.segments[a:b]) for a, b in itertools.pairwise(edges.tolist())]

    def gather(self, rows: Sequence[int] | np.ndarray) -> list[list[Tokens]]:
        """`sequences` of many rows; where each row is one sequence it takes a quarter of the time."""
        if self.several:
            return [self.sequences(row) for row in rows]
        words, octets, begins = self._flat
        numbers, places = np.divmod(np.asarray(rows, dtype=np.int64), self._batch_rows)
        offsets, ids, segments = begins[:, numbers]
        offsets += places
        starts = words[offsets]
        lengths = (words[offsets + 1] - starts).tolist()
        spans = zip((ids + starts).tolist(), (segments + starts).tolist(), lengths, strict=True)
        return [[(words[i : i + n], octets[s : s + n])] for i, s, n in spans]

    @cached_property
    def _flat(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The whole file as int32 and as int8, and where in it each record batch's offsets and ids (in the
        first) and segments (in the second) begin: begins_3b."""
        self._source.seek(0)
        octets = np.frombuffer(self._source.read_buffer(), np.int8)
        origin, size = octets.ctypes.data, len(octets) // 4 * 4
        begins = [
            [
                (array.ctypes.data - origin) // array.itemsize
                for array in (batch.offsets, batch.ids, batch.segments)
            ]
            for batch in self._batches
        ]
        return octets[:size].view(np.int32), octets, np.array(begins).T.copy()

    def target(self, row: int, head: str | None = None) -> Any:
        """The encoded target, None where the row has none."""
        return self._value("target", row, head)

    def side(self, row: int, head: str | None = None) -> list[int] | list[float] | None:
        """What the head is given beside the states, None where it is given nothing."""
        return self._value("side", row, head)

    def layout(self, row: int, head: str | None = None) -> Any:
        """What decoding needs, None where the family needs nothing."""
        return self._value("layout", row, head)

    def labelled(self, head: str | None = None) -> np.ndarray:
        """labelled_N: has the row the head's target?"""
        column = self._column("target", head)
        if column not in self._labelled:  # asked in every step
            self._labelled[column] = np.asarray(self.table[column].is_valid().to_numpy())
        return self._labelled[column]

    @cached_property
    def repeats(self) -> bool:
        """Do rows hold the same sequences again and again: candidates that some head chooses among?"""
        return any(self.path.parent.glob(candidates_file("*")))

    def candidates(self, head: str) -> EncodedSplit | None:
        """What the head's answers are chosen from, None where they are no choice among rows."""
        path = self.path.with_name(candidates_file(head))
        return EncodedSplit(path) if path.exists() else None

    def ids(self) -> list[str]:
        """The rows' ids."""
        return [str(value) for value in self.table["id"].to_pylist()]

    def _column(self, name: str, head: str | None) -> str:
        return column_of(self.task, head or self.task, name)

    def _value(self, name: str, row: int, head: str | None) -> Any:
        number, place = divmod(int(row), self._batch_rows)
        chunks = self._chunks(self._column(name, head))
        return chunks[number][place].as_py() if chunks else None

    def _chunks(self, column: str) -> list[pa.Array]:
        """A column's record batches; looking one up in the table took ten times as long as its value."""
        if column not in self._columns:
            known = column in self.table.column_names
            self._columns[column] = self.table[column].chunks if known else []
        return self._columns[column]

    @cached_property
    def _batch_rows(self) -> int:
        """Rows of a record batch; only the last has fewer."""
        return self._batches[0].offsets.size - 1

    @cached_property
    def _batches(self) -> list[_Batch]:
        return [_read(batch, self.several) for batch in self.table.to_batches()]


def _read(batch: pa.RecordBatch, several: bool) -> _Batch:
    ids, segments = batch["input_ids"], batch["segment_ids"]
    offsets = np.asarray(ids.offsets)
    edges, firsts = offsets, np.arange(len(offsets))
    if several:
        firsts = np.asarray(batch["cuts"].offsets)
        starts = np.repeat(offsets[:-1], np.diff(firsts)) + np.asarray(batch["cuts"].values)
        edges = np.append(starts, offsets[-1])
    return _Batch(offsets, np.asarray(ids.values), np.asarray(segments.values), edges, firsts)


def _concatenated(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64)


def cards_of(encoded: Path) -> dict[str, Card]:
    """The cards of a task's heads, by name, as the model's configuration carries them."""
    card = read_json(encoded / "task.json")
    of_task = {key: card[key] for key in ("task", "max_length", "inputs")}
    return {
        head: {"family": own["family"], "facts": own["facts"], **of_task}
        for head, own in card["heads"].items()
    }
