"""What is written down of how a head's answers look, for its report: `picture` makes these."""

from __future__ import annotations

from components.evaluation.difference import Interval
from components.records import Part


class ClassScore(Part):
    """A class or type of a head."""

    name: str  # as the data have it
    rows: int  # its gold occurrences in the test rows
    f1: float  # of its precision and recall
    precision: float | None = None  # of what is said to be it; null in a file of before
    recall: float | None = None  # of its gold occurrences; likewise


class Confusion(Part):
    """What is one class and was taken for another, or for itself."""

    gold: str  # its class
    said: str  # the model's
    count: int  # of rows, or of words


class Curve(Part):
    """How well one class is told from the rest, whatever the threshold. Points go from the most probable row
    to the least; few are kept."""

    name: str  # of the class
    rows: int  # test rows that it holds of
    area: float  # under the ROC curve
    precision: float  # the average one: the area under the other curve
    roc: list[list[float]]  # [false positive rate, true positive rate]
    precision_recall: list[list[float]]  # [recall, precision]


class LengthBin(Part):
    """Test rows of about one length, by the metric of the head's gate."""

    shortest: int  # characters
    longest: int  # likewise
    rows: int  # how many
    value: float  # of the metric
    interval: Interval  # of that value


class Example(Part):
    """A test row that the model is far off on; its text is there because evaluation.show_texts allows it."""

    id: str  # of the row
    text: str  # its beginning
    gold: str  # what is right, in words
    said: str  # what the model says, likewise
    value: float | None  # of the row by itself; null where no metric says anything of it


class ReliabilityBin(Part):
    """Answers of a head that were given about the same probability."""

    probability: float  # that they were given, in the mean
    right: float  # the share of them that is
    answers: int  # how many
