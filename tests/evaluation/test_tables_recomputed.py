"""What in the papers' numbers disagrees, and what agrees, recomputed from the rows themselves.

docs/reference/published.md says the same in words.
"""

from collections import Counter

import numpy as np
import pytest

from microcalc.evaluation.intervals import normal
from microcalc.evaluation.tables import published

SHARES = ("accuracy", "sensitivity", "specificity")


def only(paper, name, measure, **more):
    """The one row of that name and measure."""
    rows = [row for row in published(paper=paper, measure=measure) if row.name == name]
    (row,) = [row for row in rows if all(getattr(row, key) == value for key, value in more.items())]
    return row


def count(paper, name, split="all"):
    return int(only(paper, name, "count", split=split).value)


def attainable(row, repeats=1):
    """Whether some share k / n, of n cases judged once or several times, is printed as the row is."""
    share = np.arange(repeats * row.n + 1) / (repeats * row.n)
    return bool(np.any(np.abs(share - row.value) <= row.rounding + 1e-9))


def test_shares_of_the_patches_that_are_impossible():
    """96.7 % of 100: neither 96 nor 97; of 200: 193 is 96.5, 194 is 97.0. So with 58, 79 and 63 patches of an age."""
    rows = [row for row in published(paper="kahnouei2022", level="patch") if row.measure in SHARES and row.n]
    assert [(row.n, row.printed) for row in rows] == [
        (200, "96.7%"), (100, "96.7%"), (100, "96.7%"), (58, "96.4%"), (79, "96.6%"), (63, "97.3%"),
    ]  # fmt: skip
    assert not any(attainable(row) for row in rows)
    # Means over ten trainings or more could be printed so; the paper speaks of one.
    assert [r for r in range(1, 14) if all(attainable(row, r) for row in rows)] == [10, 13]


def test_the_ages_agree_with_the_whole():
    ages = [row for row in published(paper="kahnouei2022") if row.place == "Table 1" and row.measure == "accuracy"]
    assert sum(row.n for row in ages) == 200  # 58 + 79 + 63
    whole = only("kahnouei2022", "ResNet-50", "accuracy")
    mean = sum(row.n * row.value for row in ages) / 200  # 96.76 %
    assert abs(mean - whole.value) <= whole.rounding + ages[0].rounding


def test_one_confusion_matrix_gives_all_five_figures():
    printed = {measure: only("mracko2024", "ResNet-101, best model", measure) for measure in (*SHARES, "f1", "mcc")}
    positives, negatives = (
        count("mracko2024", name, "validation") for name in ("Suspicious Clusters", "Without Clusters")
    )
    tp, tn = np.meshgrid(np.arange(positives + 1.0), np.arange(negatives + 1.0), indexing="ij")
    fn, fp = positives - tp, negatives - tn
    with np.errstate(invalid="ignore"):
        given = {
            "accuracy": (tp + tn) / (positives + negatives),
            "sensitivity": tp / positives,
            "specificity": tn / negatives,
            "f1": 2 * tp / (2 * tp + fp + fn),
            "mcc": (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tn + fn) * positives * negatives),
        }
    fits = np.all([np.abs(given[m] - row.value) <= row.rounding + 1e-9 for m, row in printed.items()], axis=0)
    assert list(zip(tp[fits], fn[fits], tn[fits], fp[fits], strict=True)) == [(619, 35, 2573, 23)]


def test_counts_means_and_weights_of_the_first_paper_agree():
    for split in ("train", "validation", "all"):
        parts = [count("mracko2024", name, split) for name in ("Suspicious Clusters", "Without Clusters", "Total")]
        assert parts[0] + parts[1] == parts[2]
    assert (
        round(count("mracko2024", "Suspicious Clusters", "train") / count("mracko2024", "Total", "train"), 3) == 0.359
    )
    for place in ("Table II", "Table III"):
        for split in ("validation", "train"):
            *settings, mean = [r for r in published(paper="mracko2024") if (r.place, r.split) == (place, split)]
            assert len(settings) == 5
            assert abs(np.mean([row.value for row in settings]) - mean.value) <= mean.rounding + 1e-9


@pytest.mark.parametrize("place", ["Table II", "Table III"])
def test_settings_differ_by_less_than_the_interval_of_one(place):
    rows = [r for r in published(paper="mracko2024") if (r.place, r.split) == (place, "validation")]
    values = [row.value for row in rows]
    half = 1.96 * np.sqrt(0.973 * 0.027 / 3250)  # 0.0056
    assert max(values) - min(values) < half


def test_two_cells_are_equal_to_six_digits():
    rows = [row for row in published(paper="cortina2022", level="patch") if row.measure == "roc_auc"]
    twice = [printed for printed, times in Counter(row.printed for row in rows).items() if times > 1]
    assert twice == ["0.993204"]
    assert {row.place for row in rows if row.printed == "0.993204"} == {"Table 3", "Table 4"}


def test_cases_are_not_split_as_stated():
    cases = [count("cortina2022", "Cases", split) for split in ("train", "validation", "test")]
    assert cases == [40, 15, 53]
    assert [round(100 * n / sum(cases)) for n in cases] == [37, 14, 49]  # stated: 33, 17, 50
    images = [int(r.value) for r in published(paper="cortina2022", measure="count") if r.name == "Images"]
    assert images[0] == sum(images[1:]) == 410


@pytest.mark.parametrize(("split", "per_true"), [("train", 81), ("validation", 221)])
def test_false_candidates_per_true_one(split, per_true):
    true, false = (count("cortina2022", f"Candidates, {kind}", split) for kind in ("true", "false"))
    assert round(false / true) == per_true  # 233491 / 2877 and 116936 / 528; the text speaks of 1000
    share = only("cortina2022", "Candidates, true", "share", split=split)
    assert abs(true / (true + false) - share.value) <= share.rounding


def test_candidates_an_image():
    candidates = [
        sum(count("cortina2022", f"Candidates, {kind}", split) for kind in ("true", "false"))
        for split in ("train", "validation")
    ]
    printed = count("cortina2022", "Candidates an image, average", "train")
    assert (round(candidates[0] / 148), round(sum(candidates) / (148 + 62)), printed) == (1597, 1685, 1685)


def test_images_with_few_candidates_are_of_training_and_validation():
    name = "Images where a candidate method finds less than half"
    images, share = count("cortina2022", name, "unstated"), only("cortina2022", name, "share")
    assert abs(images / (148 + 62) - share.value) < share.rounding  # 18.6 %
    assert abs(images / 200 - share.value) == pytest.approx(share.rounding)  # 19.5 %, which rounds to 20


def test_the_measure_said_to_decide_did_not():
    def best(measure):
        rows = [row for row in published(paper="cortina2022", measure=measure) if row.place == "Table 5"]
        return max(rows, key=lambda row: row.value).name

    assert best("average_precision") == "Faster R-CNN, ResNet50_00"
    assert best("auc50") == "Faster R-CNN, DenseNet121_00"  # the one taken


def test_f1_and_average_precision_order_the_networks_oppositely():
    def order(measure):
        rows = [row for row in published(paper="cortina2022", measure=measure) if row.place == "Table 4"]
        return [row.name for row in sorted(rows, key=lambda row: row.value)]

    assert len(order("f1")) == 3
    assert order("f1") == order("average_precision")[::-1]


def test_one_of_the_three_best_is_fourth():
    rows = [row for row in published(paper="cortina2022", measure="average_precision") if row.place == "Table 2"]
    order = [row.name for row in sorted(rows, key=lambda row: -row.value)]
    assert order[:4] == ["SVM, all", "XGBRF, all", "SVM, wavelet", "RF, all"]


@pytest.mark.parametrize(("split", "excess"), [("train", 2), ("validation", 0), ("test", 0)])
def test_patches_of_the_three_classes(split, excess):
    parts = [count("terrassin2024", name, split) for name in ("Normal", "Benign", "Malignant")]
    assert count("terrassin2024", "Total", split) - sum(parts) == excess  # 23000 - 3 * 7666


def test_dice_is_below_that_of_the_printed_recall_and_precision():
    dice = published(paper="terrassin2024", measure="dice")
    too_low = 0
    for row in dice:
        same = {"split": row.split, "target": row.target}
        recall, precision = (only("terrassin2024", row.name, measure, **same) for measure in ("recall", "precision"))
        r, p = (np.array([x.value - x.rounding, x.value + x.rounding]) for x in (recall, precision))
        low, high = 2 * r * p / (r + p)
        assert row.value - row.rounding <= high + 1e-9
        too_low += row.value + row.rounding < low - 1e-9
    assert (too_low, len(dice)) == (9, 12)


def test_half_of_the_malignant_dice_equal_their_precision():
    dice = [row for row in published(paper="terrassin2024", measure="dice") if row.target == "malignant"]
    precision = [row for row in published(paper="terrassin2024", measure="precision") if row.target == "malignant"]
    alike = [(d.name, d.printed) for d, p in zip(dice, precision, strict=True) if d.printed == p.printed]
    assert alike == [
        ("ResNet-22 optimized, Grad-CAM", "0.36"),
        ("ConvNeXt-A, Grad-CAM", "0.33"),
        ("MuTMuS-UNet3+", "0.46"),
    ]


def test_one_network_goes_against_the_stated_trend():
    """On the test set, telling calcium from tissue is called easier than telling what is malignant."""
    rows = [r for r in published(paper="terrassin2024", measure="roc_auc") if (r.place, r.split) == ("Table 2", "test")]
    easier = {r.name: r.value for r in rows if r.target == "calcification"}
    harder = {r.name: r.value for r in rows if r.target == "malignant"}
    assert [name for name in easier if easier[name] < harder[name]] == ["ResNet-22"]


def test_standard_error_of_an_auc_of_26_patches():
    """Hanley and McNeil 1982: Q1 = A / (2 - A) = 0.8692, Q2 = 2 A2 / (1 + A) = 0.8963 at A = 0.93."""
    row = only("terrassin2024", "MuTMuS-UNet3+", "roc_auc", split="test", target="malignant")
    positives = count("terrassin2024", "Malignant", "test")
    negatives = row.n - positives
    a, a2 = row.value, row.value**2
    q1, q2 = a / (2 - a), 2 * a2 / (1 + a)
    variance = (a * (1 - a) + (positives - 1) * (q1 - a2) + (negatives - 1) * (q2 - a2)) / (positives * negatives)
    assert (positives, negatives) == (26, 1800)
    assert np.sqrt(variance) == pytest.approx(0.035, abs=5e-4)


def test_patch_totals_disagree():
    tasks = [[count("pesapane2023", f"Task {t}", s) for s in ("train", "validation", "test")] for t in (1, 2)]
    with_calcium = count("pesapane2023", "Microcalcifications")
    assert with_calcium == count("pesapane2023", "Microcalcifications, benign") + count(
        "pesapane2023", "Microcalcifications, malignant"
    )
    everything = with_calcium + count("pesapane2023", "Non-microcalcifications")
    assert (everything, sum(tasks[0]), sum(tasks[0]) - everything) == (33885, 33912, 27)
    assert (with_calcium, sum(tasks[1]), sum(tasks[1]) - with_calcium) == (24237, 24262, 25)
    # Printed as 71 % three times.
    assert [round(100 * calcium / n) for n, calcium in zip(*tasks, strict=True)] == [72, 72, 72]


def test_findings_of_the_thousand_patients_add_up():
    for kind, total in (("Malignant", 389), ("Benign", 611)):
        rows = [row for row in published(paper="pesapane2023") if row.name.startswith(f"{kind}: ")]
        assert sum(row.value for row in rows if not row.name.endswith("Total")) == total
        assert count("pesapane2023", f"{kind}: Total") == total
    densities = [row for row in published(paper="pesapane2023", measure="count") if row.name.startswith("Density")]
    assert sum(row.value for row in densities) == 389 + 611 == 1000  # not the 1986 mammograms


def test_the_interval_of_specificity_is_about_half_of_its_own():
    """3393 - 2426 = 967 test patches are free of calcifications; the root of 3393 / 967 is 1.87."""
    negatives = count("pesapane2023", "Task 1", "test") - count("pesapane2023", "Task 2", "test")
    row = only("pesapane2023", "Task 1, AlexNet", "specificity")
    assert negatives == 967
    assert (row.low, row.high) == (0.88, 0.90)
    low, high = normal(row.value * negatives, negatives)
    assert (round(low, 2), round(high, 2)) == (0.87, 0.91)
    narrow_low, narrow_high = normal(row.value * row.n, row.n)
    assert (high - low) / (narrow_high - narrow_low) == pytest.approx(1.87, abs=0.005)


@pytest.mark.parametrize("network", ["AlexNet", "ResNet18", "ResNet34"])
def test_some_confusion_matrix_gives_the_five_figures_of_a_network(network):
    positives = count("pesapane2023", "Task 2", "test")
    negatives = count("pesapane2023", "Task 1", "test") - positives
    tp, tn = np.meshgrid(np.arange(1.0, positives + 1), np.arange(1.0, negatives + 1), indexing="ij")
    given = {
        "accuracy": (tp + tn) / (positives + negatives),
        "sensitivity": tp / positives,
        "specificity": tn / negatives,
        "ppv": tp / (tp + negatives - tn),
        "npv": tn / (tn + positives - tp),
    }
    rows = {measure: only("pesapane2023", f"Task 1, {network}", measure) for measure in given}
    assert np.any(np.all([np.abs(given[m] - row.value) <= 0.005 + 1e-9 for m, row in rows.items()], axis=0))
