import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from microcalc.datasets import open_data
from microcalc.errors import ReadError, UsageError
from microcalc.patches.patch import Patch
from microcalc.patches.store import Manifest, PatchStore
from microcalc.recipe import load_recipe
from microcalc.training.job import Job
from microcalc.training.parts import open_parts, share_out
from microcalc.truth import ImageTruth, TrueCalcification, Truth


@pytest.fixture(scope="module")
def recipe():
    """Pesapane's first task, small: normal against benign, malignant and unknown calcifications."""
    return load_recipe("pesapane2023-resnet18-task1").with_changes(
        {"input": {"size_px": 16, "resize_px": None}, "patches": {"validation_share": None}}
    )


def with_rules(recipe, **rules):
    return recipe.with_changes({"patches": rules})


def store_of(*groups, labels=("normal", "benign", "malignant", "calcification"), channels=()):
    """A store whose patches are given as (number, label, split, patient)."""
    patches = [
        Patch(f"{patient}.png", 10 * index, 0, 16, label, "grid", split, patient)
        for number, label, split, patient in groups
        for index in range(number)
    ]
    kind = {"labels": labels, "channels": channels, "protocol": "pesapane112", "size_px": 16, "spacing_mm": None}
    manifest = Manifest.model_construct(shards=(), **kind)
    return PatchStore(Path("store"), manifest, patches)


def job(recipe, out, *, store=None, table=None, smoke=False, resume=False):
    return Job(
        recipe=recipe,
        table=table,
        store=store,
        data="toy",
        synthetic=True,
        smoke=smoke,
        out=out,
        seed=3,
        make_executor=None,
        resume=resume,
        on_step=None,
    )


def patients(part):
    return set(part.patients)


SIDES = (
    (6, "normal", "train", "a"),
    (2, "benign", "train", "a"),
    (1, "malignant", "train", "b"),
    (3, "normal", "validation", "c"),
    (2, "calcification", "validation", "c"),
    (4, "normal", "test", "d"),
    (5, "malignant", "test", "d"),
)


def test_the_sides_of_the_data_are_the_parts(recipe):
    store = store_of(*SIDES)
    parts = share_out(store, recipe, seed=0)
    assert [part.split for part in (parts.train, parts.validation, parts.test)] == ["train", "validation", "test"]
    # Labels benign, malignant and calcification are one class.
    assert parts.train.classes.tolist() == [0] * 6 + [1] * 3
    assert parts.validation.classes.tolist() == [0] * 3 + [1] * 2
    assert parts.test.classes.tolist() == [0] * 4 + [1] * 5
    assert parts.train.patients == ("a",) * 8 + ("b",)
    assert [patch.label for patch in parts.test.patches] == ["normal"] * 4 + ["malignant"] * 5
    assert parts.left_out == {}


def test_labels_of_no_class_are_left_out_and_counted():
    recipe = load_recipe("pesapane2023-resnet18-task2")
    sides = (*SIDES, (1, "benign", "validation", "c"), (1, "malignant", "validation", "c"))
    parts = share_out(store_of(*sides), recipe, seed=0)
    # Task 2: benign 0, malignant 1; 13 normal patches and two of unknown pathology are neither.
    assert parts.train.classes.tolist() == [0, 0, 1]
    assert parts.left_out == {"of labels that the recipe leaves out": 15}


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        (
            ("malignant", "benign"),
            r"masks of benign, malignant, .* found those of .*: malignant, benign; mend the recipe",
        ),
        ((), "masks of benign, malignant, .*: none; choose a protocol with masks"),
    ],
)
def test_masks_of_other_things_or_in_another_order_are_refused(channels, message):
    store = store_of(*SIDES, channels=channels)
    with pytest.raises(UsageError, match=message):
        share_out(store, load_recipe("terrassin2024-mutmus-unet3plus"), seed=0)
    with pytest.raises(UsageError, match="patches of each class"):  # without maps nothing is asked of masks
        share_out(store, load_recipe("terrassin2024-motmus-unet3plus"), seed=0)


def test_patches_on_no_side_are_left_out_and_counted(recipe):
    parts = share_out(store_of(*SIDES, (7, "benign", None, "e")), recipe, seed=0)
    assert len(parts.train) == 9
    assert parts.left_out == {"on no side of a split": 7}


def test_data_without_a_test_side_has_no_test_part(recipe):
    assert share_out(store_of(*SIDES[:5]), recipe, seed=0).test is None


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        (SIDES[3:], "patches of each class to train on, found 0 of .*; give data with a split into train and valid"),
        (SIDES[:3], "patches of each class to validate on, found 0 of .*, 0 of .*; give data with a split"),
        ((*SIDES[:1], *SIDES[3:]), "to train on, found 6 of .*, 0 of .*; give more images, or a recipe whose classes"),
        ((*SIDES[:3], SIDES[4]), "to validate on, found 0 of .*, 2 of .*; give more images"),
    ],
)
def test_a_part_without_patches_of_a_class_is_refused_with_counts(recipe, sides, message):
    with pytest.raises(UsageError, match=message):
        share_out(store_of(*sides), recipe, seed=0)


def forty(split="train"):
    """40 patients: 20 with normal patches alone, 20 with both."""
    plain = [(3, "normal", split, f"n{number}") for number in range(20)]
    both = [(2, label, split, f"p{number}") for number in range(20) for label in ("normal", "benign")]
    return (*plain, *both)


def test_a_share_of_the_training_patients_validates_where_the_data_has_no_such_side(recipe):
    shared = with_rules(recipe, validation_share=0.1)
    parts = share_out(store_of(*forty()), shared, seed=1)
    assert not patients(parts.train) & patients(parts.validation)
    # A tenth of the 20 patients without positives, and of the 20 with some.
    assert Counter(name[0] for name in patients(parts.validation)) == {"n": 2, "p": 2}
    again, other = (share_out(store_of(*forty()), shared, seed) for seed in (1, 2))
    assert patients(again.validation) == patients(parts.validation) != patients(other.validation)


def test_a_validation_side_of_the_data_stands(recipe):
    parts = share_out(store_of(*forty(), *SIDES[3:]), with_rules(recipe, validation_share=0.1), seed=1)
    assert patients(parts.validation) == {"c"}
    assert len(patients(parts.train)) == 40


def test_a_small_share_is_a_patient_at_least(recipe):
    parts = share_out(store_of(*forty()), with_rules(recipe, validation_share=0.001), seed=1)
    assert Counter(name[0] for name in patients(parts.validation)) == {"n": 1, "p": 1}


def test_so_many_test_patches_of_each_class_are_drawn(recipe):
    parts = share_out(store_of(*SIDES[:5], *forty("test")), with_rules(recipe, test_per_class=30), seed=1)
    # 60 + 40 normal and 40 benign ones.
    assert np.bincount(parts.test.classes).tolist() == [30, 30]
    assert parts.left_out == {"of the test side, beyond those drawn": 80}
    few = share_out(store_of(*SIDES), with_rules(recipe, test_per_class=100), seed=1)
    assert np.bincount(few.test.classes).tolist() == [4, 5]


def test_by_patch_all_sides_are_one(recipe):
    leaking = with_rules(recipe, split_by="patch", validation_share=0.25, test_per_class=8)
    store = store_of(*forty(), (20, "normal", None, "x"), (8, "malignant", "test", "y"))
    parts = share_out(store, leaking, seed=1)
    # 120 normal and 48 others; 8 of each for test, and of the 112 and 40 left a quarter for validation.
    assert np.bincount(parts.test.classes).tolist() == [8, 8]
    assert np.bincount(parts.validation.classes).tolist() == [28, 10]
    assert np.bincount(parts.train.classes).tolist() == [84, 30]
    every = np.concatenate([parts.train.indices, parts.validation.indices, parts.test.indices])
    assert sorted(every.tolist()) == list(range(168))
    assert patients(parts.train) & patients(parts.validation)  # it leaks, as asked


def test_a_part_may_be_pickled(recipe, tmp_path):
    train = open_parts(job(recipe, tmp_path, smoke=True)).train
    again = pickle.loads(pickle.dumps(train))
    assert np.array_equal(again.store.pixels(again.indices), train.store.pixels(train.indices))
    assert again.patches == train.patches


def test_a_smoke_run_draws_its_own(recipe, tmp_path):
    parts = open_parts(job(recipe, tmp_path, smoke=True))
    assert parts.train.store.folder == tmp_path / "work" / "patches"
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [64, 64, 64]
    assert parts.train.truth_of == {}


def test_a_store_that_is_cut_already_is_opened(recipe, tmp_path):
    first = open_parts(job(recipe, tmp_path / "first", smoke=True))
    again = open_parts(job(recipe, tmp_path / "again", store=first.train.store.folder))
    assert np.array_equal(again.test.indices, first.test.indices)
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            "mracko2024-resnet101",
            "expected patches of 674 px, protocol mracko674, native .*, found patches of 16 px, p",
        ),
        (
            "cortina2022-resnet16",
            "expected patches of 16 px, protocol cortina16, pixels of 0.07 mm.* --protocol cortina16 --out",
        ),
    ],
)
def test_patches_of_another_protocol_are_refused(recipe, tmp_path, other, message):
    folder = open_parts(job(recipe, tmp_path, smoke=True)).train.store.folder
    with pytest.raises(UsageError, match=message) as refused:
        open_parts(job(load_recipe(other), tmp_path / "other", store=folder))
    assert refused.value.where == str(folder)


def test_patches_of_another_size_are_refused(recipe, tmp_path):
    folder = open_parts(job(recipe, tmp_path, smoke=True)).train.store.folder
    whole = load_recipe("pesapane2023-resnet18-task1")
    with pytest.raises(UsageError, match=r"expected patches of 112 px, .* found patches of 16 px, protocol pesa"):
        open_parts(job(whole, tmp_path / "other", store=folder))


def test_patches_of_another_pitch_are_refused(recipe, tmp_path):
    folder = open_parts(job(recipe, tmp_path, smoke=True)).train.store.folder
    with pytest.raises(UsageError, match=r"pixels of 0.1 mm, which .*, native pixels; give the recipe .*spacing_mm"):
        open_parts(job(recipe.with_changes({"spacing_mm": 0.1}), tmp_path / "other", store=folder))


def test_a_label_that_the_protocol_does_not_have_is_refused(recipe):
    classes = [{"name": "normal", "labels": ["normal"]}, {"name": "calcification", "labels": ["benign", "malignnat"]}]
    wrong = recipe.with_changes(
        {"patches": {"classes": classes, "targets": [{"name": "calcification", "classes": ["calcification"]}]}}
    )
    with pytest.raises(UsageError, match="benign, malignant, calcification, found classes of 'malignnat'"):
        share_out(store_of(*SIDES), wrong, seed=0)


def test_no_store_is_an_error(recipe, tmp_path):
    with pytest.raises(ReadError, match="a store of patches"):
        open_parts(job(recipe, tmp_path, store=tmp_path / "none"))


@pytest.fixture(scope="module")
def table(tmp_path_factory, breast_png):
    folder = tmp_path_factory.mktemp("images")
    images = []
    for number, split in enumerate(("train", "validation")):
        name = f"p{number}_L_CC.png"
        breast_png(folder / name)
        mark = TrueCalcification(x=100, y=200, pathology="benign", snr=5.0)
        images.append(ImageTruth(path=name, patient=f"p{number}", split=split, calcifications=(mark,), age=50))
    (folder / "truth.json").write_text(Truth(root=".", images=tuple(images)).to_json())
    return open_data(f"truth:{folder}")


def test_images_are_cut_and_a_resumed_run_takes_the_whole_store_over(table, tmp_path):
    recipe = load_recipe("pesapane2023-resnet18-task1")
    parts = open_parts(job(recipe, tmp_path, table=table))
    store = parts.train.store
    assert (store.manifest.protocol, store.manifest.seed) == ("pesapane112", 3)
    assert parts.train.classes.tolist() == parts.validation.classes.tolist() == [1, 0]
    assert parts.train.truth_of["p0_L_CC.png"].calcifications[0].snr == 5.0
    written = (store.folder / "shard-0000.npy").stat().st_mtime_ns
    again = open_parts(job(recipe, tmp_path, table=table, resume=True))
    assert again.train.store.patches == store.patches
    assert (store.folder / "shard-0000.npy").stat().st_mtime_ns == written


def test_a_smoke_run_on_images_is_told_to_draw_its_own(recipe, table, tmp_path):
    with pytest.raises(UsageError, match=r"expected patches of 16 px.* found patches of 112 px.*leave --data out"):
        open_parts(job(recipe, tmp_path, table=table, smoke=True))
