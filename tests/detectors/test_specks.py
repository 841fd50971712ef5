"""From maps to single calcifications: places, sizes and outlines worked by hand."""

import numpy as np
import pytest
from scipy import ndimage

from microcalc.detectors.specks import specks
from microcalc.evaluation.polygons import area_and_centroid

SPACING_MM = 0.1  # so that calcifications reach 5 px, and maxima are kept 3.5 px apart


def drawn(*spots, shape=(40, 40)):
    """A map with rows of values from (row, column) on."""
    values = np.zeros(shape, np.float32)
    for row, column, *line in spots:
        values[row, column : column + len(line)] = line
    return values


def found(values, floor=0.1, **options):
    return specks(values, SPACING_MM, floor, **options)


def test_half_of_the_maximum_is_the_rim():
    """0.8 at its highest: pixels of 0.4 and more belong to it, three of them, those of 0.3 do not.

    The centre is weighed by the map: (0.4 * 10 + 0.8 * 11 + 0.6 * 12) / 1.8 = 11.1111. Three pixels of 0.01 mm2 are as
    large as a disc of 2 * sqrt(0.03 / pi) = 0.1954 mm.
    """
    one = found(drawn((20, 9, 0.3, 0.4, 0.8, 0.6, 0.3)))
    np.testing.assert_allclose(one.scores, [0.8])
    np.testing.assert_allclose(one.centres, [(11.1111, 20)], atol=1e-4)
    np.testing.assert_allclose(one.diameters_mm, [0.1954], atol=1e-4)
    (outline,) = one.outlines
    assert sorted(outline.tolist()) == [[9.5, 19.5], [9.5, 20.5], [12.5, 19.5], [12.5, 20.5]]


def test_touching_ones_are_divided_in_the_valley_between_them():
    """Maxima 5 px apart; all between is above half of both, and 0.5 is lowest: it leads up to the left."""
    both = found(drawn((20, 10, 0.8, 0.7, 0.5, 0.6, 0.7, 0.9)))
    assert both.scores.tolist() == pytest.approx([0.9, 0.8])
    assert [np.ptp(outline[:, 0]) for outline in both.outlines] == [3, 3]  # 13 to 15, and 10 to 12
    np.testing.assert_allclose(both.centres[0], ((13 * 0.6 + 14 * 0.7 + 15 * 0.9) / 2.2, 20))


def test_of_two_maxima_close_together_one_is_a_part_of_the_other():
    """3 px apart, less than 3.5: one calcification of four pixels. 4 px apart, they are two."""
    assert len(found(drawn((20, 10, 0.8, 0.6, 0.6, 0.9))).scores) == 1
    np.testing.assert_allclose(
        found(drawn((20, 10, 0.8, 0.6, 0.6, 0.9))).diameters_mm, 2 * np.sqrt(0.04 / np.pi), rtol=1e-6
    )
    assert len(found(drawn((20, 10, 0.8, 0.6, 0.6, 0.6, 0.9))).scores) == 2


def test_what_is_not_connected_does_not_belong_to_it():
    """The lower maximum, 3 px away, is dropped; between them lies less than half, so that its pixel is nobody's."""
    one = found(drawn((20, 10, 0.9, 0.2, 0.2, 0.8)))
    assert len(one.scores) == 1
    np.testing.assert_allclose(one.centres, [(10, 20)])


def test_no_calcification_is_larger_than_a_millimetre():
    """A hill that falls by 0.01 a pixel, all of it above half: 81 pixels have their centres within 5 px of its top.

    (11 of the middle row, and above and below it 9, 9, 9, 7 and 1.)
    """
    y, x = np.mgrid[:40, :40]
    one = found((0.9 - 0.01 * np.hypot(y - 20, x - 20)).astype(np.float32))
    np.testing.assert_allclose(one.diameters_mm, 2 * np.sqrt(0.81 / np.pi))
    np.testing.assert_allclose(one.centres, [(20, 20)], atol=1e-6)


def test_a_hole_is_no_part_of_it_but_inside_its_outline():
    """Eight pixels around one of 0.1, less than half of the maximum: a disc of 2 * sqrt(0.08 / pi) mm."""
    values = drawn((19, 10, 0.9, 0.8, 0.7), (20, 10, 0.8, 0.1, 0.65), (21, 10, 0.75, 0.7, 0.62))
    one = found(values)
    np.testing.assert_allclose(one.diameters_mm, 2 * np.sqrt(0.08 / np.pi))
    assert area_and_centroid(one.outlines[0]) == (9, 11, 20)


def test_a_level_top_is_one_maximum():
    level = np.zeros((40, 40), np.float32)
    level[20:26, 10:22] = 1
    assert len(found(level).scores) == 1


def test_best_first_down_to_the_floor():
    values = drawn((5, 5, 0.3), (15, 15, 0.9), (25, 25, 0.1), (35, 35, 0.09))
    assert found(values).scores.tolist() == pytest.approx([0.9, 0.3, 0.1])
    assert found(values, floor=0.95).scores.shape == (0,)
    assert found(values, floor=0.95).outlines == ()


def test_at_the_edge_of_the_image():
    one = found(drawn((0, 0, 0.9, 0.8)))
    np.testing.assert_allclose(one.centres, [(0.8 / 1.7, 0)])
    assert one.outlines[0].min() == -0.5


def test_malignancy_is_the_mean_weighed_by_the_map():
    """(0.4 * 0 + 0.8 * 0.5 + 0.4 * 1) / 1.6 = 0.5; none where nothing is found."""
    malignancy = drawn((20, 10, 0.0, 0.5, 1.0))
    assert found(drawn((20, 10, 0.4, 0.8, 0.4)), malignancy=malignancy).malignancy.tolist() == pytest.approx([0.5])
    assert found(drawn(), malignancy=malignancy).malignancy.shape == (0,)
    assert found(drawn((20, 10, 0.4))).malignancy is None


def test_many_at_once_are_what_each_is_alone():
    """Blurred spots on a grid, labelled by scipy above half of each one's maximum."""
    rng = np.random.default_rng(0)
    spots = np.zeros((600, 600), np.float32)
    spots[10::20, 10::20] = rng.uniform(5, 20, (30, 30))
    values = np.clip(ndimage.gaussian_filter(spots, 1.2), 0, 1)
    together = found(values, floor=0.2)
    assert len(together.scores) == 900
    marks = zip(together.centres, together.diameters_mm, together.scores, together.outlines, strict=True)
    for centre, diameter_mm, score, outline in list(marks)[::9]:
        x, y = np.rint(centre).astype(int)
        cell = values[y - 9 : y + 10, x - 9 : x + 10]
        labels, _ = ndimage.label(cell >= score / 2)
        part = labels == labels[9, 9]
        assert score == cell.max()
        assert diameter_mm == pytest.approx(2 * np.sqrt(part.sum() / np.pi) * SPACING_MM)
        area, *middle = area_and_centroid(outline)
        assert area == part.sum()
        rows, columns = np.nonzero(part)
        assert middle == pytest.approx([columns.mean() + x - 9, rows.mean() + y - 9])
