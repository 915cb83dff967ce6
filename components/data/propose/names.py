"""Words by which the names of columns tell what these hold, by the kind of the column."""

from __future__ import annotations

import re
from collections.abc import Collection

WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+|[^\W\d_a-zA-Z]+")
NAMES = {
    kind: set(words.split())
    for kind, words in {
        "text": """text sentence review body content message comment tweet utterance document post
            description abstract headline title subject query premise sentence1 question1 text1 text_a
            sentence_a sent1 anchor article source src input prompt instruction question narrative
            feedback texto texte testo tekst kommentar nachricht anfrage
            文本 内容 评论 句子 正文 テキスト 本文""",
        "text_pair": """text_pair pair hypothesis sentence2 question2 text2 text_b sentence_b sent2 passage
            response""",
        "turns": "turns dialogue dialog conversation messages utterances history",
        "tokens": "tokens words token word characters chars form",
        "tags": "tags tag ner slots bio labels pos",
        "spans": "spans entities annotations",
        "head": "head subject subj e1 entity1",
        "tail": "tail object obj e2 entity2",
        "head_entity": "head subject subj s h source src from entity1 e1 node1",
        "link": "relation predicate rel p r type edge property link",
        "tail_entity": "tail object obj o t target dst to entity2 e2 node2",
        "label": """label labels class category intent topic target sentiment polarity gold relation
            is_duplicate klasse kategorie etikett etiqueta categoria categoría classe
            标签 类别 情感 分类 ラベル""",
        "level": "rating stars star priority severity urgency level grade score overall",
        "score": "score similarity relevance intensity value rating price label target y valence overall",
        "labels": "labels tags topics genres categories emotions keywords hashtags",
        "outcome": "clicked click clicks purchased purchase converted conversion bought installed outcome",
        "item": "item product title ad article document headline name offer news movie",
        "question": "question query",
        "context": "context passage paragraph document",
        "answers": "answers answer",
        "start": "start answer_start offset begin",
        "choices": "choices options endings candidates alternatives",
        "answer": "answer label correct gold target",
        "template": "answer reply response template positive pos",
        "written": """target summary highlights output response completion translation reply answer
            paraphrase simplified simplification corrected rewrite tgt tldr chosen""",
    }.items()
}

# What stands beside the data: a column whose name ends so is never guessed to be an input or a target.
ASIDE = {
    *("id", "uid", "qid", "uuid", "idx", "index", "key", "date", "time", "timestamp", "created"),
    *("updated", "url", "link", "author", "user", "username", "email", "lang", "language", "split"),
    *("zip", "zipcode", "postcode", "plz", "phone", "nr", "hash", "filename", "annotator", "version", "ip"),
    "confidence",  # of whoever gave the label
    *("negative", "negatives", "neg", "rejected"),  # a wrong answer, which is drawn anyway
}

# The same where they are whole numbers: how long a text is, is no class of it, and "short" and "long" may be.
LENGTHS = {"length", "len"}

KNOWN = set().union(*NAMES.values(), ASIDE)

# How splits are called.
SPLITS = {
    "train": "train", "training": "train", "trn": "train",
    "validation": "validation", "validate": "validation", "valid": "validation",
    "val": "validation", "dev": "validation",
    "eval": "validation", "evaluation": "validation",
    "test": "test", "testing": "test", "tst": "test", "holdout": "test", "heldout": "test",
}  # fmt: skip

NUMBERED = ("id", "idx", "index", "key", "nr")  # end the names of columns that number, be it classes

# What a data frame calls its index where that is written as a column.
INDEX = re.compile(r"|(Unnamed: \d+(\.\d+)*)|__index_level_\d+__|level_\d+|index|rownames")

# The two ends of names that tell a pair apart: sent_a and sent_b.
ENDS = [("1", "2"), ("a", "b"), ("left", "right"), ("first", "second"), ("0", "1"), ("x", "y")]

# From the lowest to the highest; a column may leave levels out.
SCALES = [
    levels.split()
    for levels in """none low medium normal high urgent critical
        low moderate high
        trivial minor normal major critical blocker
        very_low low medium high very_high
        small medium large
        bad fair good excellent
        poor fair good excellent
        never rarely sometimes often always
        beginner intermediate advanced
        easy medium hard
        mild moderate severe
        strongly_disagree disagree neutral agree strongly_agree
        strongly_disagree disagree neither_agree_nor_disagree agree strongly_agree
        very_dissatisfied dissatisfied neutral satisfied very_satisfied
        very_unlikely unlikely neutral likely very_likely
        very_poor poor ok good very_good excellent
        very_poor poor fair good very_good excellent
        a1 a2 b1 b2 c1 c2""".splitlines()
]


def words_in(name: str) -> list[str]:
    """The words of a column's name: "reviewText" and "review_text" are review and text."""
    return [part.lower() for part in WORD.findall(name.rpartition(".")[2])] or [""]


def is_known(name: str) -> bool:
    """Does one of its words say what a column holds?"""
    return not KNOWN.isdisjoint(words_in(name))


def are_columns(names: Collection[str]) -> bool:
    """Are there several, each of which says what a column holds?"""
    return len(names) > 1 and all(map(is_known, names))
