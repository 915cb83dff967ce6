"""Stage encoder: bring the encoder that params.yaml names into models/encoder, whole, in one form.

It is always asked, as `program` is: a folder may lie anywhere, and dvc.yaml cannot name what may also be a
model of the hub. An encoder that comes out the same leaves everything else up to date.
"""

from pathlib import Path

from components import params
from components.data.sources import encoder
from components.stages import run


def verify(folder: Path, called: Path) -> int | None:
    """Transformers is imported only where there is something new to verify."""
    from components.model import weights

    return weights.verify(folder, called)


def main() -> None:
    encoder.bring(params.load(), Path(), verify)


if __name__ == "__main__":
    run(main)
