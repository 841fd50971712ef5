"""Recipes of Faster R-CNNs: the paper's numbers, and what cannot be."""

import pytest

from microcalc.errors import UsageError
from microcalc.recipe import load_recipe

PAPER = "cortina2022-frcnn-resnet50"
EPOCHS = {"resnet50": 15, "efficientnet-b3": 15, "densenet121": 10}


@pytest.mark.parametrize("backbone", EPOCHS)
def test_numbers_are_those_of_section_2_3_2_and_appendix_3(backbone):
    recipe = load_recipe(f"cortina2022-frcnn-{backbone}")
    fitting, scanning = recipe.fitting, recipe.scanning
    assert recipe.network.backbone.name == backbone.replace("-", "_")
    assert (recipe.spacing_mm, recipe.patches.protocol, recipe.patches.box_px) == (0.07, "cortina224-marked", 14)
    assert (recipe.network.anchor_px, recipe.network.resize_px) == (14, 800)
    assert (fitting.optimiser.kind, fitting.optimiser.learning_rate, fitting.batch) == ("adam", 1e-4, 6)
    assert (fitting.schedule.kind, fitting.schedule.epochs, fitting.schedule.factor) == ("step", 3, 0.1)
    assert (fitting.stopping.epochs, fitting.stopping.patience) == (EPOCHS[backbone], 3)
    assert fitting.stopping.min_delta == 1e-4
    assert (scanning.network_px, scanning.stride_px, scanning.nms_iou) == (224, 200, 0.5)
    assert recipe.published


@pytest.mark.parametrize("backbone", EPOCHS)
def test_the_fast_form_has_fine_cells_at_native_scale_and_the_same_schedule(backbone):
    paper, fast = (load_recipe(f"cortina2022-frcnn-{backbone}{form}") for form in ("", "-fast"))
    assert (fast.network.output_stride, fast.network.resize_px, fast.published) == (8, None, ())
    assert fast.scanning.network_px > paper.scanning.network_px
    assert fast.patches == paper.patches
    assert fast.fitting.stopping == paper.fitting.stopping
    assert fast.notes[: len(paper.notes)] == paper.notes


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"network": {"backbone": {"name": "resnet18"}}}, "a backbone is one of"),
        ({"scanning": {"window_px": 200, "stride_px": 201}}, "leave gaps"),
        ({"scanning": {"window_px": 448}}, "calcium changes its size"),
        ({"fitting": {"accumulate": 7}}, "does not come in 7 parts"),
    ],
)
def test_what_cannot_be_is_refused(changes, match):
    with pytest.raises(UsageError, match=match):
        load_recipe(PAPER).with_changes(changes)


def test_a_smoke_run_fetches_nothing_and_takes_few_small_batches():
    smoke = load_recipe(PAPER).with_changes({"network": {"backbone": {"start": "imagenet"}}}).smoke()
    assert smoke.network.backbone.start == "random"
    assert (smoke.fitting.batch, smoke.fitting.batches, smoke.fitting.stopping.epochs) == (2, 20, 1)
    assert smoke.network.resize_px < 224
