import cv2
import numpy as np
import pytest

from microcalc.synthesis.phantom import FAT, GLAND, Phantom, Tissue

SMALL = {"shape": (900, 640), "spacing_mm": 0.1}


def render(density: str = "B", side: str = "L", view: str = "CC", seed: int = 1) -> Tissue:
    return Phantom(view, side, seed, density, **SMALL).render()


def beyond_fat(tissue: Tissue) -> np.ndarray:
    """ln attenuation above that of fat alone, well under the skin."""
    return (tissue.attenuation - FAT * tissue.thickness)[tissue.skin_distance > 8]


def test_equal_phantoms_are_equal_tissue_and_sides_and_seeds_differ():
    first = render()
    for field in ("attenuation", "thickness", "skin_distance"):
        np.testing.assert_array_equal(getattr(render(), field), getattr(first, field))
    for other in (render(side="R"), render(seed=2)):
        assert not np.array_equal(other.attenuation, first.attenuation)


def test_images_are_of_the_field_and_empty_outside_the_breast():
    tissue = render(view="MLO")
    assert tissue.attenuation.shape == tissue.thickness.shape == tissue.skin_distance.shape == SMALL["shape"]
    assert tissue.attenuation.dtype == np.float32
    outside = tissue.skin_distance < -0.5
    assert outside.any()
    assert np.abs(tissue.attenuation[outside]).max() == 0


def test_denser_breasts_attenuate_more():
    means = [np.mean([beyond_fat(render(density, seed=seed)).mean() for seed in range(3)]) for density in "ABCD"]
    assert means == sorted(means)
    assert means[3] > 1.25 * means[0]


@pytest.mark.parametrize(("density", "share"), [("A", 0.23), ("B", 0.28), ("C", 0.34), ("D", 0.42)])
def test_gland_takes_the_share_of_the_volume_that_the_docs_state(density: str, share: float):
    shares = []
    for seed in range(4):
        tissue = Phantom("CC", "L", seed, density, shape=(900, 640), spacing_mm=0.25).render()
        under_skin = tissue.skin_distance > 5
        gland = (tissue.attenuation - FAT * tissue.thickness)[under_skin].sum() / (GLAND - FAT)
        shares.append(gland / tissue.thickness[under_skin].sum())
    assert np.mean(shares) == pytest.approx(share, abs=0.015)


def test_nothing_attenuates_less_than_fat():
    for density in "AD":
        assert beyond_fat(render(density)).min() > -1e-4


def test_texture_is_bright_septa_on_dark_fat():
    tissue = render("A")
    contrast = tissue.attenuation - FAT * tissue.thickness
    fine = (cv2.GaussianBlur(contrast, (0, 0), 2) - cv2.GaussianBlur(contrast, (0, 0), 4))[tissue.skin_distance > 8]
    skew = ((fine - fine.mean()) ** 3).mean() / fine.std() ** 3
    assert skew > 0.3  # a Gaussian field has none; real fat 0.4 to 0.6


@pytest.mark.parametrize("optimised", [True, False])
def test_vendor_code_of_opencv_changes_nothing(optimised: bool):
    usual = render().attenuation
    before = cv2.ipp.useIPP()
    cv2.ipp.setUseIPP(optimised)
    try:
        np.testing.assert_array_equal(render().attenuation, usual)
        assert cv2.ipp.useIPP() is optimised or not before
    finally:
        cv2.ipp.setUseIPP(before)
