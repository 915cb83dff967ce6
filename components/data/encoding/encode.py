"""Text -> tokens, once: data/<task> -> encoded/<task>, Arrow files that are memory-mapped to train."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components import families
from components.data.contract.cards import TASK_CARD, TaskCard, task_card
from components.data.contract.progress import RowProgress
from components.data.contract.rows import column_of, view
from components.data.contract.splits import SPLITS
from components.data.encoding.one_ahead import one_ahead
from components.data.encoding.reading import READING, UNKNOWN, Reading
from components.data.encoding.scripts import unfamiliar, unknown_id
from components.data.encoding.split import EncodedSplit, candidates_file
from components.errors import UserError
from components.families.base import Facts, Family, Row
from components.families.base.capabilities import (
    Candidates,
    EncoderFacts,
    ExtraInputs,
    TokenCounts,
    candidates_of,
    extra_inputs_of,
    is_multi_sequence,
)
from components.files import atomic_folder

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

ROWS = 4096  # of a record batch
PIECE = 512  # rows that are tokenised together: their encodings are read while they are in the cache
SAMPLE, OF_A_BATCH, CHARACTERS = 5_000, 500, 500  # texts whose scripts are looked at, and their length


def encode(data: Path, tokenizer_file: Path, target: Path) -> None:
    """Tokenise a task's three splits; a row keeps its `id`, so results lead back to the data.

    Raises:
        UserError: there is no tokenizer.json, it cannot be read, or a family needs another encoder.
    """
    card = task_card(data)
    with atomic_folder(target) as folder:
        encoder = Encoder(_with_encoder(card, tokenizer_file.parent), tokenizer_file)
        with RowProgress(f"encode {card.task}", sum(card.rows.values())) as progress:
            for split in SPLITS:
                _encode_split(encoder, data, split, folder, progress)
        reading = _reading(encoder, EncodedSplit(folder / "train.arrow"))
        reading.write(folder / READING)
        _say_what_looks_wrong(encoder, reading)
        for head in encoder.heads:
            _encode_candidates(encoder, head, folder)
        encoder.card.write(folder / TASK_CARD)


def _reading(encoder: Encoder, training: EncodedSplit) -> Reading:
    """What was cut off and what is unknown, now that all training rows are encoded."""
    unknown = unknown_id(encoder.tokenizer)
    return Reading(
        rows=len(training),
        rows_cut=encoder.rows_cut,
        tokens=int(training.tokens.sum()),
        unknown_tokens=0 if unknown is None else training.count(unknown),
        unfamiliar=unfamiliar(encoder.tokenizer, encoder.sample),
    )


def _say_what_looks_wrong(encoder: Encoder, reading: Reading) -> None:
    """Warn of a limit that no training row keeps to, and of texts that the tokenizer does not know."""
    if reading.rows_cut == reading.rows > 1:
        _warn(
            f"{encoder.task}: every one of its {reading.rows:,} training rows is cut at max_length "
            f"{encoder.card.max_length}: the model sees only where they begin"
        )
    if reading.unknown > UNKNOWN:
        share = f"{reading.unknown:.0%} of the training tokens are unknown to the tokenizer"
        _warn(f"{encoder.task}: {share}; is it this encoder's, and for this language?")


def _warn(sentence: str) -> None:
    print(f"warning: {sentence}", file=sys.stderr)  # noqa: T201


def encode_to_ask(
    card: TaskCard,
    heads: Collection[str],
    data: Path,
    split: str,
    tokenizer_file: Path,
    folder: Path,
    targets: bool = False,
) -> None:
    """Tokenise a split of data/<task> into `folder` as a trained model reads it: with its own tokenizer, by
    its own card of the task. The columns are of those heads that are asked; with their `targets`, which the
    model must then know, or only with whether there are any."""
    encoder = Encoder(card, tokenizer_file, heads)
    encoder.only_asked = not targets
    with RowProgress(f"encode {card.task} for the champion") as progress:
        _encode_split(encoder, data, split, folder, progress)


def _with_encoder(card: TaskCard, folder: Path) -> TaskCard:
    """The task's card, where each head's facts have what its family must know of the encoder's folder."""
    heads = {}
    for head, own in card.heads.items():
        facts = own.facts
        family = families.get(own.family)
        if isinstance(family, EncoderFacts):
            facts = {**facts, **family.encoder_facts(folder, facts["options"])}
        heads[head] = own.model_copy(update={"facts": facts})
    return card.model_copy(update={"heads": heads})


def _encode_split(encoder: Encoder, data: Path, split: str, folder: Path, progress: RowProgress) -> None:
    schema, rows = encoder.schema(split), pq.ParquetFile(data / f"{split}.parquet")
    if "difficulty" in rows.schema_arrow.names:
        schema = schema.append(pa.field("difficulty", pa.float64()))
    with (
        pa.OSFile(str(folder / f"{split}.arrow"), "wb") as file,
        pa.ipc.new_file(file, schema) as out,
    ):
        for batch in _whole(encoder.encode(rows.iter_batches(ROWS), schema, split == "train")):
            out.write_batch(batch)
            progress.add(len(batch))


def _whole(pieces: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Record batches of `ROWS` rows, of their pieces."""
    while some := list(itertools.islice(pieces, math.ceil(ROWS / PIECE))):
        yield pa.concat_batches(some)


def _encode_candidates(encoder: Encoder, head: str, folder: Path) -> None:
    """Write what the answers of a head are chosen from, as a split's rows are written."""
    family, facts = encoder.heads[head]
    if not (rows := candidates_of(family, facts)):
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


class Read(NamedTuple):
    """Some rows of the data, whole and as the task's own head reads them; once tokenised, their sequences."""

    table: pa.Table
    rows: Sequence[Row]
    encodings: Sequence[Sequence[Encoding]] = ()


class Encoder:
    """A task's tokenizer, and what each of its heads encodes of a row.

    Where some heads are only `asked`, a target says no more than that the row has one: a trained model may
    not know it.
    """

    def __init__(self, card: TaskCard, tokenizer_file: Path, asked: Collection[str] | None = None) -> None:
        self.task = card.task
        self.tokenizer = _tokenizer(tokenizer_file)
        self.card, self.only_asked = card, asked is not None
        self.heads: dict[str, tuple[Family, Facts]] = {
            head: (families.get(own.family), own.facts)
            for head, own in card.heads.items()
            if asked is None or head in asked
        }
        own_head = card.heads[self.task]
        self.family, self.options = families.get(own_head.family), own_head.facts["options"]
        self.sample: list[str] = []  # texts of training rows
        self.several = is_multi_sequence(self.family, card.inputs)
        truncation = self.family.truncation(card.inputs, card.max_length, self.options)
        self.tokenizer.enable_truncation(**truncation)
        self.limit = truncation["max_length"]
        self.rows_cut = 0  # of the training rows that were encoded so far
        self.alone_is_zero = not any(self.tokenizer.encode("a").type_ids)

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
            target_type = pa.bool_() if self.only_asked else family.target_type
            fields.append((column_of(self.task, head, "target"), target_type))
            if family.layout_type is not None and split != "train":
                fields.append((column_of(self.task, head, "layout"), family.layout_type))
            if isinstance(family, ExtraInputs):
                fields.append((column_of(self.task, head, "extra"), pa.list_(family.extra_type)))
        return pa.schema(fields)

    def encode(
        self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, learning: bool
    ) -> Iterator[pa.RecordBatch]:
        """The pieces of record batches of the data, encoded: to learn from, or only to answer."""
        read = (piece for batch in batches for piece in self._read(batch, learning))
        for some in one_ahead(self._tokenise, read):
            columns = self._columns(some, schema.names, learning)
            if "difficulty" in schema.names:
                columns["difficulty"] = some.table["difficulty"].combine_chunks()
            yield pa.record_batch([columns[name] for name in schema.names], schema=schema)

    def _read(self, batch: pa.RecordBatch, learning: bool) -> Iterator[Read]:
        """A record batch in pieces."""
        table = pa.Table.from_batches([batch])
        rows: Sequence[Row] = view(table, self.task, self.task).to_pylist()
        if learning and isinstance(self.family, Candidates):
            rows = self.family.with_candidates(rows, self.heads[self.task][1])
        if learning and len(self.sample) < SAMPLE:
            self.sample += [
                self.family.text_of(row)[:CHARACTERS] for row in rows[:: 1 + len(rows) // OF_A_BATCH]
            ]
        for first in range(0, len(rows), PIECE):
            yield Read(table.slice(first, PIECE), rows[first : first + PIECE])

    def _tokenise(self, read: Read) -> Read:
        """The rows with their sequences."""
        offsets = any(family.offsets for family, _ in self.heads.values())
        encodings = self.family.tokenise(self.tokenizer, read.rows, self.options, offsets)
        return read._replace(encodings=encodings)

    def _columns(self, read: Read, names: Sequence[str], learning: bool) -> dict[str, list[Any] | pa.Array]:
        """The columns of rows that are tokenised."""
        table, rows, encodings = read
        self._require_tokens(rows, encodings)
        columns = self.sequences(table["id"].combine_chunks(), encodings)
        if learning:
            pairs = zip(rows, encodings, strict=True)
            self.rows_cut += sum(self.family.is_cut(row, of_row, self.limit) for row, of_row in pairs)
        for head, (family, facts) in self.heads.items():
            own = rows if head == self.task else view(table, self.task, head).to_pylist()
            first = family.target_schema().names[0]
            known = [row if row[first] is not None else None for row in own]
            if learning:
                self._count(family, facts, known, encodings)
            target = _there_is_one if self.only_asked else family.target
            extra = partial(extra_inputs_of, family)
            for name, ask in (("target", target), ("layout", family.layout), ("extra", extra)):
                if (column := column_of(self.task, head, name)) in names:
                    columns[column] = _ask(ask, known, encodings, facts)
        return columns

    def _require_tokens(self, rows: Sequence[Row], encodings: Sequence[Sequence[Encoding]]) -> None:
        """Check that the encoder has something to read of every row; a tokenizer may drop what it does not
        know, and add nothing of its own."""
        empty = [
            row for row, of_row in zip(rows, encodings, strict=True) if not all(len(one) for one in of_row)
        ]
        if empty:
            text = empty[0][self.card.inputs[0]]
            raise UserError(
                f"data/{self.task}: the tokenizer knows nothing in {text!r:.60}, and in {len(empty) - 1} "
                f"more rows; expected a tokenizer for these texts, or a source.filter without them"
            )

    def _count(
        self,
        family: Family,
        facts: Facts,
        rows: Sequence[Row | None],
        encodings: Sequence[Sequence[Encoding]],
    ) -> None:
        """Add what the family counts in the training rows that have its target to the facts of its card."""
        if isinstance(family, TokenCounts):
            some = [of_row for row, of_row in zip(rows, encodings, strict=True) if row is not None]
            counts = family.count_tokens(some, facts)
            facts["tally"] = (counts + np.array(facts.get("tally", 0))).tolist()

    def sequences(
        self, ids: pa.Array, encodings: Sequence[Sequence[Encoding]]
    ) -> dict[str, list[Any] | pa.Array]:
        """The columns of what the encoder reads of some rows."""
        input_ids = _joined(encodings, "ids", np.int32)
        return {
            "id": ids,
            "input_ids": input_ids,
            "segment_ids": self._segments(encodings, input_ids),
            "cuts": [_cuts(of_row) for of_row in encodings] if self.several else [],
        }

    def _segments(self, encodings: Sequence[Sequence[Encoding]], like: pa.ListArray) -> pa.Array:
        """Asking each encoding takes a tenth of all the time; where no row is a pair, that can be spared."""
        if self.alone_is_zero and all(one.n_sequences == 1 for of_row in encodings for one in of_row):
            return pa.ListArray.from_arrays(like.offsets, np.zeros(len(like.values), np.int8))
        return _joined(encodings, "type_ids", np.int8)


def _there_is_one(row: Row, encodings: Sequence[Encoding], facts: Facts) -> bool:
    return True


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
