"""Write serving/licences.json, the licence that each package of a Bento states, as `make docs` does: of what
every Bento installs, and of what its runtime may need beside that.

The bill of materials repeats it (components/release/sbom.py). It is a file, and not asked of the machine that
packs, so that equal Bentos have equal bytes.
"""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name

from components.model import runtimes
from components.release.runtimes import pins

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "serving/licences.json"
REQUIREMENTS = ROOT / "serving/requirements.txt"
SHORT = 30  # characters: some put the whole text there
SPDX = {  # what PyPI's older words mean, where they mean one licence
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD License",  # of 2 or 3 clauses: not said
    "ISC License": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def page() -> str:
    """The whole file: name -> licence, in the order of the requirements; runtimes' own packages come last."""
    names = re.findall(r"^([\w.-]+)==", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    known = set(map(canonicalize_name, names))
    needed = pins(package for name in runtimes.names() for package in runtimes.find(name).packages)
    names += [name for name in needed if name not in known]
    return json.dumps({name: stated(metadata.metadata(name)) for name in names}, indent=2) + "\n"


def stated(found: metadata.PackageMetadata) -> str | None:
    """An SPDX expression where the package has one, else its own words; None where it says nothing."""
    if expression := found.get("License-Expression"):
        return str(expression)
    own = found.get("License") or ""
    words = [one.split(" :: ")[-1] for one in found.get_all("Classifier") or [] if one.startswith("License")]
    said = own if 0 < len(own) <= SHORT and own != "Dual License" else " OR ".join(map(spdx, words))
    return spdx(said) or None


def spdx(words: str) -> str:
    """The SPDX identifier that these words mean, or the words."""
    return SPDX.get(words, words)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
