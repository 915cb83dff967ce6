"""Masked language model: some words of a text are hidden, and guessed from the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from components.errors import BadRowError, UserError
from components.families.base import Check, Facts, Family, Layout, Prediction, Row
from components.families.base.capabilities import (
    Augmentation,
    EncoderFacts,
    ReadsWordEmbeddings,
    TokenCounts,
    UnevenExtraInputs,
)
from components.families.masked_lm import masking
from components.families.masked_lm.metrics import METRICS
from components.families.masked_lm.unigram import Shares
from components.families.shared.fields import read_text
from components.families.shared.fingerprint import text_key

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding, Tokenizer
    from torch import nn

    from components.settings.project import Checks

MASKS = ("[MASK]", "<mask>")  # what tokenizers call the mask token
LENGTHS = (1, 2, 4, 8, 16, 32, 64, 128)  # words of a text, for the report


class MaskedAnswer(BaseModel):
    """Of the words of the text that were hidden: how many, how many were guessed, and the sum of the
    logarithms of their probabilities (nats)."""

    hidden: int
    guessed: int
    log_likelihood: float


class MaskedLanguageModel(
    EncoderFacts, TokenCounts, UnevenExtraInputs, Augmentation, ReadsWordEmbeddings, Family
):
    """Softmax cross-entropy of hidden words over all tokens, by the encoder's own word embeddings
    (Devlin et al. 2019, section 3.1).

    Training hides other words of a text at each visit (Liu et al. 2019, section 4.1), evaluation always the
    same. A word counts once, however many tokens it has; it is guessed where each of them is.
    """

    name = "masked_lm"
    hub_task = "fill-mask"
    inputs = (("text",),)
    targets: ClassVar[Mapping[str, bool]] = {}
    text_columns = ("text",)
    metrics = METRICS
    target_type = pa.list_(pa.int32())  # the number of each token's word, or -1
    layout_type = pa.struct([("words", pa.list_(pa.int32()))])  # the word of each hidden token
    extra_type = pa.int32()
    offsets = True
    response = MaskedAnswer
    example = (
        {"text": "The flight from Turin was late again."},
        {"hidden": 1, "guessed": 1, "log_likelihood": -0.4},
    )

    # --- data -----------------------------------------------------------------------------------

    def read_input(self, record: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
        return {"text": read_text(record, "text")}

    def input_schema(self) -> pa.Schema:
        return pa.schema([("text", pa.string())])

    def read_target(self, record: Mapping[str, Any], row: Row, options: Mapping[str, Any]) -> Row:
        return {"words": len(masking.word_spans(row["text"]))}

    def target_schema(self) -> pa.Schema:
        return pa.schema([("words", pa.int32())])

    def target_of(self, row: Row) -> Any:
        """The text is all that it teaches: texts that count as one never conflict."""
        return None

    def learn_facts(self, rows: Iterable[Row], labels: list[str] | None, options: Mapping[str, Any]) -> Facts:
        if labels is not None:
            raise BadRowError("a masked language model has no label set; remove `labels`")
        if not any(row["words"] for row in rows):
            raise BadRowError("no training text has a word, nothing to learn")
        return {}

    def encoder_facts(self, folder: Path, options: Mapping[str, Any]) -> Facts:
        """The mask token's id, and how many tokens there are."""
        from tokenizers import Tokenizer

        return _of_tokens(Tokenizer.from_file(str(folder / "tokenizer.json")))

    def expectations(self, facts: Facts, checks: Checks) -> list[Check]:
        from great_expectations.expectations import ExpectColumnValuesToBeBetween

        words = ExpectColumnValuesToBeBetween(column="words", min_value=2)
        return [Check("every text has two words or more: one that is hidden, one to guess it from", words,
                      "warning")]  # fmt: skip

    def distribution(self, table: pa.Table, facts: Facts) -> list[tuple[str, int]]:
        """Texts by their number of words."""
        edges = [*LENGTHS, np.iinfo(np.int32).max]
        counts, _ = np.histogram(table["words"].to_numpy(), bins=edges)
        return [(f"{low} words or more", int(n)) for low, n in zip(LENGTHS, counts, strict=True)]

    # --- encoding -------------------------------------------------------------------------------

    def tokenise(
        self, tokenizer: Tokenizer, rows: Sequence[Row], options: Mapping[str, Any], offsets: bool = True
    ) -> list[list[Encoding]]:
        """Words are hidden here already: a function of the text, the same in data and service."""
        known = _of_tokens(tokenizer)
        special = {n for n, token in tokenizer.get_added_tokens_decoder().items() if token.special}
        encodings = tokenizer.encode_batch([row["text"] for row in rows])
        return [
            [cast("Encoding", _hidden(row["text"], encoding, special, known))]
            for row, encoding in zip(rows, encodings, strict=True)
        ]

    def count_tokens(self, encodings: Sequence[Sequence[Encoding]], facts: Facts) -> np.ndarray:
        """How often each token stands in a word of the texts."""
        texts = cast("Sequence[Sequence[masking.Hidden]]", encodings)
        seen = [number for (hidden,) in texts for number in hidden.of_words()]
        return np.bincount(np.array(seen, dtype=np.int64), minlength=facts["tokens"])

    def extra_inputs(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> list[int] | None:
        (hidden,) = cast("Sequence[masking.Hidden]", encodings)
        return masking.interleaved(hidden.positions, hidden.gold)

    def layout(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Layout:
        (hidden,) = cast("Sequence[masking.Hidden]", encodings)
        return {"words": [hidden.words[place] for place in hidden.positions]}

    def target(self, row: Row, encodings: Sequence[Encoding], facts: Facts) -> Any:
        (hidden,) = cast("Sequence[masking.Hidden]", encodings)
        return hidden.words

    def augment(
        self, ids: np.ndarray, extra: list[int], target: Any, key: int, facts: Facts
    ) -> tuple[np.ndarray, list[int]]:
        return masking.hidden_anew(ids, extra, target, facts["mask"], facts["tokens"], key)

    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        """The head knows all that the loss needs."""
        import torch

        return torch.zeros(len(targets))

    # --- model ----------------------------------------------------------------------------------

    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        from components.families.masked_lm.head import MaskedTokensHead

        return MaskedTokensHead(hidden_size, facts["tally"])

    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        """Minus the log-likelihood of what is hidden, logits_nP2[..., 0]."""
        return -logits[..., 0].sum()

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        """That of the two events that a token is what stood there or is not: logits_nP2 hold no more."""
        from components.families.shared.divergence import bernoulli

        log_p, log_q = (one[..., 0].clamp(max=-1e-6) for one in (logits, others))
        odds_p, odds_q = (one - (-one.expm1()).log() for one in (log_p, log_q))
        return bernoulli(odds_p, odds_q).sum()  # 0 where a row has no more: both are 0 there

    def units(self, target: Any, facts: Facts) -> float:
        """The number of words that are hidden at a visit: it depends on how many there are alone."""
        return float(masking.how_many(len({word for word in target if word != masking.NO_WORD})))

    def decode(self, logits: np.ndarray, layout: Layout, facts: Facts) -> Prediction:
        words: list[int] = layout["words"]
        log_likelihood_P, right_P = logits[: len(words)].T
        hidden = set(words)
        missed = {word for word, right in zip(words, right_P, strict=True) if not right}
        return {
            "hidden": len(hidden),
            "guessed": len(hidden - missed),
            "log_likelihood": float(log_likelihood_P.sum()),
        }

    # --- evaluation -----------------------------------------------------------------------------

    def changed(self, known: Facts, facts: Facts) -> str | None:
        """The likelihood of a word is one of the tokens that there are."""
        before, now = (f"{one['tokens']} tokens (mask {one['mask']})" for one in (known, facts))
        return None if before == now else f"its encoder's tokenizer changed from {before} to {now}"

    def majority_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The most frequent word, and each word's share of the training words."""
        counts = Counter(word for row in train for word in spelt(row["text"]))
        ((best, _),), shares = counts.most_common(1), Shares(counts)
        answers = []
        for row in test:
            words = spelt(row["text"])
            hidden = [words[number] for number in evaluated(row["text"], len(words))]
            answers.append(_scored([(word == best, shares.log(word)) for word in hidden]))
        return answers

    def tfidf_baseline(self, train: Sequence[Row], test: Sequence[Row], facts: Facts) -> list[Prediction]:
        """The likeliest word by those beside it (bigram_baseline.py): a linear model of so many classes as
        there are words would take longer than the encoder."""
        from components.families.masked_lm.bigram_baseline import Neighbours

        model = Neighbours(spelt(row["text"]) for row in train)
        answers = []
        for row in test:
            words = spelt(row["text"])
            hidden = evaluated(row["text"], len(words))
            answers.append(_scored([model.guess(words, number, hidden) for number in sorted(hidden)]))
        return answers


def spelt(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return [text[start:end].lower() for start, end in masking.word_spans(text)]


def evaluated(text: str, words: int) -> set[int]:
    """The words of a text that are hidden whenever it is evaluated: a function of the text. Of a text that
    is cut, the model is asked for those that are left."""
    return masking.chosen(range(words), _random(text))


def _random(text: str) -> Random:
    return Random(int(text_key(text), 16))  # noqa: S311 no secret is kept by it


def _of_tokens(tokenizer: Tokenizer) -> Facts:
    """The mask token's id, and how many tokens there are."""
    vocabulary = tokenizer.get_vocab()
    found = [vocabulary[name] for name in MASKS if name in vocabulary]
    if not found:
        raise UserError(
            f"the encoder's tokenizer has no mask token, behind which masked_lm could hide words; "
            f"expected {' or '.join(MASKS)} in its vocabulary"
        )
    return {"mask": found[0], "tokens": max(vocabulary.values()) + 1}


def _hidden(text: str, encoding: Encoding, special: set[int], known: Facts) -> masking.Hidden:
    spans = masking.word_spans(text)
    words = masking.words_of_tokens(encoding, spans, special)
    random = _random(text)
    wanted = masking.chosen(range(len(spans)), random)
    ids, positions = masking.hide(encoding.ids, words, wanted, known["mask"], known["tokens"], random)
    gold = [encoding.ids[place] for place in positions]
    return masking.Hidden(ids, encoding.type_ids, positions, gold, words, encoding.overflowing)


def _scored(words: Sequence[tuple[bool, float]]) -> Prediction:
    """What is predicted of a row, from each hidden word: is it guessed, and its log-probability."""
    guessed = sum(right for right, _ in words)
    return {"hidden": len(words), "guessed": guessed, "log_likelihood": sum(log for _, log in words)}


FAMILY = MaskedLanguageModel()
