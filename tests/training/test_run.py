import json
import sys

import numpy as np
import pytest

from microcalc.datasets import Table
from microcalc.errors import ReadError, UsageError
from microcalc.models import load_package
from microcalc.models.cascade import WEIGHTS, Cascade
from microcalc.recipe import load_recipe
from microcalc.training import cascade_run, run
from microcalc.training.run import train

SIDES = ("train", "validation", "test")
#: Hits on the image of each patient; of the last, the file is damaged.
PATIENTS = {"train": (6, 6, 6, 0, 6), "validation": (6, 0, 6), "test": (6, 0)}


@pytest.fixture(scope="module")
def toys(toy_record):
    return [
        toy_record(f"{split}-{number}.png", f"{split}-{number}", hits, split)
        for split in SIDES
        for number, hits in enumerate(PATIENTS[split])
    ]


@pytest.fixture
def data(toys, toy_samples, monkeypatch):
    """A data set of toys; images are sampled when they are asked for, in the order that comes back."""
    table, asked = Table(toys), []
    monkeypatch.setattr(run, "open_data", lambda spec, make_executor: table)

    def sampled(record, propose, spacing_mm, families):
        asked.append(record.truth.path)
        if record.truth.path == "train-4.png":
            raise ReadError(expected="a mammogram", found="damage", do="copy it anew", where=record.path)
        assert (spacing_mm, families) == (0.07, ("first_order", "haar"))
        hits = len(record.truth.calcifications)
        return toy_samples(hits, 40, np.random.default_rng(len(asked)), contrast=0.7)

    monkeypatch.setattr(cascade_run, "sample", sampled)
    return asked


@pytest.fixture
def no_figures(monkeypatch):
    """Drawing them takes half of a run's time."""
    monkeypatch.setattr(cascade_run, "drawings", lambda *_: ())


@pytest.fixture(scope="module")
def recipe():
    recipe = load_recipe("cortina2022-cascade").smoke()
    return recipe.model_copy(
        update={
            "families": ("first_order", "haar"),
            "svm": recipe.svm.model_copy(update={"gamma": "scale"}),
            "haar": recipe.haar.model_copy(update={"trees": 2, "sizes": (10,)}),
            "smoke_changes": {},
        }
    )


def test_a_run_leaves_a_package_and_goes_on_where_it_stopped(data, recipe, tmp_path, monkeypatch):
    told = []
    package = train(recipe, "truth:/some/where/toys", tmp_path, on_step=lambda step, *_: told.append(step.name))
    assert load_package(tmp_path / "package").sha256 == package.sha256
    card = package.card
    assert (card.name, card.kind, card.training.data) == ("cortina2022-cascade", "cascade", "truth:toys")
    assert (card.training.images, card.training.patients) == (4, 4)
    assert [point.name for point in card.operating_points] == list(recipe.operating_points)
    assert card.licence.startswith("none stated")  # somebody's own data
    assert "may be shared" in card.training.terms
    assert "phantoms" not in card.limitations
    by_split = {split: {row.measure: row for row in card.metrics if row.split == split} for split in SIDES}
    assert by_split["test"]["AUC50, cascade"].value > by_split["test"]["AUC50, morphology"].value
    assert all("chosen on these" in row.remark for row in by_split["validation"].values())
    assert not by_split["train"]
    cascade = Cascade.from_arrays(package.arrays(WEIGHTS), recipe.families, card.calibration.parameters)
    assert len(cascade.haar) == recipe.haar.kept

    # Test images are not looked at before everything else is done.
    first_test = told.index("samples of test-0.png")
    assert {"haar", "classifiers", "curves", "grid", "stages", "validation"} <= set(told[:first_test])
    assert told[-1] == "test"

    record = json.loads((tmp_path / "run.json").read_text())
    assert [step["name"] for step in record["steps"] if "failed" in step] == ["samples of train-4.png"]
    assert "/some/where" not in (tmp_path / "run.json").read_text() + (tmp_path / "package" / "card.yaml").read_text()
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    kinds = ("froc-{}.svg", "froc-{}-snr.svg", "reliability-{}.svg")
    of_parts = [kind.format(part) for part in SIDES[1:] for kind in kinds]
    of_classifiers = ["classifiers.svg", "classifiers-roc.svg", "classifiers-precision.svg"]
    assert names == {"haar-plateau.svg", "haar-prototypes.svg", *of_classifiers, *of_parts}
    tables = {path.name: path.read_text().splitlines() for path in (tmp_path / "tables").iterdir()}
    assert set(tables) == {f"{name}.csv" for name in ("haar-plateau", "classifiers", "grid", "stages", "metrics")}
    assert len(tables["metrics.csv"]) == 1 + len(card.metrics)

    monkeypatch.setattr(cascade_run, "sample", lambda *_: pytest.fail("sampled again"))
    again = train(recipe, "truth:/some/where/toys", tmp_path, resume=True)
    assert again.sha256 == package.sha256


def test_another_seed_is_another_run(data, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(cascade_run, "_ranking", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        train(recipe, "truth:toys", tmp_path)
    with pytest.raises(UsageError, match="run seed 0 then, 5 now"):
        train(recipe, "truth:toys", tmp_path, seed=5, resume=True)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, "truth:toys", tmp_path, resume=True)
    assert len(data) == len(set(data)) == 8  # no image of training and validation twice


def test_data_are_needed(recipe, tmp_path):
    with pytest.raises(UsageError, match="--data SPEC"):
        train(recipe, None, tmp_path)


def test_parts_without_normal_images_are_refused_at_once(data, toys, recipe, tmp_path, monkeypatch):
    with_calcium = Table(record for record in toys if record.truth.calcifications)
    monkeypatch.setattr(run, "open_data", lambda spec, make_executor: with_calcium)
    with pytest.raises(UsageError, match="expected an image marked normal"):
        train(recipe, "truth:toys", tmp_path)
    assert not data


def test_without_scikit_learn_the_error_says_what_to_install(data, recipe, tmp_path, monkeypatch):
    for module in [name for name in sys.modules if name.startswith(("sklearn", "microcalc.training."))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UsageError, match=r"scikit-learn.*microcalc\[classic\]"):
        train(recipe, "truth:toys", tmp_path)


def test_every_step_sees_its_own_part_of_the_data_alone(data, recipe, tmp_path, no_figures, monkeypatch):
    """Nothing is chosen on test, and what is fitted on one part is not fitted on another."""
    seen = {}

    def sides(argument):
        records = getattr(argument, "records", argument)
        return [{of.truth.split for of in records}] if isinstance(records, list | tuple) and records else []

    def spy(name):
        step = getattr(cascade_run, name)

        def told(*arguments, **named):
            seen[name] = [side for argument in arguments for side in sides(argument)]
            return step(*arguments, **named)

        monkeypatch.setattr(cascade_run, name, told)

    steps = ("rank", "compare", "curves", "search", "fit_stages", "calibrate", "choose_points")
    for name in steps:
        spy(name)
    train(recipe, "truth:toys", tmp_path)
    both = [{"train"}, {"validation"}]
    assert seen == {
        "rank": both,
        "compare": [{"train"}],
        "curves": both,
        "search": [{"train"}],
        "fit_stages": both,
        "calibrate": [{"validation"}],
        "choose_points": [{"validation"}],
    }


def test_too_few_patients_are_told_of_before_any_work(data, recipe, tmp_path):
    greedy = recipe.model_copy(update={"out_of_fold": 5})
    with pytest.raises(UsageError, match=r"5 patients with calcifications among 5 training images, for out_of_fold: 5"):
        train(greedy, "truth:toys", tmp_path)
    assert not data


def test_weights_lost_since_are_told_of(data, recipe, tmp_path, no_figures):
    train(recipe, "truth:toys", tmp_path)
    (tmp_path / "work" / WEIGHTS).write_bytes(b"cut off")
    with pytest.raises(ReadError, match="the step stages of the earlier run has left"):
        train(recipe, "truth:toys", tmp_path, resume=True)
    assert not (tmp_path / "package" / "card.yaml").exists()  # the earlier package is not taken for this run's
