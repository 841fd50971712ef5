from __future__ import annotations

import pytest

from microcalc.output.words import breast_summary, cluster_size, count, image_label, spacing_words


def test_counts_have_their_plurals():
    assert [count(n, "mark") for n in (0, 1, 2)] == ["no mark", "1 mark", "2 marks"]
    assert count(2, "study", "studies") == "2 studies"


@pytest.mark.parametrize(
    ("side", "view", "label"),
    [
        ("R", "MLO", "R MLO"),
        (None, "CC", "side unknown, CC"),
        ("L", None, "L view unknown"),
        (None, None, "side and view unknown"),
    ],
)
def test_an_image_is_labelled_as_on_film(draw, side, view, label):
    assert image_label(draw().findings.model_copy(update={"side": side, "view": view})) == label


def test_a_breast_is_summed_up_in_one_sentence(draw, group):
    assert breast_summary("R", [draw("R", **group).findings], 0.4) == (
        "Right breast: 1 cluster of 5 marks, 2.5 × 1.5 mm, grouped, CC view; 1 single mark."
    )


def test_a_breast_without_findings_says_so(draw):
    assert breast_summary("L", [draw().findings], 0.4) == "Left breast: no cluster; no single mark."


def test_the_best_clusters_are_named_and_the_rest_counted(draw, group):
    cluster = group["clusters"][0]
    clusters = tuple(cluster.model_copy(update={"score": score}) for score in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95))
    image = draw(calcifications=group["calcifications"], clusters=clusters).findings
    sentence = breast_summary("L", [image], 0.4)
    assert sentence.count("1 cluster of 5 marks") == 4
    assert "; 2 more with lower scores; 1 single mark." in sentence


def test_sizes_follow_the_spacing_of_each_axis(draw, group):
    cluster = group["clusters"][0]
    assert cluster_size(cluster, draw(spacing=(0.2, 0.1)).findings) == "3.0 × 2.5 mm"
    assert cluster_size(cluster, draw(spacing=None).findings) == "25 × 15 pixels"


def test_spacing_names_its_source(draw):
    assert spacing_words(draw(spacing=(0.07, 0.07)).findings) == "0.07 mm (header)"
    assert spacing_words(draw(spacing=(0.05, 0.1)).findings) == "0.05 × 0.1 mm (header)"
    assert spacing_words(draw(spacing=None).findings) == "pixel spacing unknown"
