import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.errors import ReadError
from microcalc.recipe import Fitting
from microcalc.recipe.fitting import Stopping
from microcalc.training.history import EpochRow, History, kept_epoch, learning_rate, stop_reason

losses = st.lists(st.floats(0, 1, width=16), max_size=12)


def fitting(schedule, epochs=12):
    return Fitting.model_validate(
        {
            "loss": {"kind": "cross-entropy"},
            "optimiser": {"kind": "adam", "learning_rate": 0.1},
            "schedule": schedule,
            "batch": 1,
            "stopping": {"epochs": epochs, "keep": "last"},
        }
    )


def row(epoch, accuracy=0.5, loss=1.0, auc=0.5):
    return EpochRow(
        epoch=epoch,
        train_loss=1.0,
        validation_loss=loss,
        train_accuracy=0.5,
        validation_accuracy=accuracy,
        validation_auc=auc,
        learning_rate=0.1,
        seconds=1.0,
        waiting=0.0,
    )


def torch_rate(make, losses):
    """The rate after these losses by one of torch's own schedulers."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = make(optimiser)
    for loss in losses:
        optimiser.step()
        scheduler.step(*([loss] if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau) else []))
    return optimiser.param_groups[0]["lr"]


SCHEDULES = {
    "constant": ({"kind": "constant"}, lambda of: torch.optim.lr_scheduler.ConstantLR(of, factor=1.0)),
    "step": ({"kind": "step", "epochs": 3, "factor": 0.1}, lambda of: torch.optim.lr_scheduler.StepLR(of, 3, 0.1)),
    "cosine": ({"kind": "cosine"}, lambda of: torch.optim.lr_scheduler.CosineAnnealingLR(of, 12)),
    # torch waits for one epoch more than its patience, and asks for a gain of a share.
    "plateau": (
        {"kind": "plateau", "epochs": 2, "factor": 0.5},
        lambda of: torch.optim.lr_scheduler.ReduceLROnPlateau(of, factor=0.5, patience=1, threshold=0.0),
    ),
}


@pytest.mark.parametrize("kind", SCHEDULES)
@settings(max_examples=30, deadline=None)
@given(losses=losses)
def test_rates_are_those_of_torchs_schedulers(kind, losses):
    schedule, make = SCHEDULES[kind]
    assert learning_rate(fitting(schedule), losses) == pytest.approx(torch_rate(make, losses), abs=1e-12)


@pytest.mark.parametrize(
    ("patience", "losses", "ends"),
    [
        (3, [1.0, 0.9, 0.9, 0.95, 0.9], True),  # three epochs after the second, none lower
        (3, [1.0, 0.9, 0.9, 0.95, 0.8], False),
        (2, [1.0, 0.99995, 0.9999], True),  # gains of 0.00005 and 0.0001 are no more than 0.0001
        (2, [1.0, 0.9999, 0.9998], False),  # against 1.0, the lowest that counted, the third is one of 0.0002
        (None, [1.0] * 6, False),
        (None, [1.0] * 7, True),  # all seven epochs are done
    ],
)
def test_training_ends_after_its_patience_or_its_epochs(patience, losses, ends):
    stopping = Stopping(epochs=7, patience=patience, min_delta=1e-4 if patience else 0.0, keep="loss")
    assert (stop_reason(stopping, losses) is not None) == ends


@pytest.mark.parametrize(("keep", "epoch"), [("accuracy", 2), ("loss", 3), ("auc", 4), ("last", 4)])
def test_the_first_of_the_best_epochs_is_kept(keep, epoch):
    rows = [row(1, 0.7, 0.9, None), row(2, 0.8, 0.8, 0.6), row(3, 0.8, 0.5, 0.7), row(4, 0.6, 0.5, 0.9)]
    assert kept_epoch(Stopping(epochs=4, keep=keep), rows) == epoch


def test_the_file_is_read_as_it_was_written_and_holds_no_nan(tmp_path):
    history = History(epochs=(row(1), row(2, auc=None)), kept=1, stopped=None)
    history.write(tmp_path / "history.json")
    assert History.from_json(tmp_path / "history.json") == history
    (tmp_path / "history.json").write_text(history.to_json().replace("0.5", "NaN"))
    with pytest.raises(ReadError, match=r"microcalc\.history/1"):
        History.from_json(tmp_path / "history.json")
