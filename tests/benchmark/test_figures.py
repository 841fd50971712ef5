"""The figures hold the numbers, are told from others, and come out the same every time."""

from pathlib import Path

import pytest

from microcalc.benchmark.figures import candidate_figures, is_own_figure
from microcalc.benchmark.records import Benchmark, Proposed
from microcalc.benchmark.summary import summarise
from microcalc.datasets import Record, Table


@pytest.fixture(scope="module")
def draw_all(outcome, proposed, image_truth):
    """Draws the figures of two images on which a proposer has so many false positives beside one hit."""

    def draw_all(first, second):
        images = [proposed(name, hdog=outcome((True,), false)) for name, false in (("a", first), ("b", second))]
        truths = [image_truth(name, 1, patient=name, spacing_mm=(0.07, 0.07)) for name in "ab"]
        kept = Proposed(proposers=("hdog",), rule="disc14", images=tuple(images), failed=())
        table = Table(Record(Path(truth.path), truth) for truth in truths)
        candidates = summarise(kept, table, draws=100, seed=0)
        whole = Benchmark(
            microcalc="0", data="truth:x", split=None, images=2, remarks=(), detectors=(), candidates=candidates
        )
        return candidate_figures(whole, candidates, kept)

    return draw_all


def test_each_tells_its_numbers_in_words(draw_all):
    per_hit, sensitivity, seconds = draw_all(4, 8)
    assert "hdog: median 6." in per_hit.alt
    assert "hdog: median 1." in sensitivity.alt
    assert "hdog: median 1." in seconds.alt
    assert "rule disc14" in per_hit.svg
    assert "Beyond the axis" not in per_hit.title


def test_what_a_logarithmic_axis_cannot_show_is_said(draw_all):
    per_hit, *_ = draw_all(0, 8)
    assert per_hit.title.endswith("Beyond the axis, at 0: 1.")
    assert "hdog: median 4." in per_hit.alt


def test_the_same_numbers_give_the_same_bytes(draw_all):
    assert [it.svg for it in draw_all(4, 8)] == [it.svg for it in draw_all(4, 8)]


def test_own_figures_are_told_from_others(draw_all):
    for drawing in draw_all(4, 8):
        assert is_own_figure(Path("figures") / f"{drawing.name}.svg")
    assert is_own_figure(Path("figures/recall-snr.svg"))
    for other in ("figures/froc-log.svg", "figures/sensitivity.png", "elsewhere/sensitivity.svg", "figures/mine.svg"):
        assert not is_own_figure(Path(other))
