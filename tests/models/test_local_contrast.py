import numpy as np

from microcalc.models.local_contrast import local_contrast

SIDE, PITCH = 192, 0.07


def texture(seed=0):
    return (0.4 + 0.02 * np.random.default_rng(seed).normal(size=(SIDE, SIDE))).astype(np.float32)


ALL = np.ones((SIDE, SIDE), bool)


def test_gain_and_offset_of_a_vendor_change_nothing():
    image = texture()
    seen = local_contrast(image, ALL, PITCH)
    np.testing.assert_allclose(local_contrast(0.5 * image + 0.1, ALL, PITCH), seen, atol=2e-3)
    assert 0.3 < seen.std() < 3


def test_noise_that_changes_across_the_breast_comes_out_even():
    image = texture()
    image[:, SIDE // 2 :] = 0.4 + 3 * (image[:, SIDE // 2 :] - 0.4)
    seen = local_contrast(image, ALL, PITCH)
    # Three times the noise before; after, about half as much again, for the noise is measured over a wide area.
    assert seen[:, -48:].std() / seen[:, :48].std() < 2


def test_a_cluster_does_not_normalise_itself_away():
    image = texture()
    rng = np.random.default_rng(1)
    marked = image.copy()
    for y, x in rng.integers(70, 120, (20, 2)):
        marked[y - 1 : y + 2, x - 1 : x + 2] += 0.3
    plain, seen = (local_contrast(one, ALL, PITCH) for one in (image, marked))
    # Far from the cluster nothing is seen of it but a noise that is a little larger.
    assert seen[:32, :32].std() / plain[:32, :32].std() > 0.8
    assert seen[70:120, 70:120].max() > 1.8


def test_what_is_off_the_breast_has_no_say_and_is_nothing():
    image, breast = texture(), ALL.copy()
    breast[:, 150:] = False
    other = image.copy()
    other[:, 150:] = 0.0
    seen = local_contrast(image, breast, PITCH)
    np.testing.assert_allclose(local_contrast(other, breast, PITCH), seen, atol=1e-5)
    assert not seen[:, 150:].any()
    # No step at the skin: the mean beside it is that of the breast alone.
    assert abs(seen[:, 140:150].mean()) < 0.3


def test_a_blank_image_and_an_empty_breast_are_zeros():
    blank = np.full((64, 48), 0.5, np.float32)
    assert not np.abs(local_contrast(blank, np.ones((64, 48), bool), PITCH)).max() > 0.5
    assert not local_contrast(blank, np.zeros((64, 48), bool), PITCH).any()
