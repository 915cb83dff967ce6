"""Answers, and questions that are answered by them."""

from __future__ import annotations

from typing import Any

import torch

from components.families.retrieval.family import FAMILY
from tests.families.families import learn, states

ANSWERS = {"fly": "good plane", "ride": "bad train", "stay": "the great london"}
ROWS = [
    {"text": f"{word} {n}", "text_pair": None, "answer": answer}
    for n in range(4)
    for word, answer in (("plane", "good plane"), ("train", "bad train"), ("train plane", "bad train"))
]
FACTS = learn(FAMILY, ROWS)


def answer(tokenizer: Any, question: dict[str, Any], facts: dict[str, Any]) -> Any:
    """A question through what the service does with it, against an index of random states."""
    head: Any = FAMILY.head(8, facts).eval()
    tokenizer.enable_truncation(**FAMILY.truncation(FAMILY.request_fields(question), 24, {}))

    def of_row(row: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        hidden, mask = states(FAMILY.tokenise(tokenizer, [row], {})[0])
        return hidden[None], mask[None]

    head.candidates_ND = torch.cat([head.index(*of_row(row)) for row in FAMILY.candidates(facts)])
    row = FAMILY.read_input(question, facts["options"])
    with torch.inference_mode():
        logits = head(*of_row(row))[0].numpy()
    prediction = FAMILY.respond(FAMILY.decode(logits, {}, facts), row, {}, facts)
    return FAMILY.response.model_validate(prediction)
