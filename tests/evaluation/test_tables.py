"""The papers' numbers: chosen, put into words, refused where broken, and found again in the papers' text."""

import csv
import doctest
import io
import re
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from microcalc.errors import ReadError, UsageError
from microcalc.evaluation.tables import PAPERS, Paper, Published, published, read_rows, worth

ROWS = published()

SOUND = {
    "paper": "mracko2024", "place": "Table I", "name": "a model", "measure": "accuracy", "level": "patch",
    "target": "cluster", "printed": "98.2%", "data": "some data", "split": "test", "selected_on": "validation",
}  # fmt: skip


# What is there.


@pytest.mark.parametrize(
    ("paper", "name", "measure", "more", "value"),
    [
        ("mracko2024", "ResNet-101, best model", "mcc", {}, 0.944),
        ("mracko2024", "ResNet-101, weight decay 1e-1", "accuracy", {"split": "validation"}, 0.971),
        ("cortina2022", "Pipeline 3: Faster R-CNN, DenseNet-121", "auc50", {"sd": 0.0141}, 0.8092),
        ("cortina2022", "SVM, all", "average_precision", {"sd": 0.148}, 0.584),
        ("kahnouei2022", "ResNet-50, age 61–75", "accuracy", {"n": 63}, 0.973),
        ("terrassin2024", "ConvNeXt-Y", "roc_auc", {"split": "test", "target": "malignant"}, 0.88),
        ("terrassin2024", "MuTMuS-UNet3+", "recall", {"split": "test", "target": "benign"}, 0.68),
        ("pesapane2023", "Task 2, ResNet34", "ppv", {"low": 0.79, "high": 0.83}, 0.81),
    ],
)
def test_spot_values_read_in_the_papers_by_hand(paper, name, measure, more, value):
    rows = [row for row in published(paper=paper, measure=measure) if row.name == name]
    (row,) = [row for row in rows if all(getattr(row, key) == wanted for key, wanted in more.items())]
    assert row.value == pytest.approx(value, abs=1e-12)


def test_a_percentage_and_its_rounding():
    row = Published(**SOUND)
    assert (row.printed, row.value) == ("98.2%", pytest.approx(0.982))
    assert row.rounding == pytest.approx(0.0005)  # 98.15 to 98.25 %


def test_a_count_with_a_separator_is_a_whole_number():
    row = Published(**SOUND | {"measure": "count", "printed": "24,237"})
    assert (row.value, row.rounding) == (24237, 0.5)


def test_every_number_is_there_once():
    keys = [(row.paper, row.place, row.name, row.measure, row.target, row.data, row.split) for row in ROWS]
    assert [key for key, times in Counter(keys).items() if times > 1] == []


def test_every_paper_is_there_in_order():
    assert tuple(dict.fromkeys(row.paper for row in ROWS)) == tuple(PAPERS) == get_args(Paper)


def test_rows_are_chosen_by_all_that_is_asked():
    chosen = published(paper="cortina2022", measure="auc50", level="calcification")
    assert [row.printed for row in chosen if row.split == "test"] == ["0.7569", "0.6787", "0.8092"]
    assert set(chosen) == {row for row in ROWS if row.measure == "auc50"}
    assert published(paper="mracko2024", measure="auc50") == published(level="breast") == ()


def test_the_table_is_read_once():
    assert published()[0] is published()[0]


@pytest.mark.parametrize("asked", [{"paper": "mracko2025"}, {"measure": "AUC50"}, {"level": "pixels"}])
def test_an_unknown_name_is_no_empty_answer(asked):
    with pytest.raises(UsageError, match=f"expected a {next(iter(asked))}: .*found '{next(iter(asked.values()))}'"):
        published(**asked)


# What it is worth.


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({}, "On the test set of some data, selected on the validation set."),
        (
            {"split": "validation", "n": 3250, "n_of": "patches", "remark": "there is no test set"},
            "On the validation set of some data (3,250 patches), selected on this very set, so likely too good; "
            "there is no test set.",
        ),
        (
            {"selected_on": "test", "remark": "by patch; not possible"},
            "On the test set of some data, selected on this very set, so likely too good; by patch; not possible.",
        ),
        (
            {"split": "cross-validation", "selected_on": "nothing"},
            "By cross-validation on some data, with nothing selected.",
        ),
        (
            {"split": "unstated", "selected_on": "unstated", "remark": "quoted"},
            "On some data, with no word of what it was selected on; quoted.",
        ),
        ({"measure": "count", "printed": "12"}, "A count, no result."),
        ({"measure": "share", "remark": "off by one"}, "A share, no result; off by one."),
    ],
)
def test_worth(cells, said):
    assert worth(Published(**SOUND | cells)) == said


def test_worth_is_one_sentence():
    for row in ROWS:
        assert re.fullmatch(r"[A-Z][^\n]*[^.]\.", worth(row)), row
        assert not re.search(r"\. [A-Z]", worth(row)), row


# What is refused.


def table(**cells):
    """A CSV of one row."""
    file = io.StringIO()
    writer = csv.DictWriter(file, Published.model_fields)
    writer.writeheader()
    writer.writerow(SOUND | cells)
    return file.getvalue()


def test_a_sound_row_is_read():
    (row,) = read_rows(table(low="0.97", high="0.99", n="500", n_of="patches"), "mine.csv")
    assert (row.value, row.low, row.high, row.n, row.sd, row.remark) == (0.982, 0.97, 0.99, 500, None, None)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"paper": "other2020"}, "paper"),
        ({"measure": "auc"}, "measure"),
        ({"level": "pixels"}, "level"),
        ({"split": "Test"}, "split"),
        ({"selected_on": ""}, "selected_on"),
        ({"place": ""}, "place"),
        ({"printed": "about 98"}, "printed"),
        ({"printed": "98.2"}, "accuracy lies in 0..1, got 98.2"),
        ({"printed": "101%"}, "accuracy lies in 0..1, got 101%"),
        ({"measure": "count", "printed": "1.5"}, "whole number"),
        ({"low": "0.99", "high": "0.995"}, "outside its interval"),
        ({"low": "0.97"}, "two ends"),
        ({"low": "0.97", "high": "1.01"}, "high"),
        ({"n": "500"}, "go together"),
        ({"n": "0", "n_of": "patches"}, "n: "),
        ({"sd": "-0.1"}, "sd"),
    ],
)
def test_a_broken_row_is_an_error_with_its_line(cells, said):
    with pytest.raises(ReadError, match=f"^mine.csv, line 2: .*{re.escape(said)}"):
        read_rows(table(**cells), "mine.csv")


# Found again in the papers' text.

#: Paper -> (table, text it begins with, text it ends with).
BLOCKS = {
    "mracko2024": [
        ("Table I", "TABLE I. ", "III. EXPERIMENTAL"),
        ("Table II", "TABLE II. ", "Next, regularization"),
        ("Table III", "TABLE III. ", "Confusion matrix of"),
    ],
    "cortina2022": [
        ("Table 2", "Table 2. ", "From the results presented"),
        ("Table 3", "Table 3. ", "However, even when"),
        ("Table 4", "Table 4. ", "See Appendix 2"),
        ("Table 5", "\nFasterRCNN(ResNet50_00)", "See Appendix 3"),
    ],
    "kahnouei2022": [
        ("Table 1", "Table 1. The", "Figure 6. "),
        ("Table 2", "Table 2. ", "Abbreviations: "),
    ],
    "terrassin2024": [
        ("Table 1", "The Tab. 1 summarizes", "Table 1. "),
        ("Table 2", "\nResNet-22\t", "Table 2. "),
        ("Table 3", "\nMulti-task\t", "Table 3. "),
        ("Table 4", "\nResNet-22 opt.\t", "Table 4. "),
    ],
    "pesapane2023": [
        ("Table 1", "\nTable 1 Number", "again the AlexNet"),
        ("Table 2", "\nTask\tNetwork", "95% confidence intervals"),
    ],
}


@pytest.fixture(scope="module")
def texts(shared):
    """Paper -> its text."""
    folder = shared.parent / "papers"
    if not folder.is_dir():
        pytest.skip("no text of the papers: set MICROCALC_SHARED to the folder that holds papers/")
    return {paper: next(folder.glob(f"{i:03}_*.txt")).read_text("utf-8") for i, paper in enumerate(get_args(Paper))}


def numbers(row):
    """What the row's cell prints, without per cent signs."""
    yield row.printed.rstrip("%")
    decimals = len(row.printed.rstrip("%").partition(".")[2])
    for spread in (row.sd, row.low, row.high):
        if spread is not None:
            yield f"{spread:.{max(decimals, 2)}f}"


@pytest.mark.parametrize(("paper", "block"), [(paper, block) for paper, blocks in BLOCKS.items() for block in blocks])
def test_each_table_holds_these_results_in_this_order_and_no_others(texts, paper, block):
    place, begin, end = block
    text = texts[paper].split(begin)[1].split(end)[0]
    rows = [row for row in published(paper=paper) if row.place.split(";")[0] == place]
    assert rows
    results = [number for row in rows if row.measure != "count" for number in numbers(row)]
    assert results == re.findall(r"\d+\.\d+|\d+(?=%)", text)
    found = iter(re.findall(r"\d+", text))
    assert [row.name for row in rows if row.measure == "count" and row.printed not in found] == []


def test_every_number_is_in_its_paper(texts):
    for row in ROWS:
        for number in numbers(row):
            assert re.search(rf"(?<![\d.,]){re.escape(number)}(?!\d|[.,]\d)", texts[row.paper]), (row.name, number)


# The page.


def test_the_page_of_the_reference_is_right():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "published.md").read_text("utf-8")
    examples = "".join(re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {}, "published.md", "published.md", 0)
    assert doctest.DocTestRunner().run(test) == (0, len(test.examples))
    assert test.examples
