import numpy as np
import pytest

from microcalc.synthesis.stamp import Stamp, apply_stamps


def stamp(values: list[list[float]], stage: str, row: int = 2, column: int = 3) -> Stamp:
    return Stamp("mark", row, column, np.array(values, np.float32), stage)


def test_attenuation_adds_up():
    image = np.ones((5, 6), np.float32)
    apply_stamps(image, [stamp([[0.5, 0.25]], "attenuation")] * 2, "attenuation")
    assert image[2, 3:5] == pytest.approx([2, 1.5])
    assert image.sum() == pytest.approx(30 + 1.5)


def test_grey_moves_a_share_of_the_way_to_white_or_black():
    image = np.full((5, 6), 100, np.uint16)
    apply_stamps(image, [stamp([[1, 0.5, 0], [-1, -0.5, 0]], "grey")], "grey", white=300)
    assert image[2:4, 3:].tolist() == [[300, 200, 100], [0, 50, 100]]


def test_stamps_of_the_other_stage_are_passed_over():
    image = np.zeros((5, 6), np.float32)
    apply_stamps(image, [stamp([[1]], "grey")], "attenuation")
    assert not image.any()


@pytest.mark.parametrize(("row", "column"), [(-3, -2), (2, 3), (8, 10), (40, 40)])
def test_a_window_gets_its_part_of_what_the_whole_view_gets(row: int, column: int):
    stamps = [
        stamp(np.arange(24).reshape(4, 6) / 24, "grey", row, column),
        Stamp("line", 0, 5, np.broadcast_to(np.float32(-0.5), (12, 1)), "grey"),
    ]
    whole = np.full((12, 14), 1000, np.uint16)
    window = whole[3:9, 4:12].copy()
    apply_stamps(whole, stamps, "grey", white=4095)
    apply_stamps(window, stamps, "grey", row=3, column=4, white=4095)
    assert np.array_equal(window, whole[3:9, 4:12])
