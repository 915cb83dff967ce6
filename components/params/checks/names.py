"""Names of tasks: anything that a person writes, as far as files and commands can be called so.

A task's files are `data/NAME`, `predictions/NAME.json` and others, and DVC calls its stages `ingest@NAME`
and gives the name to a shell, in double quotes.
"""

from __future__ import annotations

import unicodedata

LONGEST = 100  # bytes: a file system allows 255, and files' names have more before and behind
UNFIT = '/\\"$`@:'  # of paths, of the shell, and of DVC
APART = ("Cc", "Cs", "Zl", "Zp")  # Unicode's categories: control characters, half surrogates, ends of lines


def refusal(name: str) -> str | None:
    """What is wrong with a task's name, as a clause; None where nothing is."""
    unfit = next((one for one in name if one in UNFIT), None)
    length = len(name.encode(errors="surrogatepass"))
    rules = {
        "is empty, expected a name": not name.strip(),
        "has a blank at its start or its end, expected none": name != name.strip(),
        f"begins with '{name[:1]}', expected a letter or the like": name[:1] in (".", "-"),
        f"has a '{unfit}'; files and stages are called so, expected none of {' '.join(UNFIT)}": unfit,
        "ends in .dvc, which DVC takes for a file, expected another end": name.endswith(".dvc"),
        "has a character that is not printed, expected one line of text": any(
            unicodedata.category(one) in APART for one in name
        ),
        f"has {length} bytes; files are called so, expected at most {LONGEST}": length > LONGEST,
    }
    return next((why for why, broken in rules.items() if broken), None)
