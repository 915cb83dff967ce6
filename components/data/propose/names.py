"""Words by which the names of columns tell what these hold, by the kind of the column."""

from __future__ import annotations

NAMES = {
    kind: set(words.split())
    for kind, words in {
        "text": """text sentence review body content message comment tweet utterance document post
            description abstract headline title subject query premise sentence1 question1 text1 text_a
            sentence_a sent1""",
        "text_pair": """text_pair pair hypothesis sentence2 question2 text2 text_b sentence_b sent2 passage
            response""",
        "turns": "turns dialogue dialog conversation messages utterances history",
        "tokens": "tokens words token word characters chars",
        "tags": "tags tag ner slots bio labels pos",
        "spans": "spans entities annotations",
        "head": "head subject subj e1 entity1",
        "tail": "tail object obj e2 entity2",
        "label": """label class category intent topic target sentiment polarity gold relation
            is_duplicate""",
        "level": "rating stars star priority severity urgency level grade score overall",
        "score": "score similarity relevance intensity value rating price label target y valence overall",
        "labels": "labels tags topics genres categories emotions keywords",
        "question": "question query",
        "context": "context passage paragraph document",
        "answers": "answers answer",
        "choices": "choices options endings candidates alternatives",
        "answer": "answer label correct gold target",
        "template": "answer reply response template",
    }.items()
}

# What stands beside the data: a column whose name ends so is never guessed to be an input or a target.
ASIDE = {
    *("id", "uid", "qid", "uuid", "idx", "index", "key", "date", "time", "timestamp", "created"),
    *("updated", "url", "link", "author", "user", "username", "email", "lang", "language", "split"),
    "confidence",  # of whoever gave the label
}

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
        a1 a2 b1 b2 c1 c2""".splitlines()
]
