"""How detectors are computed, and what their papers print."""

import pytest

from microcalc.benchmark.contenders import open_contender
from microcalc.errors import UsageError


def test_a_detector_without_a_network_runs_as_it_is():
    contender = open_contender("hdog", "openvino", "bf16", 0.1)
    assert (contender.kind, contender.computed, contender.published) == (None, None, ())
    assert (contender.options.runtime, contender.options.precision) == ("auto", "f32")
    assert contender.options.spacing_mm == 0.1


def test_a_network_is_computed_as_asked():
    """A kind stands for the first package of it."""
    contender = open_contender("segmenter", "onnxruntime", "f32")
    assert (contender.kind, contender.computed) == ("segmenter", "onnxruntime, f32")
    assert contender.options.runtime == "onnxruntime"


def test_what_it_cannot_be_computed_in_is_refused_before_anything_is_detected():
    with pytest.raises(UsageError, match="ONNX Runtime"):
        open_contender("microcalc-default", "onnxruntime", "bf16")


def test_the_numbers_of_the_paper_are_those_of_whole_mammograms():
    contender = open_contender("cortina2022-cascade", "auto", "f32")
    assert [(row.measure, row.printed, row.split) for row in contender.published] == [("auc50", "0.7569", "test")]
