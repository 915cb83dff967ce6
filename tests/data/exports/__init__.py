"""Files as tools export them, and files that are broken: what `new-task` must make of each.

All of them are synthetic. A `Shape` (tests/data/shapes.py) says what is understood (`family`, `columns`), or
what is asked (`asks`), or why the file is refused (`refused`).
"""

from __future__ import annotations

from tests.data.exports.broken import BROKEN
from tests.data.exports.cells import CELLS
from tests.data.exports.json_files import JSON
from tests.data.exports.packed import JOINT, PACKED
from tests.data.exports.tables import TABLES
from tests.data.exports.texts import GENERATION, GRAPHS, LABEL_FREE, PAIRS
from tests.data.exports.words import ANNOTATED, WORDS

EXPORTS = [
    *TABLES, *CELLS, *JSON, *GENERATION, *GRAPHS, *PAIRS, *LABEL_FREE, *WORDS, *ANNOTATED, *PACKED, *JOINT, *BROKEN,
]  # fmt: skip
