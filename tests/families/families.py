"""What the tests of all families do: read a row, ask a question, measure.

The head's input here is random numbers in place of an encoder's states: these tests are about everything
round it. Legend: M sequences of a row, L tokens, D hidden width.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from components.data.batches.tensors import Rows, pad
from components.data.ingest.reader import with_extra_files
from components.families.base import Facts, Family, Metric, Prediction, Row
from components.families.base.capabilities import extra_inputs_of, is_multi_sequence
from components.spelling import trimmed

WIDTH = 8
# Their resamples are right to first order: tests/families/shared/test_ranks.py.
OF_RANKS = ("auc", "average_precision", "spearman", "kendall")
UNICODE = st.text(min_size=1, max_size=80).filter(trimmed)


def options(family: Family, **given: Any) -> dict[str, Any]:
    return family.options(**given).model_dump()


def learn(family: Family, rows: Sequence[Row], labels: list[str] | None = None, **given: Any) -> Facts:
    """The facts as ingest writes them."""
    facts = family.learn_facts(rows, labels, with_extra_files(family, options(family, **given)))
    return {**facts, "options": options(family, **given)}


def read(family: Family, record: Mapping[str, Any], facts: Facts) -> Row:
    """A source's record -> the row that ingest writes."""
    row = family.read_input(record, facts["options"])
    row |= family.read_target(record, row, with_extra_files(family, facts["options"]))
    family.check_row(row, facts)
    return row


def states(encodings: Sequence[Any], padding: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """hidden_MLD, mask_ML of a row: random states that depend on the token and its place only."""
    input_ids_ML, mask_ML, _ = pad([(one.ids, one.type_ids) for one in encodings])
    input_ids_ML, mask_ML = (torch.nn.functional.pad(t, (0, padding)) for t in (input_ids_ML, mask_ML))
    table = torch.randn(1000, WIDTH, generator=torch.Generator().manual_seed(0))
    return table[input_ids_ML % 1000] * (1 + torch.arange(input_ids_ML.shape[1]) % 7).unsqueeze(-1), mask_ML


def pieces(tokenizer: Any, encoding: Any) -> list[str]:
    return [tokenizer.id_to_token(number) for number in encoding.ids]


def ask(family: Family, tokenizer: Any, question: Mapping[str, Any], facts: Facts, length: int = 24) -> Any:
    """A question through everything that the service does with it, with a fresh head -> the answer."""
    inputs = family.request_fields(question)
    row = family.read_input(question, facts["options"])
    family.check_question(row, facts)
    tokenizer.enable_truncation(**family.truncation(inputs, length, {}))
    (encodings,) = family.tokenise(tokenizer, [row], {})
    hidden, mask = states(encodings)
    if is_multi_sequence(family, inputs):
        hidden, mask = hidden.unsqueeze(0), mask.unsqueeze(0)
    given = Rows.of([[0]], several=False, extra=[extra_inputs_of(family, row, encodings, facts)]).extra_nF
    torch.manual_seed(len(str(question)))
    with torch.inference_mode():
        logits = family.head(WIDTH, facts)(hidden, mask, *([] if given is None else [given]))[0].numpy()
    layout = family.layout(row, encodings, facts)
    prediction = family.respond(family.decode(logits, layout, facts), row, layout, facts)
    return family.response.model_validate(prediction)


def metric_names(family: Family) -> list[str]:
    return [one.name for one in family.metrics]


def metric_named(family: Family, name: str) -> Metric:
    (found,) = [one for one in family.metrics if one.name == name]
    return found


def metric(
    family: Family, name: str, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
) -> float:
    return metric_named(family, name).measure(rows, predictions, facts)


def resampled_equals_repeated(
    family: Family, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts
) -> bool:
    """Is a metric of weighted sums that of the rows repeated so often? The bootstrap rests on it."""
    counts = np.random.default_rng(0).integers(0, 3, len(rows))
    repeated = [index for index, count in enumerate(counts) for _ in range(count)]
    for one in family.metrics:
        if one.name in OF_RANKS:
            continue
        sums_1S = counts[None] @ one.statistics(rows, predictions, facts)
        expected = one.measure([rows[i] for i in repeated], [predictions[i] for i in repeated], facts)
        if not np.isclose(one.value(sums_1S)[0], expected):
            return False
    return True


def losses_add_up(family: Family, logits: Sequence[Any], targets: Sequence[Any], facts: Facts) -> bool:
    """Is the loss of rows together the sum of their losses alone? A step's micro-batches rest on it."""

    def loss(of: slice) -> float:
        batch = torch.tensor(np.array(logits[of]), dtype=torch.float32)
        return float(family.loss(batch, family.collate(targets[of], 0), facts))

    alone = sum(loss(slice(row, row + 1)) for row in range(len(targets)))
    return bool(np.isclose(loss(slice(None)), alone, rtol=1e-5))


def padding_changes_nothing(family: Family, tokenizer: Any, facts: Facts, *extra: torch.Tensor) -> bool:
    """Is a row's answer the same where a longer one stands beside it?"""
    tokenizer.no_truncation()
    ((encoding,),) = family.tokenise(tokenizer, [{"text": "good plane", "text_pair": None}], {})
    head = family.head(WIDTH, facts)
    alone, padded = (head(*states([encoding], padding), *extra) for padding in (0, 6))
    return torch.allclose(alone, padded, rtol=1e-5, atol=1e-6)


def gradient_reaches_the_head(
    family: Family, hidden: torch.Tensor, mask: torch.Tensor, targets: Sequence[Any], facts: Facts
) -> bool:
    """Does the loss move the states and every parameter of the head?"""
    hidden = hidden.clone().requires_grad_()
    head = family.head(WIDTH, facts)
    with only_deterministic_on_cuda():
        family.loss(head(hidden, mask), family.collate(targets, hidden.shape[-2]), facts).backward()
    gradients = [hidden.grad, *(parameter.grad for parameter in head.parameters())]
    return all(grad is not None and grad.isfinite().all() and grad.abs().sum() > 0 for grad in gradients)


# torch.use_deterministic_algorithms, "will throw an error": those that a head or a loss might come upon
REFUSED_ON_CUDA = {
    "nll_loss2d_forward", "nll_loss2d_backward", "kthvalue", "histc", "bincount", "put_", "_ctc_loss_backward",
    "embedding_bag_dense_backward", "scatter_reduce",
}  # fmt: skip


@contextlib.contextmanager
def only_deterministic_on_cuda() -> Iterator[None]:
    """Fail where an operation within it is one that CUDA refuses in training, which asks for deterministic
    ones."""
    found: set[str] = set()

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            found.add(func.overloadpacket.__name__)
            return func(*args, **(kwargs or {}))

    with Watch():  # type: ignore[no-untyped-call]
        yield
    assert not found & REFUSED_ON_CUDA
