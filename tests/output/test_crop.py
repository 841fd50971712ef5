from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from microcalc.mammogram import Mammogram
from microcalc.output.crop import Crop, breast_crop, cluster_crop, grey_picture


def test_the_centre_of_the_first_pixel_lies_half_a_pixel_inside_the_picture():
    crop = Crop(box=(10, 20, 30, 60), width=40, height=20, px_per_mm=None)
    assert crop.to_picture(np.array([[10.0, 20.0], [29.5, 59.5]])).tolist() == [[1.0, 0.25], [40.0, 20.0]]


def test_a_crop_contains_its_outer_pixels_to_the_edge():
    crop = Crop(box=(10, 20, 30, 60), width=20, height=40, px_per_mm=None)
    assert crop.contains(9.5, 59.5)
    assert not crop.contains(9.4, 30)
    assert not crop.contains(20, 59.6)


def test_the_breast_has_3_mm_around_it_where_the_image_goes_on(draw):
    crop = breast_crop(draw("L").breast, (0.1, 0.1), 1000)
    assert crop.model_dump() == {"box": (0, 70, 330, 530), "width": 330, "height": 460, "px_per_mm": 10.0}


def test_a_large_breast_is_shrunk_to_fit(draw):
    crop = breast_crop(draw("L").breast, (0.1, 0.1), 230)
    assert (crop.width, crop.height, crop.px_per_mm) == (165, 230, 5.0)


def test_anisotropic_pixels_become_square_without_enlarging_an_axis(draw):
    # 3 mm are 30 rows or 15 columns: 460 rows of 0.1 mm by 315 columns of 0.2 mm, at 0.2 mm.
    crop = breast_crop(draw("L").breast, (0.1, 0.2), 1000)
    assert crop.model_dump() == {"box": (0, 70, 315, 530), "width": 315, "height": 230, "px_per_mm": 5.0}


def test_a_cluster_crop_is_at_least_15_mm_wide_and_enlarged_by_a_power_of_two():
    # 150 px around (200, 300); doubled twice to have 400 pixels or more.
    crop = cluster_crop((195.5, 297.5, 204.5, 302.5), (600, 400), (0.1, 0.1))
    assert crop.model_dump() == {"box": (125, 225, 276, 376), "width": 604, "height": 604, "px_per_mm": 40.0}


def test_a_cluster_at_the_border_keeps_its_surroundings():
    crop = cluster_crop((-0.5, 590.5, 9.5, 599.5), (600, 400), (0.1, 0.1))
    assert crop.box == (0, 450, 150, 600)


def test_a_large_cluster_is_shown_pixel_by_pixel_with_4_mm_around():
    crop = cluster_crop((99.5, 99.5, 599.5, 499.5), (1000, 1000), (0.1, 0.1))
    assert (crop.box, crop.width, crop.height) == ((60, 60, 640, 540), 580, 480)


@pytest.mark.parametrize("size", [(30, 30), (300, 300), (75, 75), (90, 40)])
def test_beside_the_breast_all_is_black_at_every_scale(size):
    mask = np.zeros((90, 90), bool)
    mask[30:60, 30:60] = True
    label = np.where(mask, np.float32(0.5), np.float32(1.0))
    breast = dataclasses.make_dataclass("B", ["mask"])(mask)
    crop = Crop(box=(0, 0, 90, 90), width=size[0], height=size[1], px_per_mm=None)
    picture = grey_picture(Mammogram(label), breast, crop, stretched=False)
    assert picture.shape == (size[1], size[0])
    y, x = np.nonzero(picture)
    # One picture pixel may straddle the edge; what it holds comes from the breast alone.
    assert x.min() >= size[0] // 3 - 1
    assert x.max() <= size[0] * 2 // 3
    assert y.min() >= size[1] // 3 - 1
    assert y.max() <= size[1] * 2 // 3
    assert abs(int(picture[size[1] // 2, size[0] // 2]) - 128) <= 1
    if size[0] <= 90:
        assert picture.max() <= 128


def test_a_crop_is_stretched_to_the_tissue_it_shows():
    pixels = np.full((50, 50), 0.9, np.float32)
    pixels[:, :25] = np.linspace(0.4, 0.6, 25, dtype=np.float32)
    mask = np.zeros((50, 50), bool)
    mask[:, :25] = True
    breast = dataclasses.make_dataclass("B", ["mask"])(mask)
    picture = grey_picture(
        Mammogram(pixels), breast, Crop(box=(0, 0, 50, 50), width=50, height=50, px_per_mm=None), stretched=True
    )
    assert picture[0, 0] == 0
    assert picture[0, 24] == 255
    assert abs(int(picture[0, 12]) - 128) <= 1
