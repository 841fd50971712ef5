import numpy as np
import pytest

from microcalc.datasets import Record, open_data
from microcalc.errors import MicrocalcError
from microcalc.patches.patch import Patch
from microcalc.patches.planning import balanced, plan_image
from microcalc.patches.protocols import PROTOCOLS
from microcalc.truth import ImageTruth


@pytest.fixture(scope="module")
def table(small_set):
    return open_data(f"truth:{small_set}")


@pytest.mark.parametrize("name", [name for name, protocol in PROTOCOLS.items() if protocol.cut_px <= 112])
def test_patches_of_a_file_lie_in_it_and_carry_what_is_known_of_it(table, name):
    plan = plan_image(table[0], PROTOCOLS[name], seed=1)
    assert plan.image == "p0_L_CC.png"
    assert plan.patches
    assert {(patch.image, patch.split, patch.patient) for patch in plan.patches} == {("p0_L_CC.png", "train", "p0")}
    assert {patch.label for patch in plan.patches} <= set(PROTOCOLS[name].labels)
    assert all(0 <= p.x0 <= 300 - p.size_px and 0 <= p.y0 <= 400 - p.size_px for p in plan.patches)


def test_a_plan_repeats_with_its_seed_and_not_with_another(table):
    plans = [plan_image(table[0], PROTOCOLS["pesapane112"], seed) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]


def test_images_are_drawn_from_independently(table):
    renamed = table.with_truth(lambda truth: truth.model_copy(update={"path": f"other/{truth.path}"}))
    plans = [plan_image(record, PROTOCOLS["pesapane112"], 1) for record in (table[0], renamed[0])]
    corners = [[(p.x0, p.y0) for p in plan.patches if p.label == "normal"] for plan in plans]
    assert corners[0] != corners[1]


def test_a_finer_image_gives_larger_squares(table):
    fine = table.with_truth(lambda truth: truth.model_copy(update={"spacing_mm": (0.05, 0.05)}))
    plan = plan_image(fine[0], PROTOCOLS["cortina16"], seed=1)
    # 16 px of 0.07 mm are 22.4 of 0.05 mm; that on (60, 150): centred on (42.6, 107.0) at 0.07 mm, from column 35 and
    # row 99 there (42.6 lies in pixel 43), which are 49 and 138.6 of the file's.
    assert {patch.size_px for patch in plan.patches} == {22}
    assert (plan.patches[0].x0, plan.patches[0].y0) == (49, 139)


def test_two_patches_at_one_place_are_one(table):
    doubled = table.with_truth(
        lambda truth: truth.model_copy(update={"calcifications": truth.calcifications[:1] * 2 + truth.calcifications})
    )
    plans = [plan_image(data[0], PROTOCOLS["cortina16"], 1) for data in (table, doubled)]
    assert plans[0].patches == plans[1].patches


def test_an_image_smaller_than_a_patch_is_refused(table):
    with pytest.raises(MicrocalcError, match="at least 674 x 674 pixels, found 400 x 300"):
        plan_image(table[0], PROTOCOLS["mracko674"], 0)


def patches(**numbers):
    """Patches by ``<split>_<label>``."""
    every = []
    for name, number in numbers.items():
        split, label = name.split("_")
        every += [
            Patch(f"{split}.png", x, 0, 8, label, "grid", split, split) for x in range(len(every), len(every) + number)
        ]
    return every


def test_each_side_of_the_split_is_balanced_for_itself():
    every = patches(train_normal=50, train_calcification=20, test_normal=5, test_calcification=9)
    kept = balanced(every, PROTOCOLS["kahnouei224"], seed=3)
    numbers = {(p.split, p.label): 0 for p in every}
    for patch in kept:
        numbers[patch.split, patch.label] += 1
    # There are not as many normal test patches as others: all of them stay.
    assert list(numbers.values()) == [20, 20, 5, 9]
    assert kept == sorted(kept, key=every.index)
    assert (
        kept == balanced(every, PROTOCOLS["kahnouei224"], seed=3) != balanced(every, PROTOCOLS["kahnouei224"], seed=4)
    )


def test_what_is_kept_of_one_side_does_not_depend_on_the_others():
    train, test = patches(train_normal=50, train_calcification=20), patches(test_normal=9, test_calcification=3)
    both = balanced(train + test, PROTOCOLS["kahnouei224"], seed=3)
    assert [p for p in both if p.split == "train"] == balanced(train, PROTOCOLS["kahnouei224"], seed=3)


def test_protocols_that_leave_balance_to_the_training_keep_all():
    every = patches(train_normal=50, train_calcification=2)
    assert balanced(every, PROTOCOLS["cortina224"], seed=0) == every


def test_every_protocol_says_what_it_chose():
    for name, protocol in PROTOCOLS.items():
        assert name == protocol.name
        assert any("chosen" in note for note in protocol.notes)
    assert {p.size_px for p in PROTOCOLS.values()} == {674, 224, 16, 32, 64, 112, 512}
    assert np.unique([p.labels[0] for p in PROTOCOLS.values()]).tolist() == ["no cluster", "normal"]


def test_a_wide_patch_is_its_window_with_a_margin_inside_the_image(toy, tmp_path):
    toy.draw_breast(tmp_path / "a.png")
    # A window of 16 px is centred on (100, 200): from (92, 192); the patch begins 48 px before that. Around (50, 200)
    # it would begin at -6, left of the image.
    truth = ImageTruth(path="a.png", spacing_mm=(0.07, 0.07), calcifications=toy.points((100, 200), (50, 200)))
    plan = plan_image(Record(tmp_path / "a.png", truth), PROTOCOLS["cortina16-wide"], 0)
    positive = [patch for patch in plan.patches if patch.label == "calcification"]
    assert [(patch.x0, patch.y0, patch.size_px) for patch in positive] == [(44, 144, 112)]
    assert plan.left_out["patches whose margin around the window leaves the image"] >= 1
