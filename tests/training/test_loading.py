import pickle
import time

import numpy as np
import pytest
import torch

from microcalc.patches.store import WHITE
from microcalc.recipe import load_recipe
from microcalc.recipe.fitting import Sampling
from microcalc.training.loading import PatchBatches, WaitMeter, as_float, loader
from microcalc.training.parts import share_out
from microcalc.training.sampling import Draw, EpochSampler, in_order
from microcalc.training.smoke_patches import write_smoke_store


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("mracko2024-resnet101").smoke().with_changes({"input": {"size_px": 16}})


@pytest.fixture(scope="module")
def part(recipe, tmp_path_factory):
    return share_out(write_smoke_store(tmp_path_factory.mktemp("store"), recipe, 0), recipe, 0).validation


def test_batches_are_what_the_store_holds(part):
    batches = list(loader(part, in_order(part, 10)))
    assert [len(batch["classes"]) for batch in batches] == [10, 10, 10, 2]
    pixels, classes, indices = (
        torch.cat([batch[name] for batch in batches]) for name in ("pixels", "classes", "indices")
    )
    assert (pixels.shape, pixels.dtype) == ((32, 1, 16, 16), torch.uint16)
    assert np.array_equal(pixels[:, 0].numpy(), part.store.pixels(part.indices))
    assert classes.tolist() == part.classes.tolist()
    assert indices.tolist() == list(range(32))
    assert "masks" not in batches[0]


def test_pixels_become_grey_levels(part):
    stored = torch.tensor([0, 32768, 65535], dtype=torch.int32).to(torch.uint16)
    assert as_float(stored).tolist() == pytest.approx([0, 32768 / 65535, 1])
    assert WHITE == 65535


def test_patches_are_turned_anticlockwise_by_their_quarter_turns(part):
    draw = Draw(np.array([3, 3, 3, 3, 5]), np.array([0, 1, 2, 3, 1]))
    pixels = PatchBatches(part)[draw]["pixels"][:, 0].numpy()
    third, fifth = part.store.pixels(part.indices[[3, 5]])
    # Turned anticlockwise, the last column comes to the top, read downwards.
    assert np.array_equal(pixels[1][0], third[:, -1])
    assert np.array_equal(pixels[4][0], fifth[:, -1])
    assert np.array_equal(pixels[2], third[::-1, ::-1])
    assert np.array_equal(pixels[3][0], third[::-1, 0])
    assert np.array_equal(pixels[0], third)
    assert np.array_equal(part.store.pixels(part.indices[[3]])[0], third)  # the store itself is as it was


def test_masks_go_with_their_patches(recipe, tmp_path):
    store = write_smoke_store(tmp_path, recipe.model_copy(update={"patches": _terrassin(recipe)}), 0)
    part = share_out(store, recipe.model_copy(update={"patches": _terrassin(recipe)}), 0).train
    draw = Draw(np.arange(len(part)), np.full(len(part), 1))
    batch = PatchBatches(part, masks=True)[draw]
    assert "masks" not in PatchBatches(part)[draw]
    assert (batch["masks"].shape, batch["masks"].dtype) == ((48, 2, 16, 16), torch.bool)
    outlined = batch["masks"].any(1)
    specks = as_float(batch["pixels"])[:, 0][outlined]
    assert specks.min() > 0.5  # 0.8 +- 0.05; noise is 0.4 +- 0.05


def _terrassin(recipe):
    first, second = recipe.patches.classes
    return recipe.patches.model_copy(
        update={
            "protocol": "terrassin512",
            "classes": (
                first.model_copy(update={"labels": ("normal",)}),
                second.model_copy(update={"labels": ("benign", "malignant")}),
            ),
        }
    )


def test_workers_give_what_the_caller_itself_would_read(part):
    sampler = EpochSampler(part, Sampling(turned_but=()), 24, 7)
    alone, with_workers = loader(part, sampler), loader(part, sampler, workers=1)
    for epoch in (0, 4):  # workers stay from one epoch to the next, and follow it
        sampler.epoch = epoch
        for one, other in zip(alone, with_workers, strict=True):
            assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_workers_get_may_be_pickled(part):
    batches = pickle.loads(pickle.dumps(PatchBatches(part)))
    draw = in_order(part, 5)[1]
    assert torch.equal(batches[draw]["pixels"], PatchBatches(part)[draw]["pixels"])


def test_the_share_of_time_spent_waiting(part, monkeypatch):
    clock = iter([100.0, 100.0, 103.0, 104.0, 105.0, 105.5, 106.0])
    meter = WaitMeter(loader(part, in_order(part, 16)))
    assert np.isnan(meter.share)
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    # Begun at 100; asked at 100, 104 and 105.5, given at 103, 105 and (the end) 106: waited 3 + 1 + 0.5 of 6 seconds.
    assert len(list(meter)) == len(meter) == 2
    assert meter.share == pytest.approx(4.5 / 6)


def test_each_epoch_is_measured_for_itself(part):
    meter = WaitMeter(loader(part, in_order(part, 16)))
    for _ in meter:
        time.sleep(0.02)
    slow = meter.share
    list(meter)
    assert 0 < slow < meter.share <= 1
