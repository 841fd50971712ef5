"""What a figure's file holds whatever is drawn."""

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from microcalc.comparison.drawing import _in_lines

#: Inches, and in points.
WIDTH = 4.4
WIDTH_PT = 72 * WIDTH


def breadth(text):
    """Points that a line of a note takes, by the letters of the font that the layout is measured with."""
    return TextPath((0, 0), text, prop=FontProperties(family="DejaVu Sans", size=7)).get_extents().width


@pytest.mark.parametrize(
    "note",
    [
        "Test part of images:normal mammograms of the screening unit in the north, 2019 to 2024?normal=true, 120 "
        "calcifications, 14 normal images, rule disc14.",
        "Test part of images:all-the-normal-mammograms-of-the-screening-unit-in-the-north-from-2019-to-the-end-of-2024"
        "?normal=true, 120 calcifications, 14 normal images, rule disc14.",
    ],
    ids=["words", "one long name"],
)
def test_a_long_note_stays_within_the_figure(note):
    lines = _in_lines(note, WIDTH).split("\n")
    assert breadth(note) > WIDTH_PT
    assert all(breadth(line) < WIDTH_PT for line in lines)
    assert "".join(lines).replace(" ", "") == note.replace(" ", "")


def test_lines_of_a_note_stay_apart():
    assert _in_lines("one;\n\ntwo", WIDTH) == "one;\n\ntwo"
