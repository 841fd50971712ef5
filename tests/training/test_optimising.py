import pytest
import torch
from torch import nn

from microcalc.recipe import load_recipe
from microcalc.recipe.fitting import Optimiser
from microcalc.training.optimising import make_optimiser, set_rate


@pytest.mark.parametrize(
    ("kind", "made"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)]
)
def test_the_recipes_numbers_reach_torch_and_frozen_layers_do_not(kind, made):
    module = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    module[0].requires_grad_(False)
    spec = Optimiser(kind=kind, learning_rate=0.5, weight_decay=0.25, momentum=0.75 if kind == "sgd" else 0.0)
    fitting = load_recipe("microcalc-resnet16").fitting.model_copy(update={"optimiser": spec})
    optimiser = make_optimiser(module, fitting.optimiser)
    assert type(optimiser) is made
    (group,) = optimiser.param_groups
    assert (group["lr"], group["weight_decay"], group.get("momentum", 0.0)) == (0.5, 0.25, spec.momentum)
    assert group["params"] == list(module[1].parameters())
    set_rate(optimiser, 0.1)
    assert group["lr"] == 0.1
