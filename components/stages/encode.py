"""Stage encode@TASK: tokenise data/TASK into encoded/TASK."""

from pathlib import Path

from components import params
from components.data.encoding import encode
from components.stages import run


def main(name: str) -> None:
    tokenizer = Path(params.load().model.encoder) / "tokenizer.json"
    encode.encode(Path("data") / name, tokenizer, Path("encoded") / name)


if __name__ == "__main__":
    run(main)
