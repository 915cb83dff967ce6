"""Write sources/: the messages of a help desk for smart homes, semi-synthetic.

What people wrote: the requests, drawn from the sentence templates of Home Assistant's voice assistant
(Apache-2.0), and the remarks, sentences of Amazon reviews with the mean sentiment of some twenty raters
(VADER, Hutto & Gilbert 2014, MIT). What is made up here: that a message joins a remark and a request, the
words of hurry or patience and the names of rooms and devices (words.yaml), the dialogues, and answers.jsonl.

    intent      the template's                              slots   the template's, their types in words.yaml
    sentiment   the raters' mean: above 1 positive, below -1 negative; no remark, or one near 0: neutral
    urgency     by rule: which list of words.yaml the closing words are from
    answer      by rule: the one of answers.jsonl for the template's intent and Home Assistant's response

A template's sentences are all in one split, so that the test has none that training saw; nor has it heard
the last three closing words of each list.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import yaml

sys.path.insert(0, "")

from grammar import Grammar, Span

from components.data.sources.packages import fetch
from components.settings.data import Package

Row = dict[str, Any]
MESSAGES = {"train": 36, "validation": 6, "test": 15}  # messages for each answer
DIALOGUES = {"train": 18, "validation": 3, "test": 8}  # the same
FEWEST = 5  # templates of an answer: three to learn from, one for each other split

KEPT_FOR_THE_TEST = 3  # of the closing words of each urgency


@dataclass(frozen=True)
class Request:
    """A template, with what its sentences ask for."""

    template: str
    intent: str
    answer: str
    domain: str  # of the devices that it may name


@dataclass(frozen=True)
class Remark:
    """A sentence about a product, and what its raters thought of it."""

    text: str
    sentiment: str


class Desk:
    """Draws messages, each with a remark of its own, and dialogues."""

    def __init__(
        self, grammar: Mapping[str, Any], words: Mapping[str, Any], remarks: Sequence[Remark]
    ) -> None:
        self.grammar, self.words, self.remarks = grammar, words, list(remarks)
        self.types = {slot: kind for kind, slots in words["slots"].items() for slot in slots}

    def say(self, request: Request, dice: Random) -> tuple[str, list[Span]]:
        """One sentence of the request, and its slots."""
        names = self.words["names"]
        lists = {**self.words["lists"], "name": names.get(request.domain, names["switch"])}
        value = partial(self._value, lists)
        grammar: Grammar = Grammar(self.grammar["expansion_rules"], value)
        said: tuple[str, list[Span]] = grammar.draw(request.template, dice)
        return said

    def _value(self, lists: Mapping[str, list[str]], name: str, dice: Random) -> str:
        if name in lists:
            return dice.choice(lists[name])
        known = self.grammar["lists"][name]
        if span := known.get("range"):
            return str(dice.randrange(span["from"], span["to"] + 1, span.get("step", 1)))
        return str(dice.choice(known["values"])["in"])

    def message(self, request: Request, part: str, dice: Random) -> Row:
        """A row of messages.jsonl. Three of five messages begin with a remark, which no other has."""
        remark = self.remarks.pop() if dice.random() < 0.6 else None
        urgency, closing = dice.choice(list(self.words["closing"].items()))
        said, slots = self.say(request, dice)
        before = (f"{remark.text} " if remark else "") + dice.choice(self.words["opening"])
        after = dice.choice(closing if part == "test" else closing[:-KEPT_FOR_THE_TEST])
        return {
            "split": part,
            "template": request.template,
            "text": before + said + (f", {after}" if after else ""),
            "intent": request.intent,
            "slots": [self._moved(slot, len(before)) for slot in slots],
            "sentiment": remark.sentiment if remark else "neutral",
            "urgency": urgency,
        }

    def _moved(self, slot: Span, by: int) -> Row:
        return {"start": slot.start + by, "end": slot.end + by, "type": self.types[slot.type]}

    def dialogue(self, request: Request, earlier: Request, answers: Mapping[str, str], dice: Random) -> Row:
        """A row of dialogues/: a request alone, or after another one that was answered, or one that
        names no room: then the customer was asked for it, and the last turn does not say what is wanted."""
        said, slots = self.say(request, dice)
        turns = [("customer", said)]
        kind = dice.choice(["alone", "after another", "room asked for"])
        if kind == "after another":
            turns = [("customer", self.say(earlier, dice)[0]), ("desk", answers[earlier.answer]), *turns]
        if kind == "room asked for" and "area" not in {slot.type for slot in slots}:
            room = dice.choice(self.words["again"]).format(dice.choice(self.words["lists"]["area"]))
            turns += [("desk", "Which room do you mean?"), ("customer", room)]
        return {
            "template": request.template,
            "turns": [{"role": role, "text": text} for role, text in turns],
            "answer": request.answer,
        }


def main() -> None:
    """Fetch the packages that params.yaml declares and draw the rows from them."""
    params = yaml.safe_load(Path("params.yaml").read_text())
    for name in ("home_assistant", "vader"):
        fetch(Package(**params["packages"][name]), Path("downloads") / name)
    grammar = json.loads(Path("downloads/home_assistant/en.json").read_text(encoding="utf-8"))
    words = yaml.safe_load(Path("words.yaml").read_text(encoding="utf-8"))
    answers = {row["id"]: row["text"] for row in read_jsonl(Path("answers.jsonl"))}
    said = remarks(Path("downloads/vader/amazonReviewSnippets_GroundTruth.txt"), params["seed"])
    desk = Desk(grammar, words, said)
    requests = split(read_requests(grammar, list(answers)), params["seed"])
    write(Path("sources/messages.jsonl"), messages(desk, requests, params["seed"]))
    for part in requests:
        rows = dialogues(desk, requests[part], DIALOGUES[part], answers, f"{params['seed']} dialogue {part}")
        write(Path(f"sources/dialogues/{part}.jsonl"), rows)
    shutil.copy("answers.jsonl", "sources/dialogues")


def read_jsonl(path: Path) -> Iterator[Row]:
    return (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def write(path: Path, rows: Iterator[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_requests(grammar: Mapping[str, Any], answers: Sequence[str]) -> Iterator[Request]:
    """The templates that an answer fits: that of their intent, or a narrower one ("turn_on.light")."""
    for name, intent in grammar["intents"].items():
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name.removeprefix("Hass")).lower()
        for block in intent["data"]:
            domain = (block.get("requires_context") or {}).get("domain", [""])[0]
            narrow = [one for one in answers if f"{snake}.{block['response']}".startswith(one) and "." in one]
            for answer in (narrow or [one for one in answers if one == snake])[:1]:
                for template in block["sentences"]:
                    yield Request(template, snake, answer, domain)


def split(requests: Iterator[Request], seed: int) -> dict[str, dict[str, list[Request]]]:
    """split -> answer -> requests: of every answer's templates a fifth for the test, a tenth for validation.

    A template that several answers fit is the first one's. An answer with fewer than `FEWEST` is left out.
    """
    distinct: dict[str, Request] = {}
    for request in requests:
        distinct.setdefault(request.template, request)
    of_answer: dict[str, list[Request]] = defaultdict(list)
    for request in distinct.values():
        of_answer[request.answer].append(request)
    found: dict[str, dict[str, list[Request]]] = {name: {} for name in MESSAGES}
    for answer, shuffled in of_answer.items():
        if len(shuffled) < FEWEST:
            continue
        Random(f"{seed} {answer}").shuffle(shuffled)  # noqa: S311
        test, validation = -(-len(shuffled) // 5), -(-len(shuffled) // 10)
        found["test"][answer] = shuffled[:test]
        found["validation"][answer] = shuffled[test : test + validation]
        found["train"][answer] = shuffled[test + validation :]
    return found


def remarks(path: Path, seed: int) -> list[Remark]:
    """Short sentences on which the raters agree: their mean is beyond 1, or within a half of 0."""
    found = []
    with path.open(encoding="utf-8", newline="") as file:
        for _, mean, text in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            score = float(mean)
            if 3 <= len(text.split()) <= 14 and (abs(score) > 1 or abs(score) < 0.5):
                sentiment = "positive" if score > 1 else "negative" if score < -1 else "neutral"
                found.append(Remark(" ".join(text.split()), sentiment))
    Random(seed).shuffle(found)  # noqa: S311
    return found


def messages(desk: Desk, requests: Mapping[str, Mapping[str, list[Request]]], seed: int) -> Iterator[Row]:
    """Equally many messages for every answer, its templates by turns."""
    for part, of_answer in requests.items():
        for answer, known in of_answer.items():
            for number in range(MESSAGES[part]):
                dice = Random(f"{seed} message {part} {answer} {number}")  # noqa: S311
                yield desk.message(known[number % len(known)], part, dice)


def dialogues(
    desk: Desk, requests: Mapping[str, list[Request]], count: int, answers: Mapping[str, str], seed: str
) -> Iterator[Row]:
    """The same for the dialogues of a split; what was asked earlier in one is of that split too."""
    everything = [request for known in requests.values() for request in known]
    for answer, known in requests.items():
        for number in range(count):
            dice = Random(f"{seed} {answer} {number}")  # noqa: S311
            yield desk.dialogue(known[number % len(known)], dice.choice(everything), answers, dice)


if __name__ == "__main__":
    main()
