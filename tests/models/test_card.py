"""Cards: what stands in them, and what is refused."""

import pytest
import yaml
from pydantic import ValidationError

from microcalc.errors import ReadError
from microcalc.evaluation.calibration import Platt
from microcalc.models import Calibration, Card, Metric
from microcalc.recipe import load_recipe
from microcalc.recipe.yaml_text import write_yaml

#: As a person reads it: what it is, what it is for, how it is used, how good it is, how it was made.
ORDER = (
    "schema, name, version, kind, title, intended_use, limitations, malignancy, licence, citation, input, labels, "
    "score_floor, operating_points, default_operating_point, calibrated, calibration, metrics, training, recipe, files"
)


def test_a_card_comes_back_as_it_went(card):
    assert Card.from_yaml(card.to_yaml().encode(), "card.yaml") == card


def test_any_yaml_reader_reads_it_in_a_stable_order(card):
    """PyYAML as it comes, which knows nothing of ours."""
    found = yaml.safe_load(card.to_yaml())
    assert ", ".join(found) == ORDER
    assert found["schema"] == "microcalc.package/1"
    assert found["training"]["made_with"]["scikit-learn"] == "1.10"  # a text, not the number 1.1
    assert found["training"]["seconds"] == 0.00001
    assert found["metrics"][0]["value"] == 0.61
    assert found["intended_use"] == "Research on synthetic mammograms.\n\nNot a medical device."


def test_texts_stand_as_people_read_them(card):
    lines = card.to_yaml().splitlines()
    at = lines.index("intended_use: |-")
    assert lines[at + 1 : at + 4] == ["  Research on synthetic mammograms.", "", "  Not a medical device."]
    assert max(map(len, lines)) <= 120
    assert "    probabilities: [0.0, 0.1, 0.9]" in lines


def test_the_recipe_of_a_card_can_be_run_again(card):
    assert card.load_recipe() == load_recipe("cortina2022-cascade")


def test_its_operating_points_are_a_detector_s(card):
    assert [(point.name, point.threshold) for point in card.operating_points] == [("sensitive", 0.1), ("balanced", 0.5)]


#: Where, the new value (... takes it away), what the error says.
BROKEN = [
    (("schema",), "microcalc.package/2", "schema: microcalc.package/2; update microcalc where that is a later one"),
    (("schema",), ..., "schema: None"),
    (("schema",), "microcalc.truth/1", "schema: microcalc.truth/1"),
    (("colour",), "blue", "colour: Extra inputs"),
    (("licence",), ..., "licence: Field required"),
    (("limitations",), "", "limitations: a text is empty"),
    (("version",), 1.0, "version: Input should be a valid string, got 1.0"),
    (("kind",), "unet", "no package is of the kind 'unet'; there are cascade"),
    (("recipe", "kind"), "unet", "the recipe is of kind 'unet', the package of kind 'cascade'"),
    (("metrics", 0, "value"), "0.61", "metrics.0.value: Input should be a valid number, got '0.61'"),
    (("metrics", 0, "low"), None, "metrics.0: an interval has two ends"),
    (("metrics", 0, "value"), None, "an interval runs up around a value"),
    (("metrics", 0, "low"), 0.8, "an interval runs up around a value, got 0.61 in 0.8 to 0.7"),
    (("metrics", 1, "remark"), None, "a number without an interval needs a remark"),
    (("metrics", 0, "value"), float("nan"), "metrics.0.value"),
    (("operating_points",), [], "operating_points: Tuple should have at least 1 item"),
    (("operating_points", 0, "name"), "balanced", "two operating points have the same name"),
    (("operating_points", 0, "threshold"), 0.001, "the threshold of sensitive must lie between score floor and 1"),
    (("operating_points", 0, "threshold"), "0.1", "operating_points.0.threshold: Input should be a valid number"),
    (("default_operating_point",), "bold", "'bold' is not among them"),
    (("score_floor",), 1.5, "score_floor: Input should be less than or equal to 1"),
    (("calibrated",), False, "calibrated and calibration go together"),
    (("calibration", "method"), "platt", "the parameters are not those of the method platt"),
    (("calibration", "population"), ..., "calibration.population: Field required"),
    (("malignancy",), "yes", "malignancy: String should match pattern"),
    (("malignancy",), "validated: ", "malignancy: String should match pattern"),
    (("input", "spacing_mm"), 0, "input.spacing_mm"),
    (("input", "proposer", "name"), "sobel", "input.proposer: no proposer is called 'sobel'"),
    (("training", "images"), 0, "training.images: Input should be greater than or equal to 1"),
    (("training", "made_with"), {}, "training.made_with"),
    (("files",), {"weights.pkl": "0" * 64}, "files.weights.pkl"),
    (("files",), {"/etc/passwd.json": "0" * 64}, "files./etc/passwd.json"),
    (("files",), {"../weights.safetensors": "0" * 64}, "files.../weights.safetensors"),
    (("files",), {"a\\b.safetensors": "0" * 64}, "files.a"),
    (("files",), {".hidden.json": "0" * 64}, "files..hidden.json"),
    (("files",), {"weights.safetensors": "abc"}, "files.weights.safetensors: String should match"),
]


@pytest.mark.parametrize(("place", "value", "found"), BROKEN, ids=lambda value: str(value)[:40])
def test_a_broken_card_is_refused_with_the_field(card, place, value, found):
    values = card.model_dump(mode="json", by_alias=True)
    *groups, last = place
    inner = values
    for group in groups:
        inner = inner[group]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    with pytest.raises(ReadError) as error:
        Card.from_yaml(write_yaml(values).encode(), "package/card.yaml")
    assert found in str(error.value)
    assert str(error.value).startswith("package/card.yaml: expected a card")
    assert "\n" not in str(error.value)


def test_what_is_validated_on_biopsies_may_speak_of_malignancy(card):
    text = card.to_yaml().replace("malignancy: null", "malignancy: 'validated: 120 biopsies'")
    assert Card.from_yaml(text.encode(), "card.yaml").malignancy == "validated: 120 biopsies"


def test_a_card_of_a_recipe_that_is_no_more_is_still_a_card(card):
    """A later version may read other recipes; what else the card says can be read all the same."""
    values = card.model_dump(mode="json", by_alias=True)
    del values["recipe"]["svm"]
    old = Card.from_yaml(write_yaml(values).encode(), "card.yaml")
    with pytest.raises(ReadError, match=r"the recipe of the package cortina2022-cascade: .* svm: Field required"):
        old.load_recipe()


def test_a_sigmoid_is_a_calibration_too(card):
    platt = Calibration(method="platt", population="validation", parameters=Platt(slope=2.0, intercept=-1.0))
    text = write_yaml(card.model_dump(mode="json", by_alias=True) | {"calibration": platt.model_dump(mode="json")})
    assert Card.from_yaml(text.encode(), "card.yaml").calibration == platt


def test_percentiles_may_leave_their_value_out(card):
    """A bootstrap of few patients does so; the interval is not bent."""
    metric = card.metrics[0].model_dump() | {"low": 0.62}
    assert Metric.model_validate(metric).low == 0.62


def test_a_card_is_checked_when_it_is_made(card):
    with pytest.raises(ValidationError, match="go together"):
        Card.model_validate(card.model_dump() | {"calibration": None})
