"""The numbers that five papers print, each with what it was measured on, selected on, and is worth.

``tables.csv`` holds one number a row, digit for digit. docs/reference/published.md lists what in them disagrees.
"""

from __future__ import annotations

import csv
import io
from functools import cache
from importlib import resources
from typing import Annotated, Literal, get_args

from pydantic import Field, ValidationError, model_validator

from microcalc.errors import ReadError, check_known
from microcalc.findings import Record

Paper = Literal["mracko2024", "cortina2022", "kahnouei2022", "terrassin2024", "pesapane2023"]

#: Paper -> how a report refers to it.
PAPERS: dict[Paper, str] = {
    "mracko2024": "Mračko et al. 2024, classification of 674 px patches",
    "cortina2022": "Cortina Uribe et al. 2022, three pipelines on INbreast",
    "kahnouei2022": "Shiri Kahnouei et al. 2022, classification of 224 px patches",
    "terrassin2024": "Terrassin et al. 2024, annotation-free detection",
    "pesapane2023": "Pesapane et al. 2023, classification of 112 px patches",
}

Measure = Literal[
    "auc50",  # area under the FROC up to 50 false positives an image, divided by 50
    "roc_auc",
    "average_precision",  # area under the curve of precision over recall
    "average_recall",  # mean recall over IoU 0.50 to 0.95
    "accuracy",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "mcc",
    "dice",
    "precision",
    "recall",
    "count",  # no result: how many there are of what ``name`` says
    "share",  # no result: their share of the n
]
#: What is judged one by one. A candidate is a spot that an earlier stage proposes.
PublishedLevel = Literal[
    "pixel", "candidate", "calcification", "cluster", "patch", "lesion", "image", "breast", "patient", "unstated"
]
Target = Literal["calcification", "cluster", "benign", "malignant"]
PublishedSplit = Literal["train", "cross-validation", "validation", "test", "all", "unstated"]
Selection = Literal["nothing", "train", "validation", "test", "unstated"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

_PLACES: dict[PublishedSplit, str] = {
    "train": "On the training set of",
    "cross-validation": "By cross-validation on",
    "validation": "On the validation set of",
    "test": "On the test set of",
    "all": "On all of",
    "unstated": "On",
}
_SELECTIONS: dict[Selection, str] = {
    "nothing": "with nothing selected",
    "train": "selected on the training set",
    "validation": "selected on the validation set",
    "test": "selected on the test set",
    "unstated": "with no word of what it was selected on",
}


class Published(Record):
    """One printed number. Shares of one lie in 0..1, printed percentages too."""

    paper: Paper
    place: str = Field(min_length=1, description="Where it is printed: table, section, abstract.")
    name: str = Field(min_length=1, description="Its row there: a model, a setting or a class.")
    measure: Measure
    level: PublishedLevel
    target: Target | None = Field(default=None, description="The positive class.")
    printed: str = Field(pattern=r"^\d[\d,]*(\.\d+)?%?$", description="The number, digit for digit.")
    sd: float | None = Field(default=None, ge=0.0, description="What is printed after ±.")
    low: Share | None = None
    high: Share | None = None
    data: str = Field(min_length=1, description="The data set.")
    split: PublishedSplit
    n: int | None = Field(default=None, ge=1, description="On how many, where the paper says so.")
    n_of: str | None = Field(default=None, min_length=1, description="Of what there are n.")
    selected_on: Selection = Field(description="Where its settings, epoch or threshold were chosen.")
    remark: str | None = Field(default=None, min_length=1, description="What else a reader has to know.")

    @property
    def value(self) -> float:
        """The number."""
        return float(self._digits) / self._whole

    @property
    def rounding(self) -> float:
        """Half a unit of the last printed digit: before rounding, the number lay within ``value`` ± ``rounding``."""
        decimals = len(self._digits.partition(".")[2])
        return 0.5 * 10.0**-decimals / self._whole

    @property
    def _digits(self) -> str:
        return self.printed.rstrip("%").replace(",", "")

    @property
    def _whole(self) -> float:
        return 100.0 if self.printed.endswith("%") else 1.0

    @model_validator(mode="after")
    def _consistent(self) -> Published:
        if self.measure != "count" and self.value > 1.0:
            raise ValueError(f"{self.measure} lies in 0..1, got {self.printed}")
        if self.measure == "count" and not self.value.is_integer():
            raise ValueError(f"a count is a whole number, got {self.printed}")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"an interval has two ends, got {self.low} and {self.high}")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"{self.printed} lies outside its interval, {self.low} to {self.high}")
        if (self.n is None) != (self.n_of is None):
            raise ValueError(f"n and what it counts go together, got {self.n} of {self.n_of}")
        return self


def published(
    *, paper: Paper | None = None, measure: Measure | None = None, level: PublishedLevel | None = None
) -> tuple[Published, ...]:
    """The printed numbers that fit all that is asked for, paper by paper; without arguments all of them.

    Raises:
        UsageError: there is no such paper, measure or level.
    """
    options = {"paper": (paper, Paper), "measure": (measure, Measure), "level": (level, PublishedLevel)}
    for name, (asked, known) in options.items():
        if asked is not None:
            check_known(name, asked, get_args(known))
    return tuple(
        row
        for row in _rows()
        if paper in (None, row.paper) and measure in (None, row.measure) and level in (None, row.level)
    )


def worth(row: Published) -> str:
    """What the number can be taken for: one sentence that a report prints beside it."""
    if row.measure in ("count", "share"):
        said = [f"A {row.measure}, no result"]
    else:
        on = "" if row.n is None else f" ({row.n:,} {row.n_of})"
        same = row.selected_on == row.split and row.split in ("validation", "test")
        selection = "selected on this very set, so likely too good" if same else _SELECTIONS[row.selected_on]
        said = [f"{_PLACES[row.split]} {row.data}{on}, {selection}"]
    return "; ".join([*said, *filter(None, [row.remark])]) + "."


def read_rows(text: str, where: str) -> tuple[Published, ...]:
    """Rows of a CSV text whose columns are the fields of :class:`Published`; an empty cell is None.

    Args:
        text: the file's content.
        where: its name, for errors.

    Raises:
        ReadError: a row that breaks the schema, with its line.
    """
    table = csv.DictReader(io.StringIO(text))
    return tuple(_row(cells, f"{where}, line {table.line_num}") for cells in table)


def _row(cells: dict[str, str], where: str) -> Published:
    try:
        return Published.model_validate({column: cell or None for column, cell in cells.items()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        column = ".".join(str(part) for part in first["loc"])
        raise ReadError(
            expected="a published number with all that describes it",
            found=f"{column}: {first['msg']}" if column else first["msg"],
            do="mend the row",
            where=where,
        ) from error


@cache
def _rows() -> tuple[Published, ...]:
    file = resources.files("microcalc.evaluation").joinpath("tables.csv")
    return read_rows(file.read_text("utf-8"), file.name)
