"""What the card of a patch map says of its classifiers, before anything has been read."""

from types import SimpleNamespace

import pytest

from microcalc.models import Training
from microcalc.recipe import load_recipe
from microcalc.training.job import Job
from microcalc.training.patch_map_card import make_card

NAMES = "cortina2022-resnet16", "cortina2022-resnet32"


def job(tmp_path, **changes):
    return Job(
        recipe=load_recipe("cortina2022-resnet16-map").with_changes(changes),
        table=None,
        store=None,
        data="truth:toys",
        synthetic=False,
        smoke=False,
        out=tmp_path,
        seed=1,
        make_executor=None,
        resume=False,
        on_step=None,
    )


def classifier(name, version="1", changes=None, **training):
    known = {
        "data": "bench:v1-large",
        "terms": "none",
        "images": 40,
        "patients": 10,
        "coarsest_spacing_mm": 0.1,
        "seed": 0,
        "seconds": 60.0,
        "made_with": {"torch": "2"},
    }
    recipe = load_recipe(name).with_changes(changes or {}).as_written()
    card = SimpleNamespace(name=name, version=version, recipe=recipe, training=Training(**known | training))
    return SimpleNamespace(card=card, sha256="ab" * 32)


def test_they_are_named_in_order_and_their_training_is_added_up(tmp_path):
    given = [
        classifier(NAMES[0]),
        classifier(NAMES[1], patients=9, seconds=30.0, coarsest_spacing_mm=0.09, patches=800),
    ]
    card = make_card(job(tmp_path), given, None)
    assert [(member.file, member.name) for member in card.input.classifiers] == [
        ("classifier-1.zip", NAMES[0]),
        ("classifier-2.zip", NAMES[1]),
    ]
    training = card.training
    assert training.data == (
        f"{NAMES[0]}: bench:v1-large; {NAMES[1]}: bench:v1-large, 800 patches drawn; read and tested on truth:toys"
    )
    # As many images, but of how many patients is not one number; what is coarser than one of them knows is warned of.
    assert (training.images, training.patients, training.seconds) == (40, None, 90.0)
    assert training.coarsest_spacing_mm == 0.09
    assert not card.calibrated
    assert "Its classifier" not in card.limitations


def test_an_unknown_time_is_not_added_up(tmp_path):
    card = make_card(job(tmp_path), [classifier(NAMES[0]), classifier(NAMES[1], seconds=None)], None)
    assert card.training.seconds is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"version": "smoke"}, "is that of a smoke run, good for nothing"),
        (
            {"changes": {"fitting": {"stopping": {"epochs": 1}}, "notes": ["Quicker."]}},
            "was trained by a changed recipe (other fitting)",
        ),
    ],
)
def test_a_classifier_that_is_not_what_its_name_stands_for_is_told_of(tmp_path, settings, said):
    card = make_card(job(tmp_path), [classifier(NAMES[0], **settings)], None)
    assert f"Its classifier {NAMES[0]} {said}" in card.limitations


@pytest.mark.parametrize("normalisation", ["min-max", "none"])
def test_scores_of_an_image_s_own_scale_are_warned_of(tmp_path, normalisation):
    card = make_card(job(tmp_path, normalisation=normalisation), [classifier(NAMES[0])], None)
    assert ("its own least and highest value" in card.limitations) == (normalisation == "min-max")
