"""Stage encode@TASK: tokenise data/TASK into encoded/TASK."""

from pathlib import Path

from components.data.encoding import encode
from components.encoder.place import ENCODER, TOKENIZER
from components.stages import run


def main(name: str) -> None:
    encode.encode(Path("data") / name, ENCODER / TOKENIZER, Path("encoded") / name)


if __name__ == "__main__":
    run(main)
