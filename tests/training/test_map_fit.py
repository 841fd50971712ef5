import numpy as np
import pytest
import torch

from microcalc.errors import MicrocalcError, ReadError
from microcalc.models.speck_net import SpeckNet
from microcalc.recipe.fitting import Augmentation, Optimiser
from microcalc.recipe.segmenter import MapFitting, Windows
from microcalc.training.draws import Drawn
from microcalc.training.map_fit import fit_maps
from microcalc.training.window_batches import WindowBatches

SIDE, STEPS = 32, 40
WINDOWS = Windows(size_px=SIDE, batch=4, positive_share=0.5, spacing_mm=(0.07, 0.07))


class Specks:
    """Noise with a bright speck somewhere in half of the windows."""

    def draw(self, rng, n, *, size_px, positive_share):
        pixels = (0.4 + 0.05 * rng.normal(size=(n, size_px, size_px))).astype(np.float32)
        target = np.zeros(pixels.shape, np.int8)
        for window in range(round(positive_share * n)):
            y, x = rng.integers(4, size_px - 6, 2)
            target[window, y : y + 2, x : x + 2] = 1
        pixels[target == 1] += 0.4
        return Drawn(pixels, np.ones(pixels.shape, bool), target, np.full(n, 0.07))


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def fitting(steps=STEPS, rate=0.02):
    return MapFitting(
        steps=steps,
        optimiser=Optimiser(kind="adamw", learning_rate=rate),
        warm_up=0.1,
        focal=2.0,
        average=0.9,
        checkpoint_every=10,
    )


def fit(folder, how, told=None, data_steps=None):
    torch.manual_seed(0)
    network = SpeckNet((6, 8), (1, 1))

    def data(first):
        return WindowBatches(Specks(), WINDOWS, Augmentation(), 5, first=first, steps=data_steps or how.steps)

    return fit_maps(network, data, how, folder / "last.ckpt", device=torch.device("cpu"), workers=0, on_steps=told)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    torch.set_num_threads(1)
    told = []
    return fit(tmp_path_factory.mktemp("fit"), fitting(), lambda *what: told.append(what)), told


def test_it_learns_specks_from_noise(fitted):
    result, told = fitted
    assert [step for step, _ in told] == [10, 20, 30, 40]
    assert result.losses[-1] < 0.5 * result.losses[0]
    windows = WindowBatches(Specks(), WINDOWS, Augmentation(), 1234, first=0, steps=2)[0]
    with torch.inference_mode():
        scores = result.module(windows["images"])
    calcium, none = scores[windows["target"] == 1], scores[windows["target"] == 0]
    assert (calcium > none.quantile(0.99)).float().mean() > 0.8
    assert not result.module.training


def test_stopped_half_way_it_goes_on_to_the_same_weights(fitted, tmp_path):
    whole, _ = fitted
    how = fitting()
    fit(tmp_path, how, data_steps=25)  # the data end early, as if the run had been killed between checkpoints
    resumed = fit(tmp_path, how)
    for name, value in whole.module.state_dict().items():
        assert torch.equal(resumed.module.state_dict()[name], value), name
    assert resumed.losses == whole.losses
    again = fit(tmp_path, how)  # nothing is left to do
    assert (again.losses, again.seconds) == (resumed.losses, resumed.seconds)


def test_a_loss_that_is_no_number_ends_it(tmp_path):
    with pytest.raises(MicrocalcError, match="finite loss"):
        fit(tmp_path, fitting(rate=1e30))


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "last.ckpt").write_bytes(b"nothing")
    with pytest.raises(ReadError, match=r"last\.ckpt"):
        fit(tmp_path, fitting())
