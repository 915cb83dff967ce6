"""What is known of a graph: its entities and relations by number, and the answers that are right.

Of R relations the inverse of number r is number r + R, and is called `inverse of <its name>`. What is known
is kept by question: facts["taught"][relation][entity] are the answers in the training rows,
facts["held_out"] those in other rows alone. The keys are numbers as text, as JSON has them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from components.errors import BadRowError, near_miss
from components.families.base import Facts, Row

INVERSE = "inverse of "
NAMED = 8  # relations that a complaint names
Answers = dict[str, dict[str, list[int]]]  # relation -> entity -> the entities that answer


class Question(NamedTuple):
    """(entity, relation, ?) and its answer, in numbers."""

    entity: int
    relation: int
    answer: int


def name_relations(found: Iterable[str]) -> list[str]:
    """The relations in the order of their numbers.

    Raises:
        BadRowError: one is called as another's inverse.
    """
    relations = sorted(found)
    for name in relations:
        if name.startswith(INVERSE) and name.removeprefix(INVERSE) in relations:
            raise BadRowError(f"relation '{name:.60}' is called as the inverse of another; rename it")
    return relations


def facts_of_all_splits(relations: list[str], splits: Mapping[str, Iterable[Row]]) -> Facts:
    """`entities`, those of all splits in the order of their numbers, `taught` and `held_out`. A held-out row
    whose relation training lacks is passed over."""
    rows = {
        split: {(row["head"], row["relation"], row["tail"]) for row in of_split}
        for split, of_split in splits.items()
    }
    names = {name for triples in rows.values() for head, _, tail in triples for name in (head, tail)}
    facts: Facts = {"relations": relations, "entities": sorted(names)}
    asked = {
        split: {one for triple in triples if triple[1] in relations for one in questions(*triple, facts)}
        for split, triples in rows.items()
    }
    taught = asked.pop("train")
    held_out = set().union(*asked.values()) - taught
    return {"entities": facts["entities"], "taught": _table(taught), "held_out": _table(held_out)}


def _table(asked: Iterable[Question]) -> Answers:
    table: Answers = {}
    for entity, relation, answer in sorted(asked):
        table.setdefault(str(relation), {}).setdefault(str(entity), []).append(answer)
    return table


def taught(facts: Facts) -> list[Question]:
    """The questions of the training rows."""
    return [
        Question(int(entity), int(relation), answer)
        for relation, of_relation in facts["taught"].items()
        for entity, answers in of_relation.items()
        for answer in answers
    ]


def questions(head: str, relation: str, tail: str, facts: Facts) -> tuple[Question, Question]:
    """What a triple asks: (head, relation, ?) and (tail, inverse, ?)."""
    number, inverse = (relation_number(name, facts) for name in (relation, f"{INVERSE}{relation}"))
    first, second = (bisect_left(facts["entities"], name) for name in (head, tail))
    return Question(first, number, second), Question(second, inverse, first)


def answers(entity: int | None, relation: int, facts: Facts) -> list[int]:
    """The entities that are known to answer (entity, relation, ?)."""
    tables = (facts[name].get(str(relation), {}) for name in ("taught", "held_out"))
    return [answer for table in tables for answer in table.get(str(entity), ())]


def others(question: Question, facts: Facts) -> list[int]:
    """The entities that are known to answer the question as well."""
    known = answers(question.entity, question.relation, facts)
    return [answer for answer in known if answer != question.answer]


def entity_number(name: str, facts: Facts) -> int | None:
    """None for an entity that no row has."""
    place = bisect_left(facts["entities"], name)
    return place if facts["entities"][place : place + 1] == [name] else None


def numbers(names: Iterable[str], facts: Facts) -> list[int]:
    """Those of the entities that some row has."""
    found = (entity_number(name, facts) for name in names)
    return [number for number in found if number is not None]


def with_inverses(relations: Iterable[str]) -> list[str]:
    """All that a question may ask, in the order of the numbers."""
    relations = list(relations)
    return [*relations, *(f"{INVERSE}{name}" for name in relations)]


def relation_number(name: str, facts: Facts) -> int:
    """The number of a relation or of an inverse that there is."""
    return with_inverses(facts["relations"]).index(name)


def check_relation(name: str, relations: Sequence[str]) -> None:
    """Raise BadRowError for a relation that is none of these."""
    if name not in relations:
        some = ", ".join(relations[:NAMED]) + (", ..." if len(relations) > NAMED else "")
        raise BadRowError(
            f"'relation' is '{name:.60}'{near_miss(name, relations)}, which no training row has; "
            f"expected one of {some}"
        )
