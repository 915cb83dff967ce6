"""Stage encode@TASK: tokenise data/TASK into encoded/TASK."""

from pathlib import Path

from components import settings
from components.data import encoding
from components.stages import run


def main(name: str) -> None:
    tokenizer = Path(settings.load().model.encoder) / "tokenizer.json"
    encoding.encode(Path("data") / name, tokenizer, Path("encoded") / name)


if __name__ == "__main__":
    run(main)
