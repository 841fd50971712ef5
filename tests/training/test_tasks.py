"""What networks are asked for: UNet 3+ of few filters, on patches of 32 px."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from microcalc.errors import UsageError
from microcalc.recipe import load_recipe
from microcalc.training import module as room
from microcalc.training.fit import fit, predict
from microcalc.training.job import Compute, Job
from microcalc.training.multi_task_loss import multi_task_losses
from microcalc.training.parts import open_parts
from microcalc.training.tasks import Asked, OfClass, OfClassAndOutline, task_of


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def recipe(name="terrassin2024-mutmus-unet3plus"):
    changes = {"input": {"size_px": 32}, "fitting": {"batch": 4, "stopping": {"epochs": 2}, "sampling": {"batches": 2}}}
    return load_recipe(name).smoke().with_changes(changes)


def job(out, of, **changes):
    made = Job(of, None, None, "smoke", True, True, out, 3, None, False, None, Compute(device="cpu", loggers=()))
    return dataclasses.replace(made, **changes)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return open_parts(job(tmp_path_factory.mktemp("patches"), recipe()))


def asked(count=3):
    generator = torch.Generator().manual_seed(0)
    patches = torch.rand(count, 1, 32, 32, generator=generator)
    masks = torch.zeros(count, 2, 32, 32, dtype=torch.bool)
    masks[1, 0, 4, 4] = masks[2, 1, 5:7, 5:7] = True
    return Asked(patches, torch.arange(count) % 3, masks)


def test_a_kind_of_recipe_has_its_task():
    assert isinstance(task_of(load_recipe("terrassin2024-resnet22")), OfClass)
    assert task_of(load_recipe("terrassin2024-resnet22")).outlined == 0
    assert isinstance(task_of(recipe()), OfClassAndOutline)
    assert task_of(recipe()).outlined == 2
    assert task_of(recipe("terrassin2024-motmus-unet3plus")).outlined == 0


def test_a_batch_in_parts_keeps_patches_classes_and_masks_together():
    whole = asked(5)
    parts = whole.parts(2)
    assert [len(part.patches) for part in parts] == [3, 2]
    assert torch.equal(parts[1].patches, whole.patches[3:])
    assert torch.equal(parts[1].masks, whole.masks[3:])
    assert parts[1].classes.tolist() == [0, 1]
    assert [part.masks for part in Asked(whole.patches, whole.classes).parts(2)] == [None, None]


def test_every_scale_is_judged_and_the_finest_answers():
    task = task_of(recipe())
    network, batch = task.make().eval(), asked()
    with torch.inference_mode():
        logits, losses = task.judge(network, batch)
        answers = network.scales(batch.patches)
        expected = multi_task_losses(task.recipe.fitting.loss, answers, batch.classes, batch.masks)
        assert torch.equal(task.classes(network, batch.patches), answers[0].classes)
    assert len(answers) == 5  # four levels of the decoder and the bottleneck
    np.testing.assert_allclose(losses, (expected.classes + expected.maps) / 2, rtol=1e-5)
    np.testing.assert_allclose(logits, answers[0].classes, rtol=1e-5)


def test_one_task_is_judged_without_masks():
    task = task_of(recipe("terrassin2024-motmus-unet3plus"))
    network, batch = task.make().eval(), asked()._replace(masks=None)
    with torch.inference_mode():
        logits, losses = task.judge(network, batch)
        assert torch.equal(task.classes(network, batch.patches), logits)
    assert losses.shape == (3,)


def test_weights_of_a_file_are_those_of_the_very_same_network(tmp_path):
    task = task_of(recipe())
    first, second = task.make(), task.make()
    save_file({name: tensor.contiguous() for name, tensor in first.state_dict().items()}, tmp_path / "w.safetensors")
    assert task.start(second, tmp_path / "w.safetensors") == "weights of w.safetensors"
    assert all(torch.equal(first.state_dict()[name], value) for name, value in second.state_dict().items())
    other = task_of(recipe("terrassin2024-motmus-unet3plus"))
    with pytest.raises(UsageError, match="expected weights of UNet 3"):
        other.start(other.make(), tmp_path / "w.safetensors")
    assert task.start(second, None) == "random weights"


class Watching(OfClassAndOutline):
    """Sees to it that masks lie where the specks of the drawn patches do, 0.4 brighter than the rest."""

    seen = 0

    def judge(self, module, batch):
        for patch, masks in zip(batch.patches[:, 0], batch.masks, strict=True):
            calcium = masks.any(0)
            if calcium.any():
                Watching.seen += 1
                assert patch[calcium].mean() > patch[~calcium].mean() + 0.3
        return super().judge(module, batch)


def test_masks_move_with_their_patches(parts, tmp_path, monkeypatch):
    flips = [{"name": name, "probability": 0.5} for name in ("vertical-flip", "horizontal-flip", "transpose")]
    changes = {"augmentation": {"operations": flips, "then_one_of": []}, "stopping": {"epochs": 1}}
    of = recipe().with_changes({"fitting": changes})
    monkeypatch.setattr(room, "task_of", Watching)
    fit(job(tmp_path, of), parts)
    assert Watching.seen > 32  # those of the validation part that hold specks, each looked at once, and others


def test_an_interrupted_fit_goes_on_as_if_it_had_not_been(parts, tmp_path):
    whole = fit(job(tmp_path / "whole", recipe()), parts)

    def interrupt(step, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(job(tmp_path / "parts", recipe(), on_step=interrupt), parts)
    again = fit(job(tmp_path / "parts", recipe(), resume=True), parts)
    losses = [[(row.train_loss, row.validation_loss) for row in one.history] for one in (whole, again)]
    assert losses[0] == losses[1]
    assert (whole.patches, whole.network) == (2 * 2 * 4, "UNet 3+")
    np.testing.assert_array_equal(*(predict(one.module, parts.test, recipe(), device="cpu") for one in (whole, again)))
