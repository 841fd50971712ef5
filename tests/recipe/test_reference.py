"""The page on recipes: every recipe, every field with its default, every augmentation."""

import doctest
import json
import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic_core import PydanticUndefined

from microcalc.recipe import RECIPES, Fitting, MapOf, Network, PatchInput, PatchMapRecipe, load_recipe
from microcalc.recipe.detector import DetectorRecipe
from microcalc.recipe.faster_rcnn import DetectorFitting, FasterRcnnRecipe, MarkedPatches, RegionNetwork, Scanning
from microcalc.recipe.fitting import (
    STRENGTHS,
    Augmentation,
    Loss,
    OperationName,
    Optimiser,
    Sampling,
    Schedule,
    Stopping,
)
from microcalc.recipe.multi_task_segmenter import UNet3PlusSpec
from microcalc.recipe.network import Context, Head, NetworkName
from microcalc.recipe.patch_classifier import PatchClassifierRecipe, Patches, PointRule
from microcalc.recipe.segmentation import SegmentationInput
from microcalc.recipe.segmenter import BankPlan, Company, MapFitting, SegmenterRecipe, SpeckNetwork, Windows

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "recipes.md").read_text()
SECTIONS = dict(re.findall(r"^### (.*?)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def rows(text, header):
    """Cells of the table with that first column."""
    (table,) = re.findall(rf"^\| {header} \|.*\n\|[-|]+\n((?:\|.*\n)*)", text, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in table.splitlines()]


def test_the_page_has_every_recipe_once():
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE.partition("## Your own")[0], re.MULTILINE)
    assert listed == list(RECIPES)


#: Defaults that are groups of their own, in words on the page.
GROUPS = {"head", "schedule", "sampling", "augmentation"}


@pytest.mark.parametrize(
    ("section", "record"),
    [
        ("`patches`", Patches),
        ("`input`", PatchInput),
        ("`input.context`", Context),
        ("`network`", Network),
        ("`network.head`", Head),
        ("`fitting`", Fitting),
        ("`fitting.loss`", Loss),
        ("`fitting.optimiser`", Optimiser),
        ("`fitting.schedule`", Schedule),
        ("`fitting.sampling`", Sampling),
        ("`fitting.augmentation`", Augmentation),
        ("`fitting.stopping`", Stopping),
        ("`network` of a multi-task segmenter", UNet3PlusSpec),
        ("`segmentation`", SegmentationInput),
        ("`bank`", BankPlan),
        ("`windows`", Windows),
        ("`network` of a segmenter", SpeckNetwork),
        ("`fitting` of a segmenter", MapFitting),
        ("`company`", Company),
        ("`maps`", MapOf),
        ("`patches` of a Faster R-CNN", MarkedPatches),
        ("`network` of a Faster R-CNN", RegionNetwork),
        ("`fitting` of a Faster R-CNN", DetectorFitting),
        ("`scanning`", Scanning),
    ],
)
def test_the_page_has_every_field_and_its_default(section, record):
    shown = {name.strip("`"): default.strip("` |") for name, _, default in rows(SECTIONS[section], "field")}
    assert list(shown) == list(record.model_fields)
    for name, field in record.model_fields.items():
        if field.default is PydanticUndefined:
            assert shown[name] == ""
        elif name not in GROUPS:
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            written = default if isinstance(default, str) else json.dumps(default).removesuffix(".0")
            assert shown[name] == written


def test_the_page_has_what_a_patch_map_states_itself():
    text = PAGE.partition("## Fields of a patch map")[2].partition("###")[0]
    shown = {name.strip("`"): default.strip("` |") for name, _, default in rows(text, "field")}
    own = {name: of for name, of in PatchMapRecipe.model_fields.items() if name not in DetectorRecipe.model_fields}
    assert list(shown) == list(own)
    assert [name for name, of in own.items() if not of.is_required()] == [name for name in shown if shown[name]]


@pytest.mark.parametrize(
    ("section", "recipe"),
    [("segmenter", SegmenterRecipe), ("patch map", PatchMapRecipe), ("Faster R-CNN", FasterRcnnRecipe)],
)
def test_the_page_names_every_group_of_a_detector(section, recipe):
    text = PAGE.partition(f"## Fields of a {section}\n")[2].partition("\n## ")[0]
    written = [field.alias or name for name, field in recipe.model_fields.items() if name != "kind"]
    assert not [name for name in written if f"`{name}`" not in text]


def test_the_page_has_what_follows_the_fit():
    shown = [row[0].strip("`") for row in rows(SECTIONS["After fitting"], "field")]
    own = [name for name in PatchClassifierRecipe.model_fields if name in shown]
    assert shown == own == list(PatchClassifierRecipe.model_fields)[-4:]
    rules = [row[0].strip("`") for row in rows(SECTIONS["After fitting"], "rule")]
    assert rules == list(get_args(PointRule.model_fields["rule"].annotation))


def test_the_page_has_every_augmentation_and_the_bounds_of_its_strength():
    shown = {row[0].strip("`"): row[2].rstrip(" |") for row in rows(SECTIONS["`fitting.augmentation`"], "operation")}
    assert list(shown) == list(get_args(OperationName))
    for name, strength in shown.items():
        if name in STRENGTHS:
            assert strength.endswith("{:g} to {:g}".format(*STRENGTHS[name]).replace("-", "−"))
        else:
            assert strength == "none"


def test_the_page_has_every_network():
    """Eight EfficientNets are two names and what lies between."""
    (names,) = (row[1] for row in rows(SECTIONS["`network`"], "field") if row[0] == "`name`")
    shown = re.findall(r"`([a-z0-9_]+)`", names)
    assert [name for name in get_args(NetworkName) if not re.fullmatch("efficientnet_b[1-6]", name)] == shown


def test_the_example_of_a_variant_loads(tmp_path):
    (tmp_path / "mine.yaml").write_text(*re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    mine, base = load_recipe(tmp_path / "mine.yaml"), load_recipe("microcalc-resnet32")
    assert mine.fitting.stopping.epochs == 60
    assert mine.notes == (*base.notes, "Sixty epochs, since a GPU has time for them.")


def test_the_example_in_python_runs():
    example = doctest.DocTestParser().get_doctest(PAGE, {}, "recipes.md", None, None)
    assert doctest.DocTestRunner().run(example) == doctest.TestResults(failed=0, attempted=5)
