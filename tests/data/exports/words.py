"""Words with their tags, and what annotation tools export."""

from __future__ import annotations

import json

from tests.conftest import sentence
from tests.data.exports.writers import (
    bio,
    conll_lines,
    csv_text,
    ends,
    located_text,
    text,
    tokens,
    words_in_rows,
)
from tests.data.shapes import Shape, jsonl, people

WORDS = [
    Shape(
        "conll2003.txt",
        text(
            "-DOCSTART- -X- -X- O\n\n" + conll_lines(lambda n: [[w, "NN", "I-NP", t] for w, t in people(n)])
        ),
        "tagging",
        {"tokens": "0", "tags": "3"},
        {"format": "conll"},
        {"scheme": "iob1"},
    ),
    Shape(
        "two_columns.conll",
        text(conll_lines(lambda n: [[w, t] for w, t in zip(tokens(n), bio(n), strict=True)])),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {"format": "conll"},
    ),
    Shape(
        "crlf.conll",
        text(
            conll_lines(lambda n: [[w, t] for w, t in zip(tokens(n), bio(n), strict=True)]).replace(
                "\n", "\r\n"
            )
        ),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {"format": "conll"},
    ),
    Shape(
        "bilou.conll",
        text(
            conll_lines(
                lambda n: [
                    [w, t]
                    for w, t in zip(
                        [*tokens(n), "New", "York", "Times"],
                        [*bio(n), "B-ORG", "I-ORG", "L-ORG"],
                        strict=True,
                    )
                ]
            ).replace("B-PER", "U-PER")
        ),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {"format": "conll"},
        {"scheme": "bilou"},
    ),
    Shape(
        "multiconer.conll",
        text(
            conll_lines(
                lambda n: [[w, "_", "_", t] for w, t in zip(tokens(n), bio(n), strict=True)],
                before="# id 5f\tdomain=en\n",
            )
        ),
        "tagging",
        {"tokens": "0", "tags": "3"},
        {"format": "conll"},
    ),
    Shape(
        "one_word_a_row.csv",
        text(
            csv_text(
                ["Sentence #", "Word", "POS", "Tag"],
                lambda n: [
                    f"Sentence: {n // 3 + 1}" if n % 3 == 0 else "",
                    ["alice", f"was_{n}", f"acme_{n}"][n % 3],
                    "NN",
                    ["B-PER", "O", "B-ORG"][n % 3],
                ],
            )
        ),
        "tagging",
        {"tokens": "Word", "tags": "Tag"},
        {"sentence": "Sentence #"},
    ),
    Shape(
        "sentence_numbers.csv",
        words_in_rows(),
        "tagging",
        {"tokens": "word", "tags": "tag"},
        {"sentence": "sentence_id"},
    ),
    Shape(
        "lists.jsonl",
        jsonl(lambda n: {"tokens": tokens(n), "ner_tags": bio(n)}),
        "tagging",
        {"tokens": "tokens", "tags": "ner_tags"},
    ),
    Shape(
        "tag_numbers.jsonl",
        jsonl(lambda n: {"tokens": tokens(n), "ner_tags": [int(t != "O") for t in bio(n)]}),
        asks="no column looks like the text",
    ),
    Shape(
        "list_texts_of_words.csv",
        text(csv_text(["tokens", "tags"], lambda n: [repr(tokens(n)), repr(bio(n))])),
        "tagging",
        {"tokens": "tokens", "tags": "tags"},
    ),
    Shape(
        "words_and_tags.tsv",
        text(
            csv_text(["sentence", "tags"], lambda n: [" ".join(tokens(n)), " ".join(bio(n))], delimiter="\t")
        ),
        "tagging",
        {"text": "sentence", "tags": "tags"},
    ),
]

ANNOTATED = [
    Shape(
        "doccano.jsonl",
        jsonl(lambda n: {"text": located_text(n), "label": [[*ends(n), "PER"]]}),
        "tagging",
        {"text": "text", "spans": "spans"},
        {"format": "doccano"},
    ),
    Shape(
        "prodigy.jsonl",
        jsonl(
            lambda n: {
                "text": located_text(n),
                "spans": [{"start": ends(n)[0], "end": ends(n)[1], "label": "PER"}],
                "answer": "accept",
            }
        ),
        "tagging",
        {"text": "text", "spans": "spans"},
        {"format": "prodigy"},
    ),
    Shape(
        "utf16_units.jsonl",
        jsonl(
            lambda n: {
                "text": f"🙂 {located_text(n)}",
                "entities": [{"start": ends(n)[0] + 3, "end": ends(n)[1] + 3, "type": "PER"}],
            }
        ),
        "tagging",
        {"text": "text", "spans": "entities"},
        {"offsets": "utf16"},
    ),
    Shape(
        "last_character.jsonl",
        jsonl(
            lambda n: {
                "text": located_text(n),
                "entities": [{"start": ends(n)[0], "end": ends(n)[1] - 1, "type": "PER"}],
            }
        ),
        "tagging",
        {"text": "text", "spans": "entities"},
        {"end": "inclusive"},
    ),
    Shape(
        "lower_case.conll",
        text(conll_lines(lambda n: [[w, t.lower()] for w, t in zip(tokens(n), bio(n), strict=True)])),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {},
        {"spelling": "any"},
    ),
    Shape(
        "underscores.conll",
        text(
            conll_lines(lambda n: [[w, t.replace("-", "_")] for w, t in zip(tokens(n), bio(n), strict=True)])
        ),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {},
        {"spelling": "any"},
    ),
    Shape(
        "few_nerd.txt",
        text(conll_lines(lambda n: [[w, t[2:] or "O"] for w, t in zip(tokens(n), bio(n), strict=True)])),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {},
        {"scheme": "io", "spelling": None},
    ),
    Shape(
        "types_alone.csv",
        text(
            csv_text(
                ["sentence", "word", "tag"],
                lambda n: [n // 6, f"word{n * 37 % 101}", ["o", "o", "o", "o", "city", "person"][n % 6]],
            )
        ),
        "tagging",
        {"tokens": "word", "tags": "tag"},
        {"sentence": "sentence"},
        {"scheme": "io", "spelling": "any"},
    ),
    Shape(
        "marked.csv",
        text(csv_text(["text"], lambda n: [f"{sentence(n)} in [new york](city) by [alice {n}](person)"])),
        "tagging",
        {"text": "text", "spans": "spans"},
        {"inline": "text"},
    ),
    Shape(
        "marked_with_classes.jsonl",
        jsonl(lambda n: {"utterance": f"{sentence(n)} in <LOC>new york</LOC>", "intent": f"intent {n % 4}"}),
        asks="it could be tagging or classification",
    ),
    Shape(
        "underlined.conll",
        text(conll_lines(lambda n: [[w, t[2:] or "_"] for w, t in zip(tokens(n), bio(n), strict=True)])),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {},
        {"scheme": "io", "spelling": "any"},
    ),
    Shape(
        "pairs_of_spacy.jsonl",
        text(
            "".join(
                json.dumps([located_text(n), {"entities": [[*ends(n), "PER"]]}]) + "\n" for n in range(120)
            )
        ),
        "tagging",
        {"text": "text", "spans": "spans"},
        {"format": "spacy_json"},
    ),
    Shape(
        "positions.jsonl",
        jsonl(
            lambda n: {
                "text": located_text(n),
                "entities": [{"entity": "PER", "startPos": ends(n)[0], "endPos": ends(n)[1] - 1}],
            }
        ),
        "tagging",
        {"text": "text", "spans": "entities"},
        {"end": "inclusive"},
    ),
    Shape(
        "lengths.jsonl",
        jsonl(
            lambda n: {
                "text": located_text(n),
                "entities": [{"category": "PER", "offset": ends(n)[0], "length": ends(n)[1] - ends(n)[0]}],
            }
        ),
        "tagging",
        {"text": "text", "spans": "entities"},
    ),
    Shape(
        "marked_once_more.jsonl",
        jsonl(
            lambda n: {
                "id": str(n),
                "partition": ["train", "train", "dev", "test"][n % 4],
                "utt": f"{sentence(n)} by alice {n}",
                "annot_utt": f"{sentence(n)} by [artist : alice {n}]",
            }
        ),
        "tagging",
        {"text": "annot_utt", "spans": "spans"},
        {"inline": "annot_utt", "split_column": "partition"},
    ),
    Shape(
        "documents.csv",
        text(
            csv_text(
                ["doc", "sent", "word", "tag"],
                lambda n: [
                    n // 4 * 2 // 3,
                    int(n // 4 % 3 == 1),
                    f"word{n * 37 % 101}",
                    ["O", "B-PER"][n % 4 == 1],
                ],
            )
        ),
        "tagging",
        {"tokens": "word", "tags": "tag"},
        {"sentence": ["doc", "sent"]},
    ),
    Shape(
        "hipe.tsv",
        text(
            conll_lines(
                lambda n: [[w, t] for w, t in zip(tokens(n), bio(n), strict=True)],
                separator="\t",
                before="# hipe2022:document_id = x\n",
            ).replace("# hipe", "TOKEN\tNE-COARSE\n# hipe", 1)
        ),
        "tagging",
        {"tokens": "TOKEN", "tags": "NE-COARSE"},
        {"format": "conll", "header": ["TOKEN", "NE-COARSE"]},
    ),
    Shape(
        "vertical.vrt",
        text(
            conll_lines(
                lambda n: [["<s>"], *([w, t] for w, t in zip(tokens(n), bio(n), strict=True)), ["</s>"]],
                separator="\t",
            ).replace("\n\n", "\n")
        ),
        "tagging",
        {"tokens": "0", "tags": "1"},
        {"format": "conll"},
    ),
    Shape(
        "words_and_places.jsonl",
        jsonl(
            lambda n: {
                "text": f"{located_text(n)}!",
                "tokens": [*located_text(n).split(), "!"],
                "spans": [{"start": ends(n)[0], "end": ends(n)[1], "label": "PER"}],
            }
        ),
        "tagging",
        {"text": "text", "spans": "spans"},
    ),
]
