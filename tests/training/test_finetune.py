"""Fine-tuning from end to end: a tiny network that has learnt nothing, on drawn breasts with specks."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from microcalc.datasets import open_data
from microcalc.errors import UsageError
from microcalc.models import load_package
from microcalc.models.network_files import write_network_package
from microcalc.models.recipe_networks import segmenter_network
from microcalc.recipe import load_recipe
from microcalc.training.finetune import FinetuneOptions, _recipe, finetune
from microcalc.training.job import Job
from microcalc.training.segmenter_card import Fitted, make_card
from microcalc.truth import ImageTruth, TrueCalcification, Truth

#: A twentieth of the default network, on windows of 32 px, made to learn as fast as it can.
TINY = {
    "network": {"widths": [8, 8], "depths": [1, 1]},
    "input": {"multiple": 4, "tile_px": 64, "halo_px": 32},
    "windows": {"size_px": 32, "batch": 4},
    "fitting": {"augmentation": {"operations": []}},
}
FAST = {"fitting.steps": 24, "fitting.checkpoint_every": 12, "fitting.optimiser.learning_rate": 0.01}
FAST |= {"fitting.average": 0.8}
#: So gentle that nothing changes.
IDLE = {"fitting.steps": 1, "fitting.checkpoint_every": 1, "fitting.optimiser.learning_rate": 1e-12}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def draw(path, seed, marks):
    """A breast of noise with specks as broad as a calcification."""
    y, x = np.mgrid[:160, :120]
    inside = (x / 105) ** 2 + ((y - 80) / 72) ** 2 < 1
    image = 0.4 + 0.01 * ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(inside.shape), 1)
    for column, row in marks:
        image += 0.12 * np.exp(-((x - column) ** 2 + (y - row) ** 2) / 4)
    Image.fromarray(np.rint(np.where(inside, image, 0) * 65535).astype(np.uint16)).save(path)


def study(folder, sides):
    """So many patients a side, an image each, every second one normal; and one of whom nothing is known."""
    images = []
    for number, side in enumerate((*(side for side, patients in sides.items() for _ in range(patients)), None)):
        calcified = number % 2 == 0 and side is not None
        marks = np.random.default_rng(100 + number).integers((20, 40), (70, 120), (5, 2)).tolist() if calcified else []
        draw(folder / f"{number}.png", number, marks)
        images.append(
            ImageTruth(
                path=f"{number}.png",
                patient=f"p{number:02}",
                split=side,
                normal=None if side is None else not marks,
                spacing_mm=(0.07, 0.07),
                calcifications=tuple(TrueCalcification(x=x, y=y, diameter_mm=0.3) for x, y in marks),
            )
        )
    (folder / "truth.json").write_text(Truth(root=".", images=tuple(images)).to_json())
    return f"truth:{folder}"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return study(tmp_path_factory.mktemp("data"), {"train": 6, "validation": 2, "test": 10})


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Of random weights."""
    folder = tmp_path_factory.mktemp("package")
    recipe = load_recipe("microcalc-default").with_changes(TINY)
    job = Job(recipe, None, None, "nothing", False, False, folder, 0, None, False, None)
    torch.manual_seed(0)
    card = make_card(job, Fitted(1.0, 1, 1, 0.07), None)
    return write_network_package(folder / "package", card, segmenter_network(recipe))


def run(package, data, out, changes, **options):
    return finetune(str(package.path), data, out, FinetuneOptions(copies=1, workers=0, changes=changes), **options)


@pytest.fixture(scope="module")
def better(package, data, tmp_path_factory):
    """(folder, what came of it, what was told)."""
    out, told = tmp_path_factory.mktemp("better"), []
    return out, run(package, data, out, FAST, on_step=lambda step, done, total: told.append(step.name)), told


@pytest.fixture(scope="module")
def idle(package, tmp_path_factory):
    out, few = tmp_path_factory.mktemp("idle"), tmp_path_factory.mktemp("few")
    return out, run(package, study(few, {"train": 2, "validation": 2, "test": 2}), out, IDLE)


def test_what_learns_is_accepted(better):
    out, done, _ = better
    verdict = done.account.verdict
    assert done.account.accepted
    assert verdict.gain.value == pytest.approx(verdict.after.value - verdict.before.value)
    assert verdict.after.value > 0.6
    assert load_package(out / "package").sha256 == done.package.sha256
    assert not (out / "rejected").exists()


def test_what_learns_nothing_is_rejected_and_kept(idle, package):
    out, done = idle
    assert not done.account.accepted
    assert done.account.verdict.gain.value <= 0.01
    assert done.package.path == out / "rejected"
    assert not (out / "package" / "card.yaml").exists()
    assert "NOT accepted: use the earlier package" in done.package.card.limitations
    assert "on 2 held-out patients" in str(done.account.verdict)
    assert not done.package.card.calibrated  # not one false mark to tell hits from
    old, new = (one.arrays("weights.safetensors") for one in (package, done.package))
    for name in (name for name in old if name.endswith("weight")):  # what batch norm has seen is no weight
        np.testing.assert_allclose(new[name], old[name], atol=1e-6)


def test_nobody_is_trained_on_and_measured_on(better, data):
    out, done, _ = better
    account = done.account
    assert account.unannotated == 1
    assert account.train.patients + account.validation.patients + account.test.patients == 18
    assert account.verdict.patients == 10
    measured = {image["path"] for image in json.loads((out / "work/scans/after/findings.json").read_text())["images"]}
    views = {view["stem"] for view in json.loads((out / "work/views.json").read_text())["views"]}
    images = {record.path.name for record in open_data(data)}
    assert len(measured) == account.test.images
    assert measured <= images
    assert not any(stem.rsplit("/", 1)[-1].startswith(name.replace(".", "-")) for stem in views for name in measured)


def test_the_card_tells_what_it_was_made_of(better, package):
    card = better[1].package.card
    assert card.name == "microcalc-default-finetuned"
    assert f"Fine-tuned from microcalc-default (SHA-256 {package.sha256[:12]}...)" in card.limitations
    assert package.sha256 in card.recipe["notes"][-5]
    assert card.recipe["fitting"]["steps"] == 24
    assert card.training.data.startswith(f"{card.training.images} images of")
    assert card.training.data.endswith(f"; before that {package.card.training.data}")
    assert card.calibrated
    assert {metric.split for metric in card.metrics} == {"test"}
    assert [point.name for point in card.operating_points] == ["sensitive", "balanced", "specific"]


def test_what_is_written_beside_it(better):
    out, done, told = better
    assert json.loads((out / "finetune.json").read_text())["accepted"] is True
    assert "AUC50" in (out / "figures" / "froc-test.svg").read_text()
    assert (out / "tables" / "metrics.csv").exists()
    assert json.loads((out / "run.json").read_text())["package_sha256"] == done.package.sha256
    assert [name for name in told if name.startswith("step ")][-1].startswith("step 24 of 24, loss ")


def test_resumed_nothing_is_done_again(better, package, data):
    out, done, _ = better
    told = []
    again = run(package, data, out, FAST, resume=True, on_step=lambda step, done, total: told.append(step.name))
    assert again.package.arrays("weights.safetensors").keys() == done.package.arrays("weights.safetensors").keys()
    assert again.account == done.account
    assert not any(name.startswith(("step ", "image ", "before", "after", "validation")) for name in told)


def test_a_package_of_another_kind_is_refused(data, tmp_path):
    with pytest.raises(UsageError, match="kind segmenter"):
        finetune("cortina2022-cascade", data, tmp_path)
    assert not list(tmp_path.iterdir())


def test_resumed_with_other_copies_is_refused(better, package, data):
    """The images made ready earlier are those of the earlier number of copies."""
    with pytest.raises(UsageError, match="run copies 1 then, 2 now"):
        finetune(str(package.path), data, better[0], FinetuneOptions(copies=2, workers=0, changes=FAST), resume=True)


def test_the_package_that_it_begins_with_is_never_written_over(idle, data):
    out, done = idle
    with pytest.raises(UsageError, match="another folder for the new package"):
        run(done.package, data, out, IDLE)
    assert load_package(out / "rejected").sha256 == done.package.sha256


def test_what_was_fine_tuned_before_is_trained_on_as_it_was_then(better, package):
    """A tenth of the recipe's steps and learning rate; not a tenth of the tenth."""
    first, again = _recipe(package, {}).fitting, _recipe(better[1].package, {}).fitting
    whole = package.card.load_recipe().fitting
    assert (first.steps, first.optimiser.learning_rate) == (whole.steps / 10, whole.optimiser.learning_rate / 10)
    assert (again.steps, again.optimiser.learning_rate) == (24, 0.01)
