"""Stage comparison: each task's gain from joint training, what tasks have in common, a suggested grouping."""

from pathlib import Path

from components import params
from components.comparison import page, report
from components.comparison.records import REPORT
from components.stages import run


def main() -> None:
    found = report.report(params.load(), Path())
    found.write(REPORT)
    page.write(Path("reports/sharing.html"), found)
    for sentence in (found.gains_sentence, found.grouping_sentence, found.caveat):
        print(sentence)


if __name__ == "__main__":
    run(main)
