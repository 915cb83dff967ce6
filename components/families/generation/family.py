"""Generation: a text is answered by a text: a summary, a translation, a reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, Field, field_validator

from components.errors import BadRowError
from components.families.base import Check, Facts, Family, Layout, Options, Prediction, Row, Sequence1
from components.families.base.capabilities import EncoderFacts, ExtraInputs, TeacherForcing
from components.families.generation import copy_vocabulary
from components.families.generation.baselines import lead, nearest
from components.families.generation.metrics import METRICS, words
from components.families.generation.pretrained_config import describe
from components.families.shared.changes import options_changed
from components.families.shared.fields import read_text, whole
from components.settings.section import Unit

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding
    from torch import nn

    from components.settings.project import Checks

ABSENT = -100  # target of a token that a row lacks
NEAREST = 20_000  # training texts that the linear baseline compares with
BINS = {"1 to 3": 3, "4 to 7": 7, "8 to 15": 15, "16 to 31": 31, "32 to 63": 63}  # words: up to so many


class GenerationOptions(Options):
    """The decoder, what it learns from, and how it answers."""

    # small is the task's own; pretrained is that of the encoder's folder
    decoder: Literal["small", "pretrained"] = "small"
    prefix: str = ""  # put before the text
    max_target: Annotated[int, Unit("tokens")] = Field(64, ge=1, le=1024)  # of a target or an answer, at most
    beams: int = Field(1, ge=1, le=16)  # 1 is greedy decoding
    length_penalty: float = Field(0.6, ge=0, le=2)  # alpha of Wu et al. 2016
    seconds: Annotated[float, Unit("seconds")] = Field(5.0, gt=0, le=600)  # for the answers of a request
    label_smoothing: float = Field(0.0, ge=0, lt=1)  # part of the uniform target in the one-hot one
    layers: Annotated[int, Unit("layers")] = Field(2, ge=1, le=12)  # of the small decoder
    # of the small decoder, learnt from the training targets
    vocabulary: Annotated[int, Unit("tokens")] = Field(4000, ge=256, le=100_000)
    copies: Annotated[int, Unit("words")] = Field(64, ge=0, le=1024)  # of a text, that it can copy
    dropout: float = Field(0.1, ge=0, lt=1)  # in the small decoder, while training

    @field_validator("prefix")
    @classmethod
    def _is_unicode(cls, prefix: str) -> str:
        return whole(prefix, "prefix")


class GenerationAnswer(BaseModel):
    """The text; is it complete, or was it cut off at the limit of tokens or of time?"""

    text: str
    complete: bool


class Generation(EncoderFacts, ExtraInputs, TeacherForcing, Family):
    """Cross-entropy of each target token given the source and the tokens before it.

    A unit is a token, so a long target weighs no more in its task, and its task no more among others.
    """

    name = "generation"
    hub_task = "text-generation"
    targets: ClassVar[Mapping[str, bool]] = {"target": True}
    role_kinds: ClassVar[Mapping[str, str]] = {"target": "written"}
    options = GenerationOptions
    metrics = METRICS
    target_type = pa.list_(pa.int32())
    layout_type = pa.struct([("words", pa.list_(pa.string()))])  # of the source, that can be copied
    extra_type = pa.int32()  # the tokens at which those words begin
    offsets = True
    response = GenerationAnswer
    example = (
        {"text": "bchunk contains a rewrite of BinChunker. It converts .bin/.cue images into .iso tracks."},
        {"text": "CD image format conversion from bin/cue to iso", "complete": True},
    )

    # --- data -----------------------------------------------------------------------------------

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        return {**super().read_input(record, options), "prefix": options["prefix"]}

    def input_schema(self) -> pa.Schema:
        return super().input_schema().append(pa.field("prefix", pa.string()))

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        return {"target": read_text(record, "target").strip()}

    def target_schema(self) -> pa.Schema:
        return pa.schema([("target", pa.string())])

    def target_of(self, row: Row) -> Any:
        return row["target"]

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        if labels is not None:
            raise BadRowError("a generation task has no label set; remove `labels`")
        seen = copy_vocabulary.Seen()
        targets = seen.each(row["target"] for row in rows)
        small = options["decoder"] == "small"  # a pretrained decoder brings its vocabulary
        vocabulary = copy_vocabulary.learn(targets, options["vocabulary"]) if small else ""
        for _ in targets:
            pass
        if not seen.different:
            raise BadRowError(
                f"all {seen.count} training targets are '{seen.sample[0]:.60}', nothing to learn"
            )
        if not small:
            return {}
        return {"vocabulary": vocabulary, "characters_per_token": seen.characters_per_token(vocabulary)}

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from great_expectations.expectations import ExpectColumnValueLengthsToBeBetween

        checks_ = [
            Check("no target is blank", ExpectColumnValueLengthsToBeBetween(column="target", min_value=1))
        ]
        if "characters_per_token" in facts:
            longest = max(1, int(facts["options"]["max_target"] * facts["characters_per_token"]))
            fits = ExpectColumnValueLengthsToBeBetween(column="target", max_value=longest, mostly=0.95)
            title = f"at most 1 in 20 targets is cut at `max_target` (about {longest} characters)"
            checks_.append(Check(title, fits, "warning"))
        return checks_

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        """Targets by their words."""
        lengths = [len(words(target)) for target in table["target"].to_pylist()]
        names = [next((name for name, most in BINS.items() if n <= most), "64 or more") for n in lengths]
        counts = Counter(names)
        return [(name, counts[name]) for name in [*BINS, "64 or more"]]

    # --- encoding -------------------------------------------------------------------------------

    def encoder_facts(self, folder: Path, options: Mapping[str, Any]) -> Facts:
        """Of a pretrained encoder-decoder what it is: its configuration and its tokenizer."""
        return describe(folder) if options["decoder"] == "pretrained" else {}

    def sequences(self, row: Row) -> list[Sequence1]:
        first, *second = parts_of(row)
        return [(first, second[0])] if second else [first]

    def layout(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Layout:
        return {"words": list(self._words(row, encodings, facts))}

    def extra_inputs(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> list[int] | None:
        return [*self._words(row, encodings, facts).values()] if _copies(facts) else None

    def _words(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> dict[str, int]:
        return copy_vocabulary.words_of(parts_of(row), encodings[0], _copies(facts))

    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        """The numbers of the text, then the end, cut at `max_target`."""
        if facts["options"]["decoder"] == "small":
            words = self._words(row, encodings, facts)
            numbers = copy_vocabulary.write(row["target"], words, facts["vocabulary"])
        else:
            numbers = copy_vocabulary.read(facts["vocabulary"]).encode(row["target"]).ids
        end = _end(facts)
        ended = numbers if numbers[-1:] == [end] else [*numbers, end]
        return ended[: facts["options"]["max_target"]]

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        """target_nT."""
        import torch

        padded = np.full((len(targets), max(map(len, targets))), ABSENT, dtype=np.int64)
        for row, target in enumerate(targets):
            padded[row, : len(target)] = target
        return torch.from_numpy(padded)

    # --- model ----------------------------------------------------------------------------------

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.generation.beam_search import Limits
        from components.families.generation.decoder import DecoderHead
        from components.families.generation.pretrained_decoder import PretrainedDecoder

        options = facts["options"]
        limits = Limits(*(options[key] for key in ("max_target", "beams", "length_penalty", "seconds")))
        if options["decoder"] == "pretrained":
            return PretrainedDecoder(facts["pretrained"], facts["end"], limits)
        outputs = copy_vocabulary.outputs(facts["vocabulary"])
        return DecoderHead(hidden_size, outputs, options["layers"], options["dropout"], limits)

    def outputs(self, facts: Facts) -> Any:
        """The tokens of its vocabulary, which is learnt anew with the rows."""
        return facts.get("vocabulary")

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        """logits_nTO, target_nT; the smoothed part (Szegedy 2016, section 7) is spread over the vocabulary
        alone, since how many words can be copied differs from row to row."""
        from components.device import sum_where

        smoothing, known_nT = facts["options"]["label_smoothing"], target != ABSENT
        log_p_nTO = logits.log_softmax(-1)
        of_target_nT = log_p_nTO.gather(-1, target.clamp(min=0).unsqueeze(-1)).squeeze(-1)
        loss = -sum_where(of_target_nT, known_nT)
        if not smoothing:
            return loss
        size = copy_vocabulary.outputs(facts["vocabulary"]) if _copies(facts) else logits.shape[-1]
        of_all = sum_where(log_p_nTO[..., :size].mean(-1), known_nT)
        smoothed: torch.Tensor = (1 - smoothing) * loss - smoothing * of_all
        return smoothed

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        from components.device import sum_where
        from components.families.shared.divergence import categorical

        return sum_where(categorical(logits, others), target != ABSENT)

    def units(self, target: Any, facts: Facts) -> float:
        return float(len(target))

    # --- answers --------------------------------------------------------------------------------

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        """The tokens that the head has decoded, token_T, as a text."""
        numbers = [int(number) for number in logits if number >= 0]
        complete = (end := _end(facts)) in numbers
        said = numbers[: numbers.index(end)] if complete else numbers
        if facts["options"]["decoder"] == "small":
            text = copy_vocabulary.spell(said, layout["words"], facts["vocabulary"])
        else:
            text = copy_vocabulary.read(facts["vocabulary"]).decode(said)
        return {"text": text.strip(), "complete": complete}

    # --- evaluation -----------------------------------------------------------------------------

    def changed(self, known: Facts, facts: Facts) -> str | None:
        """Whatever its vocabulary, the decoder must be of the same kind, and read the same of a row."""
        return options_changed(known["options"], facts["options"], ("decoder", "prefix", "copies"))

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The first sentence of the text."""
        return [{"text": lead(row["text"]), "complete": True} for row in test]

    def tfidf_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The target of the training text (of the first 20,000) that is most alike by TF-IDF."""
        known = train[:NEAREST]
        numbers = nearest([self.text_of(row) for row in known], [self.text_of(row) for row in test])
        return [{"text": known[number]["target"], "complete": True} for number in numbers]


def parts_of(row: Row) -> list[str]:
    """What the encoder reads: the text with its prefix, and the other text of a pair."""
    first = (row.get("prefix") or "") + row["text"]
    return [first, row["text_pair"]] if row.get("text_pair") else [first]


def _copies(facts: Facts) -> int:
    return int(facts["options"]["copies"]) if facts["options"]["decoder"] == "small" else 0


def _end(facts: Facts) -> int:
    """The number that ends a text."""
    return int(facts["end"]) if "end" in facts else copy_vocabulary.outputs(facts["vocabulary"]) - 1


FAMILY = Generation()
