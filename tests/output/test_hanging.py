from __future__ import annotations

import pytest

from microcalc.findings import ImageFindings
from microcalc.output.hanging import hang


def image(path: str, side: str | None = None, view: str | None = None, study: str | None = "1.2.3") -> ImageFindings:
    return ImageFindings(path=path, side=side, view=view, study=study, rows=9, columns=9, seconds=0)


def rows(study) -> list[tuple[str, str | None, str | None]]:
    return [(p.view, p.right and p.right.path, p.left and p.left.path) for p in study.pairs]


def test_cc_hangs_above_mlo_and_right_before_left():
    (study,) = hang([image("a", "L", "MLO"), image("b", "R", "MLO"), image("c", "L", "CC"), image("d", "R", "CC")])
    assert rows(study) == [("CC", "d", "c"), ("MLO", "b", "a")]
    assert [i.path for i in study.images] == ["d", "c", "b", "a"]


def test_a_missing_view_leaves_its_place_empty():
    (study,) = hang([image("a", "L", "CC")])
    assert rows(study) == [("CC", None, "a")]


def test_other_views_and_unknown_sides_hang_below():
    (study,) = hang([image("a", "L", "ML"), image("b", None, "CC"), image("d", "R", "CC")])
    assert rows(study) == [("CC", "d", None)]
    assert [i.path for i in study.others] == ["a", "b"]


def test_images_that_name_no_view_hang_in_pairs_below_those_that_do():
    (study,) = hang([image("a", "L", None), image("b", "R", None), image("c", "R", "CC"), image("d", "L", "CC")])
    assert rows(study) == [("CC", "c", "d"), (None, "b", "a")]


def test_studies_keep_the_order_of_the_run():
    studies = hang([image("x/1", study="9"), image("y/1", study="1"), image("z/1", study="9")])
    assert [(s.number, s.uid, len(s.images)) for s in studies] == [(1, "9", 2), (2, "1", 1)]


def test_images_without_a_study_are_grouped_by_folder():
    studies = hang([image("a/1.png", study=None), image("b/1.png", study=None), image("a/2.png", study=None)])
    assert [(s.uid, s.folder, len(s.images)) for s in studies] == [(None, "a", 2), (None, "b", 1)]


def test_a_folder_of_pairs_is_paired_by_name():
    names = ["2_L_CC.png", "1_R_CC.png", "2_R_CC.png", "1_L_CC.png"]
    (study,) = hang([image(name, name[2], "CC", study=None) for name in names])
    assert rows(study) == [("CC", "1_R_CC.png", "1_L_CC.png"), ("CC", "2_R_CC.png", "2_L_CC.png")]


@pytest.mark.parametrize(("study", "pairs"), [(None, 3), ("1.2.3", 2)])
def test_unequal_numbers_are_paired_within_a_study_only(study, pairs):
    images = [image("1", "R", "CC", study), image("2", "R", "CC", study), image("3", "L", "CC", study)]
    assert len(hang(images)[0].pairs) == pairs
