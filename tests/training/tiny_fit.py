"""A fit of a tiny network to tiny patches; as a script, ``tiny_fit.py OUT``, one that dies in its third epoch."""

import os
import signal
import sys
from pathlib import Path

import torch
from torch import nn

from microcalc.recipe import load_recipe
from microcalc.training import tasks
from microcalc.training.fit import fit
from microcalc.training.job import Compute, Job
from microcalc.training.parts import open_parts

#: With everything that an interrupted run could lose track of: a schedule and early stopping by what was, a draw of
#: negatives each epoch, augmentation, the optimiser's moments, class weights.
FITTING = {
    "loss": {"kind": "binary-cross-entropy", "weights": [0.4, 0.6]},
    "optimiser": {"kind": "adam", "learning_rate": 0.01},
    "schedule": {"kind": "plateau", "epochs": 1, "factor": 0.5},
    "batch": 8,
    "sampling": {"ratio": 2.0, "batches": 3},
    "augmentation": {"operations": [{"name": "quarter-turns"}, {"name": "gamma", "low": 0.5, "high": 2.0}]},
    "stopping": {"epochs": 5, "patience": 4, "keep": "loss"},
}


def network(spec=None, outputs=1, patch=None):
    """Some 50 weights, with batch norm and dropout."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(4, outputs),
    )


def recipe(**changes):
    """Of patches of 16 px, one output; changes are those of its groups."""
    return load_recipe("microcalc-resnet16").smoke().with_changes({"fitting": FITTING}).with_changes(changes)


def job(out, of=None, *, resume=False, on_step=None, **compute):
    """To fit by a recipe on patches of noise with specks."""
    return Job(
        recipe=of or recipe(),
        table=None,
        store=None,
        data="smoke",
        synthetic=True,
        smoke=True,
        out=out,
        seed=3,
        make_executor=None,
        resume=resume,
        on_step=on_step,
        compute=Compute(device="cpu", **compute),
    )


class Mortal(nn.Sequential):
    """Takes the process down in the second step of the third epoch."""

    epochs = steps = 0

    def forward(self, patches):
        if self.training and self.epochs == 2:
            self.steps += 1
            if self.steps == 2:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(patches)


if __name__ == "__main__":
    torch.set_num_threads(1)
    tasks.build = lambda spec, outputs, patch: Mortal(*network(spec, outputs))

    def count(step, done, epochs):
        Mortal.epochs = done

    mortal = job(Path(sys.argv[1]), on_step=count)
    fit(mortal, open_parts(mortal))
