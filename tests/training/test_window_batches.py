import pickle

import numpy as np
import pytest
import torch

from microcalc.errors import ReadError
from microcalc.recipe.fitting import Augmentation, Operation
from microcalc.recipe.segmenter import Windows
from microcalc.training.draws import Drawn
from microcalc.training.window_batches import SPECK_PX, WindowBatches, _Told, batches, prepared

SIDE = 32


class Noise:
    """Noise with a speck of 4 px in the corner of every window; right of column 24 there is no breast."""

    def draw(self, rng, n, *, size_px, positive_share):
        pixels = rng.random((n, size_px, size_px), np.float32)
        target = np.zeros((n, size_px, size_px), np.int8)
        target[:, 4:6, 8:10] = 1
        target[:, 20:22, 4] = -1
        breast = np.ones((n, size_px, size_px), bool)
        breast[:, :, 24:] = False
        return Drawn(pixels, breast, target, np.full(n, 0.07))


class Damaged:
    """Windows that cannot be read."""

    def draw(self, rng, n, *, size_px, positive_share):
        raise ReadError(expected="a view of a bank", found="a damaged file", do="make it anew", where="bank")


WINDOWS = Windows(size_px=SIDE, batch=2, positive_share=0.5, spacing_mm=(0.07, 0.07))


def drawn():
    return Noise().draw(np.random.default_rng(0), 2, size_px=SIDE, positive_share=1.0)


def test_the_rim_of_calcium_is_not_asked_about_and_every_speck_weighs_the_same():
    batch = prepared(drawn(), Augmentation(), torch.Generator())
    target, weights = batch["target"][0, 0], batch["weights"][0, 0]
    assert (target[4:6, 8:10] == 1).all()
    assert (target[3:7, 7:11] == -1).sum() == 12  # the 4 x 4 px around the 2 x 2
    assert (target[20:22, 4] == -1).all()
    assert weights.sum() == pytest.approx(SPECK_PX)
    assert weights[4, 8] == pytest.approx(SPECK_PX / 4)
    assert not batch["images"][0, 0, :, 24:].any()


def test_target_and_breast_go_where_the_pixels_go():
    flip = Augmentation(operations=(Operation(name="horizontal-flip"),))
    batch, plain = (prepared(drawn(), how, torch.Generator()) for how in (flip, Augmentation()))
    for name in ("images", "target", "weights"):
        torch.testing.assert_close(batch[name], plain[name].flip(-1), atol=1e-3, rtol=0)


def test_a_batch_follows_from_seed_and_step_alone():
    noise = Augmentation(operations=(Operation(name="noise", low=0.0, high=0.5),))
    whole = list(batches(WindowBatches(Noise(), WINDOWS, noise, 3, first=0, steps=4), workers=0))
    rest = list(batches(WindowBatches(Noise(), WINDOWS, noise, 3, first=2, steps=4), workers=0))
    assert (len(whole), len(rest)) == (4, 2)
    assert torch.equal(whole[2]["images"], rest[0]["images"])
    assert not torch.equal(whole[0]["images"], whole[1]["images"])


def test_an_error_of_the_source_comes_out_as_it_is():
    data = WindowBatches(Damaged(), WINDOWS, Augmentation(), 3, first=0, steps=4)
    with pytest.raises(ReadError, match="bank: expected a view of a bank, found a damaged file; make it anew"):
        next(batches(data, workers=0))
    assert isinstance(pickle.loads(pickle.dumps(_Told(data)[0])), ReadError)  # as a worker sends it


def test_no_process_is_started_for_no_step():
    data = WindowBatches(Noise(), WINDOWS, Augmentation(), 3, first=4, steps=4)
    assert list(batches(data, workers=7)) == []
