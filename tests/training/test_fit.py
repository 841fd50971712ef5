"""A network is fitted, interrupted in every way there is, and goes on as if nothing had been."""

import dataclasses
import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.multiprocessing.spawn import ProcessExitedException

from microcalc.errors import MicrocalcError, ReadError, UsageError
from microcalc.models.normalise import prepare
from microcalc.patches.store import WHITE
from microcalc.training import fit as room
from microcalc.training import tasks
from microcalc.training.checkpoints import BEST, LAST, Checkpoint
from microcalc.training.devices import Devices
from microcalc.training.fit import check, fit, predict
from microcalc.training.parts import open_parts

SCRIPT = Path(__file__).with_name("tiny_fit.py")
_spec = importlib.util.spec_from_file_location("tiny_fit", SCRIPT)
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch):
    monkeypatch.setattr(tasks, "build", tiny.network)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return open_parts(tiny.job(tmp_path_factory.mktemp("patches")))


@pytest.fixture(scope="module")
def whole(parts, tmp_path_factory):
    """(fitted, folder, what was told) of a run that nothing has interrupted."""
    out, told = tmp_path_factory.mktemp("whole"), []
    threads, build = torch.get_num_threads(), tasks.build
    torch.set_num_threads(1)
    tasks.build = tiny.network
    fitted = fit(tiny.job(out, on_step=lambda *step: told.append(step)), parts)
    torch.set_num_threads(threads)
    tasks.build = build
    return fitted, out, told


def curve(out):
    """history.json but for what the clock says."""
    history = json.loads((out / "work" / "history.json").read_text())
    for row in history["epochs"]:
        del row["seconds"], row["waiting"]
    return history


def logged_epochs(out):
    """The steps of the validation loss in each of the logs."""
    lines = (out / "logs" / "csv" / "metrics.csv").read_text().splitlines()
    column = lines[0].split(",").index("step")
    events = EventAccumulator(str(out / "logs" / "tensorboard")).Reload()
    return [int(line.split(",")[column]) for line in lines[1:]], [one.step for one in events.Scalars("validation_loss")]


def interrupt_after(epoch):
    def on_step(step, done, epochs):
        if done == epoch:
            raise KeyboardInterrupt

    return on_step


def test_a_fit_leaves_the_best_epoch_and_its_history(whole):
    fitted, out, told = whole
    assert [row.epoch for row in fitted.history] == [1, 2, 3, 4, 5]
    assert fitted.stopped == "all 5 epochs done"
    losses = [row.validation_loss for row in fitted.history]
    assert fitted.kept == 1 + int(np.argmin(losses))
    assert [(step.name, done, epochs) for step, done, epochs in told][-1] == ("epoch 5", 5, 5)
    assert (curve(out)["kept"], curve(out)["stopped"]) == (fitted.kept, fitted.stopped)
    assert 0 <= fitted.waiting <= 1
    kept = load_file(out / "work" / BEST)
    assert all(torch.equal(kept[name], value) for name, value in fitted.module.state_dict().items())
    assert not fitted.module.training
    assert logged_epochs(out) == ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])
    assert str(out) not in (out / "logs" / "csv" / "hparams.yaml").read_text()


def test_the_learning_rate_falls_where_the_loss_did_not(whole):
    rows = whole[0].history
    lowest = np.minimum.accumulate([row.validation_loss for row in rows])
    for before, row in enumerate(rows[1:]):  # by half after each epoch that brought no lower loss
        fell = before > 0 and rows[before].validation_loss >= lowest[before - 1]
        assert row.learning_rate == pytest.approx(rows[before].learning_rate * (0.5 if fell else 1))


def test_killed_in_the_third_epoch_and_resumed_the_curve_is_the_same(whole, parts, tmp_path):
    killed = subprocess.run(
        [sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, timeout=300, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(curve(tmp_path)["epochs"]) == 2
    fitted = fit(tiny.job(tmp_path, resume=True), parts)
    assert curve(tmp_path) == curve(whole[1])
    same = zip(fitted.module.state_dict().values(), whole[0].module.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in same)
    assert logged_epochs(tmp_path) == ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])
    assert not list(tmp_path.rglob("*.part"))


def test_ctrl_c_is_passed_on_and_leaves_what_is_done(whole, parts, tmp_path):
    handler, state = signal.getsignal(signal.SIGINT), torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        fit(tiny.job(tmp_path, on_step=interrupt_after(1)), parts)
    assert signal.getsignal(signal.SIGINT) is handler
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.are_deterministic_algorithms_enabled()
    fit(tiny.job(tmp_path, resume=True), parts)
    assert curve(tmp_path) == curve(whole[1])


def test_a_complete_run_is_not_trained_again(whole, parts, monkeypatch):
    fitted, out, _ = whole
    monkeypatch.setattr(room, "_train", lambda *_: pytest.fail("trained again"))
    before = curve(out)
    (out / "work" / "history.json").unlink()  # as where a kill came between the last checkpoint and this
    again = fit(tiny.job(out, resume=True), parts)
    assert (again.history, again.kept, again.stopped, again.start) == (
        fitted.history,
        fitted.kept,
        fitted.stopped,
        fitted.start,
    )
    assert curve(out) == before


def test_another_seed_gives_another_curve(whole, parts, tmp_path):
    of = tiny.recipe(fitting={"stopping": {"epochs": 1}})
    fit(dataclasses.replace(tiny.job(tmp_path, of), seed=10**20), parts)  # torch takes none as large
    assert curve(tmp_path)["epochs"][0] != curve(whole[1])["epochs"][0]


def test_it_ends_early_without_a_gain(parts, tmp_path):
    # No loss lies 10 below the first one's, so the second epoch is the first without a gain.
    of = tiny.recipe(fitting={"stopping": {"patience": 1, "min_delta": 10.0, "keep": "last"}})
    fitted = fit(tiny.job(tmp_path, of), parts)
    assert (len(fitted.history), fitted.kept) == (2, 2)
    assert fitted.stopped == "no lower validation loss in 1 epochs"


def test_frozen_layers_keep_their_weights_and_moments(parts, tmp_path):
    of = tiny.recipe(network={"frozen_through": "1"}, fitting={"stopping": {"epochs": 1}})
    fitted = fit(tiny.job(tmp_path, of), parts)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        start = tiny.network().state_dict()
    same = {name: torch.equal(value, start[name]) for name, value in fitted.module.state_dict().items()}
    assert same == {name: not name.startswith("6.") for name in same}  # 6 is the linear layer, after 0 and 1


def test_a_loss_that_is_no_number_ends_it_and_the_epochs_before_stay(whole, parts, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("microcalc.training.module.learning_rate", lambda fitting, losses: 1e38 if losses else 0.01)
        with pytest.raises(MicrocalcError, match=r"of epoch 2, at learning rate 1e\+38.*learning_rate=1e\+37.*kept"):
            fit(tiny.job(tmp_path), parts)
    assert [row["epoch"] for row in Checkpoint.read(tmp_path / "work" / LAST).rows] == [1]
    fit(tiny.job(tmp_path, resume=True), parts)
    assert curve(tmp_path) == curve(whole[1])


def test_mixed_precision_gives_about_the_same_and_keeps_whole_weights(whole, parts, tmp_path):
    of = tiny.recipe(fitting={"precision": "bf16", "stopping": {"epochs": 1}})
    fitted = fit(tiny.job(tmp_path, of), parts)
    row, exact = fitted.history[0], whole[0].history[0]
    assert row.validation_loss != exact.validation_loss
    assert row.validation_loss == pytest.approx(exact.validation_loss, rel=0.05)
    assert all(value.dtype == torch.float32 for value in fitted.module.parameters())


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"loggers": ("excel",)}, UsageError, "csv, tensorboard, mlflow"),
        ({"gpus": 1000}, UsageError, "1000 GPUs"),
        ({"init": Path("none.pth")}, ReadError, "a file of weights"),
    ],
)
def test_a_job_is_checked_before_there_are_patches(tmp_path, asked, error, message):
    with pytest.raises(error, match=message):
        check(tiny.job(tmp_path, **asked))
    assert not list(tmp_path.iterdir())


class Hungry(nn.Sequential):
    """Has memory for three patches at a time."""

    def forward(self, patches):
        if len(patches) > 3 and self.training:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(patches)


def test_out_of_memory_names_the_batch_that_fits_and_it_does(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "build", lambda spec, outputs, patch: Hungry(*tiny.network(spec, outputs)))
    of = tiny.recipe(fitting={"stopping": {"epochs": 1}})
    # Of 8 patches, halved: 4 do not fit, 2 do; 8 in parts of 2 are 4 parts.
    with pytest.raises(MicrocalcError, match=r"for 8 patches.*for 2; .*accumulate=4, .*batch=2$"):
        fit(tiny.job(tmp_path, of), parts)
    fitted = fit(tiny.job(tmp_path, tiny.recipe(fitting={"accumulate": 4, "stopping": {"epochs": 1}})), parts)
    assert len(fitted.history) == 1


def test_a_checkpoint_of_another_network_is_refused(parts, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        fit(tiny.job(tmp_path, on_step=interrupt_after(1)), parts)
    monkeypatch.setattr(
        tasks, "build", lambda spec, outputs, patch: nn.Sequential(nn.Flatten(), nn.Linear(256, outputs))
    )
    of = tiny.recipe(network={"name": "resnet18", "stages": None})
    with pytest.raises(UsageError, match=r"a checkpoint of resnet18.*found one of scalable_resnet"):
        fit(tiny.job(tmp_path, of, resume=True), parts)


def test_a_damaged_checkpoint_is_an_error_and_a_fresh_run_removes_it(parts, tmp_path):
    last = tmp_path / "work" / LAST
    last.parent.mkdir(parents=True)
    last.write_bytes(b"half a file")
    with pytest.raises(ReadError, match="without --resume"):
        fit(tiny.job(tmp_path, resume=True), parts)
    with pytest.raises(KeyboardInterrupt):
        fit(tiny.job(tmp_path, on_step=interrupt_after(1)), parts)
    assert len(Checkpoint.read(last).rows) == 1


def test_a_process_that_is_killed_is_told_of(parts, tmp_path, monkeypatch):
    def dies(*_):
        said = "process 1 terminated with signal SIGKILL"
        raise ProcessExitedException(said, error_index=1, error_pid=9, exit_code=-9, signal_name="SIGKILL")

    monkeypatch.setattr(room.lightning.Trainer, "fit", dies)
    with pytest.raises(MicrocalcError, match=r"found process 1 terminated with signal SIGKILL; .*--resume"):
        fit(tiny.job(tmp_path), parts)


def test_predictions_come_in_the_order_of_the_part(whole, parts):
    module, recipe, part = whole[0].module, tiny.recipe(), parts.validation
    pixels = part.store.pixels(part.indices) / np.float32(WHITE)
    with torch.inference_mode():
        expected = module(torch.from_numpy(prepare(pixels, recipe.input, 1))).numpy()
    assert len(part) > recipe.fitting.batch
    np.testing.assert_allclose(predict(module, part, recipe, device="cpu"), expected, atol=1e-5)


@pytest.mark.slow
def test_two_processes_do_what_one_does(parts, tmp_path, monkeypatch):
    """Without dropout, batch norm and augmentation, halves of a batch give the gradient of the whole."""
    monkeypatch.setattr(
        tasks,
        "build",
        lambda spec, outputs, patch: nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, outputs)
        ),
    )
    of = tiny.recipe(fitting={"loss": {"weights": None}, "augmentation": {"operations": []}, "stopping": {"epochs": 2}})
    one = fit(tiny.job(tmp_path / "one", of), parts)
    two = Devices("cpu", 2, "ddp_spawn", "32-true", torch.device("cpu"))
    monkeypatch.setattr(room, "choose", lambda *_: two)
    told = []
    both = fit(tiny.job(tmp_path / "two", of, on_step=lambda *step: told.append(step)), parts)
    for row, other in zip(one.history, both.history, strict=True):
        assert row.train_loss == pytest.approx(other.train_loss, rel=1e-4)
        assert row.validation_loss == pytest.approx(other.validation_loss, rel=1e-4)
    assert [done for _, done, _ in told] == [1, 2]
    assert logged_epochs(tmp_path / "two") == ([1, 2], [1, 2])
