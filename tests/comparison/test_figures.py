"""What the figures show, and what a file or a page gets of them."""

import re
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from microcalc.comparison import figures as room
from microcalc.comparison.drawing import COLOURS, INK
from microcalc.comparison.figures import figures
from microcalc.comparison.records import Histogram

NAMES = {"froc-log", "froc-linear", "roc-cases", "scores-1", "scores-2", "reliability", "differences", "strata"}


@pytest.fixture(scope="module")
def drawn(make_evaluation):
    """Name -> drawing, of the evaluation made by hand."""
    return {drawing.name: drawing for section in figures(make_evaluation()).values() for drawing in section}


@pytest.fixture
def painted(make_evaluation, monkeypatch):
    """Paints the evaluation made by hand on bare axes: name -> axes."""
    from matplotlib.figure import Figure

    def paint_all(**fields):
        axes = {}

        def keep(name, title, alt, note, size, paint):
            axes[name] = Figure().add_subplot()
            paint(axes[name])

        monkeypatch.setattr(room, "draw", keep)
        figures(make_evaluation(**fields))
        return axes

    return paint_all


def text_of(svg):
    words = [element for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]
    return [" ".join(element.itertext()).strip() for element in words]


def test_every_figure_names_level_and_rule_in_text_that_stays_text(drawn):
    assert set(drawn) == NAMES
    for drawing in drawn.values():
        assert "truth.json, split test: level calcification, rule disc14;" in text_of(drawing.svg)
        assert "false positives per normal image; microcalc 0.1.0" in text_of(drawing.svg)


def test_the_same_numbers_give_the_same_bytes(drawn, make_evaluation):
    (again, _) = figures(make_evaluation())["froc"]
    assert again.svg == drawn["froc-log"].svg
    assert "<dc:date>" not in again.svg


def test_figures_of_one_page_share_no_id_and_fetch_nothing(drawn):
    pages = [drawing.inline for drawing in drawn.values()]
    ids = [name for page in pages for name in re.findall(r'\bid="([^"]*)"', page)]
    assert len(ids) == len(set(ids))
    for page in pages:
        assert set(re.findall(r'href="#([^"]*)"', page)) <= set(ids)
        assert "http" not in page
        assert INK not in page
        assert "currentColor" in page


def test_numbers_are_said_to_those_who_do_not_see_them(drawn):
    assert "first: AUC50 0.812 [0.762, 0.862], sensitivity 0.325 [0.275, 0.375] at 0.5" in drawn["froc-log"].alt
    assert "second: AUC 0.900 [0.850, 0.950]" in drawn["roc-cases"].alt
    assert "AUC50, first minus second: 0.100 [0.050, 0.150], p = 0.031" in drawn["differences"].alt
    assert "ROC AUC, first minus second: –, –" in drawn["differences"].alt
    # 1 + 2 + 7 + 20 hits.
    assert drawn["scores-1"].alt.startswith("Scores of first: 30 hit, 5 duplicate, 126 false positive")


@pytest.mark.parametrize("name", ["froc-log", "froc-linear"])
def test_a_froc_is_a_step_function_from_the_origin_with_its_end_and_operating_point(painted, name):
    axes = painted()[name]
    curve, beyond, end, ring = axes.lines[:4]
    assert curve.get_drawstyle() == "steps-post"
    assert curve.get_xydata().tolist() == [[0, 0], [0.1, 0.2], [0.4, 0.5], [3, 0.7], [20, 0.85]]
    # Level from the last point to the limit.
    assert beyond.get_xydata().tolist() == [[20, 0.85], [50, 0.85]]
    assert end.get_xydata().tolist() == [[20, 0.85]]
    # The threshold 0.4 is the third point's.
    assert ring.get_xydata().tolist() == [[3, 0.7]]
    assert axes.get_xlim()[1] == 50


def test_an_operating_point_beyond_the_axis_is_an_arrow_at_its_edge(painted, make_evaluation):
    system = make_evaluation().systems[0]
    far = system.froc.model_copy(update={"false_positives": (0.1, 0.4, 80.0, 90.0)})
    (ring,) = painted(systems=(system.model_copy(update={"froc": far}),))["froc-log"].lines[3:]
    assert (ring.get_marker(), ring.get_xydata().tolist()) == (">", [[50, 0.7]])


def test_an_operating_point_without_false_positives_is_an_arrow_at_the_edge_of_a_logarithmic_axis(
    painted, make_evaluation
):
    system = make_evaluation().systems[0]
    perfect = system.froc.model_copy(update={"false_positives": (0.0, 0.0, 0.0, 20.0)})
    axes = painted(systems=(system.model_copy(update={"froc": perfect}),))
    for name, marker, edge in (("froc-log", "<", 0.1), ("froc-linear", "o", 0.0)):
        (ring,) = axes[name].lines[3:]
        assert (ring.get_marker(), ring.get_xydata().tolist()) == (marker, [[edge, 0.7]])


@pytest.mark.filterwarnings("error")
def test_a_point_left_of_the_axis_leaves_the_layout_whole(make_evaluation):
    system = make_evaluation().systems[0]
    perfect = system.froc.model_copy(update={"false_positives": (0.0, 0.0, 0.0, 20.0)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Matplotlib warns of a layout that it had to leave
        figures(make_evaluation(systems=(system.model_copy(update={"froc": perfect}),), differences=()))


def test_the_legacy_curve_joins_its_points_by_lines_without_an_origin(painted, make_evaluation):
    settings = make_evaluation().settings.model_copy(update={"per": "legacy"})
    curve = painted(settings=settings)["froc-linear"].lines[0]
    assert (curve.get_drawstyle(), curve.get_xydata()[0].tolist()) == ("default", [0.1, 0.2])


def test_the_roc_starts_at_the_origin_and_rings_only_the_systems_own_threshold(painted):
    diagonal, curve, ring, *_ = painted()["roc-cases"].lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert curve.get_xydata().tolist() == [[0, 0], [0, 0.5], [0.2, 0.9], [1, 1]]
    # Specificity and sensitivity are both 0.75; youden, chosen here, is not marked.
    assert ring.get_xydata().tolist() == [[0.25, 0.75]]


def test_what_is_not_defined_has_a_row_but_no_dot(painted):
    axes = painted()["strata"]
    assert [text.get_text() for text in axes.texts] == ["Density", "Morphology", "one class only"]
    # 12 lesions of 4 patients.
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        *("B (12 / 4)", "C (12 / 4)", "fine linear or branching (12 / 4)", "punctate (12 / 4)"),
    ]
    x, y = axes.lines[0].get_data()
    np.testing.assert_array_equal(x, [0.8, 0.7, np.nan, 0.85])
    # Rows 1, 2, 4 and 5 from the top, the first of two systems a little above them.
    np.testing.assert_allclose(y, [-0.78, -1.78, -3.78, -4.78])


def test_differences_are_grouped_by_pair_with_their_p_values(painted):
    axes = painted()["differences"]
    assert [text.get_text() for text in axes.texts] == ["first − second"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["AUC50", "ROC AUC"]
    (right,) = axes.child_axes
    assert [label.get_text() for label in right.get_yticklabels()] == ["p = 0.031", "–"]


def test_what_has_no_numbers_has_no_figure(make_evaluation):
    empty = Histogram(edges=(0.0, 1.0), counts={"hit": (0,)})
    nothing = {"reliability": None, "strata": (), "histogram": empty}
    systems = tuple(system.model_copy(update=nothing) for system in make_evaluation().systems)
    sections = figures(make_evaluation(systems=systems, differences=()))
    drawn = {name: len(section) for name, section in sections.items() if section}
    assert drawn == {"froc": 2, "cases": 1, "scores": 2}
    assert sections["scores"][0].alt == "Scores of first: no detection."
    assert "no detection" in text_of(sections["scores"][0].svg)


def test_each_systems_own_cases_stand_in_the_key(make_evaluation):
    """Of malignancy: on the lesions that each system hits itself, here 10 and 3 malignant ones."""
    first, second = make_evaluation().systems
    own = [it for it in first.cases.operations if it.chosen_here]
    results = [first.cases.model_copy(update={"positives": n, "operations": tuple(own)}) for n in (10, 3)]
    systems = [s.model_copy(update={"malignancy": of}) for s, of in zip((first, second), results, strict=True)]
    (drawing,) = figures(make_evaluation(systems=tuple(systems)))["malignancy"]
    words = text_of(drawing.svg)
    assert "first: 0.900 [0.850, 0.950], 10 / 10" in words
    assert "second: 0.900 [0.850, 0.950], 3 / 10" in words
    assert drawing.title == (
        "ROC, malignant against benign lesions, for each system those that it hits. In the key: area under the curve, "
        "positive / negative."
    )


def test_the_legacy_caption_says_what_is_drawn(make_evaluation):
    settings = make_evaluation().settings.model_copy(update={"per": "legacy"})
    (froc, _) = figures(make_evaluation(settings=settings))["froc"]
    assert "dotted" not in froc.title
    assert "each up to its curve’s end. Bands: 95 % intervals of the step function." in froc.title


def test_without_a_threshold_no_ring_is_promised(make_evaluation):
    systems = tuple(system.model_copy(update={"detector": None}) for system in make_evaluation().systems)
    (froc, _) = figures(make_evaluation(systems=systems))["froc"]
    assert "Ring" not in froc.title


def test_beyond_three_systems_only_areas_are_compared(painted, make_evaluation):
    plain = make_evaluation()
    axes = painted(systems=2 * plain.systems)["differences"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["AUC50"]


def test_what_a_detection_is_has_no_systems_colour(painted):
    colours = {patch.get_edgecolor() for patch in painted()["scores-1"].patches}
    assert not colours & {to_rgba(colour) for colour in COLOURS}


def test_a_long_name_loses_its_middle_in_a_figure_but_not_in_its_words(make_evaluation):
    name = "a" * 30 + "b" * 30
    systems = tuple(system.model_copy(update={"name": name}) for system in make_evaluation().systems[:1])
    (froc, _) = figures(make_evaluation(systems=systems))["froc"]
    assert f"{17 * 'a'}…{17 * 'b'}: 0.812 [0.762, 0.862]" in text_of(froc.svg)
    assert f"{name}: AUC50 0.812" in froc.alt


def test_a_name_is_no_markup_no_formula_and_never_hidden(make_evaluation):
    name = "_<b>$x$ & y"
    systems = tuple(system.model_copy(update={"name": name}) for system in make_evaluation().systems[:1])
    (froc, _) = figures(make_evaluation(systems=systems))["froc"]
    assert f"{name}: 0.812 [0.762, 0.862]" in text_of(froc.svg)
    assert "<b>" not in froc.inline
