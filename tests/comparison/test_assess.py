"""An evaluation worked by hand: four patients with one image each, three calcifications, one system.

Image a (patient p1, density B): calcifications A1 (malignant) and A2 (benign), and a region to ignore. Image b (p2, C):
B1 (malignant). Images n (p3) and m (p4), both B: known to be normal. The detector's threshold is 0.6.

    a: 0.9 on A1, 0.5 on A1 too, 0.3 on A2, 0.95 on what is to be ignored, 0.8 on nothing
    b: nothing
    n: 0.75, 0.7 and 0.2
    m: nothing
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from microcalc.comparison.assess import assess
from microcalc.comparison.choice import choose_rule
from microcalc.comparison.records import Settings, TruthInfo
from microcalc.comparison.scored import score_systems
from microcalc.comparison.systems import System, SystemImage
from microcalc.errors import UsageError
from microcalc.evaluation.bootstrap import resample
from microcalc.evaluation.detections import Detections
from microcalc.findings import DetectorInfo
from microcalc.truth import Ignored, ImageTruth, TrueCalcification, TrueCluster

DETECTOR = DetectorInfo(
    name="hand", version="1", operating_point="only", threshold=0.6, score_floor=0.1, calibrated=False
)


def image_truth(name, patient, *lesions, normal=False, **known):
    calcifications = tuple(TrueCalcification(x=x, y=y, pathology=pathology) for x, y, pathology in lesions)
    known = {"density": "B", "spacing_mm": (0.07, 0.07), "breast_area_cm2": 100.0} | known
    return ImageTruth(path=f"{name}.png", patient=patient, normal=normal, calcifications=calcifications, **known)


IGNORED = Ignored(bbox=(390.5, 390.5, 410.5, 410.5))
TRUTHS = (
    image_truth("a", "p1", (100, 100, "malignant"), (300, 100, "benign"), ignore=(IGNORED,)),
    image_truth("b", "p2", (200, 200, "malignant"), density="C"),
    image_truth("n", "p3", normal=True),
    image_truth("m", "p4", normal=True),
)
#: x, y, score, malignancy.
MARKS = {
    "a": [
        (100, 100, 0.9, 0.8),
        (101, 100, 0.5, 0.1),
        (300, 100, 0.3, 0.2),
        (400, 400, 0.95, 0.9),
        (50, 450, 0.8, 0.9),
    ],
    "n": [(50, 50, 0.7, 0.5), (60, 400, 0.2, 0.5), (400, 50, 0.75, 0.5)],
}


def system(name="hand", marks=MARKS, detector=DETECTOR):
    images = []
    for truth in TRUTHS:
        table = np.array(marks.get(Path(truth.path).stem, ()), np.float64).reshape(-1, 4)
        found = Detections(table[:, :2], table[:, 2], np.full((len(table), 4), np.nan), table[:, 3])
        images.append(SystemImage(truth.path, None, found, None, None, None, None))
    return System(name, Path(f"{name}.csv"), "ab" * 32, detector, tuple(images), ())


def assessed(*systems, truths=TRUTHS, level=None, per="image", unit="patient", seed=0):
    level, rule = choose_rule(truths, level, None)
    scored = score_systems(truths, systems, [one.images for one in systems], rule)
    settings = Settings(
        level=level, rule=rule.name, per=per, split=None, unmatched="fail", resample=unit, draws=200, seed=seed
    )
    normal = sum(bool(truth.normal) for truth in truths)
    info = TruthInfo(source="t", sha256="", images=len(truths), normal_images=normal, patients=4, lesions=3)
    resamples = resample(truths, unit=unit, draws=200, seed=seed, accept_split=True)
    return assess(scored, resamples, settings, info)


@pytest.fixture(scope="module")
def evaluation():
    return assessed(system())


@pytest.fixture(scope="module")
def result(evaluation):
    return evaluation.systems[0]


def counts(account):
    return (
        *(account.lesions, account.hits, account.misses, account.detections, account.hitting, account.duplicates),
        *(account.false_positives, account.false_positives_elsewhere, account.ignored),
    )


def test_every_lesion_and_detection_is_accounted_for(result):
    assert counts(result.listed) == (3, 2, 1, 8, 2, 1, 3, 1, 1)
    assert counts(result.shown) == (3, 1, 2, 5, 1, 0, 2, 1, 1)  # 0.9, 0.95, 0.8, 0.75 and 0.7 are shown
    assert (result.listed.threshold, result.shown.threshold) == (None, 0.6)
    assert np.sum([counts(image.account) for image in result.images], axis=0).tolist() == list(counts(result.listed))
    assert np.sum([counts(image.shown) for image in result.images], axis=0).tolist() == list(counts(result.shown))
    assert counts(result.images[0].account) == (2, 2, 0, 5, 2, 1, 0, 1, 1)


def test_the_froc_and_its_numbers(result):
    """Two normal images: A1 is found at 0 false positives per image, A2 once 0.75 and 0.7 have entered, at 1."""
    curve = result.froc
    assert curve.thresholds == (0.9, 0.7, 0.3, 0.2)  # 0.75 adds a false positive only; 0.7 is where the threshold is
    assert curve.false_positives == (0, 1, 1, 1.5)
    assert curve.sensitivity == pytest.approx((1 / 3, 1 / 3, 2 / 3, 2 / 3))
    assert curve.area.value == pytest.approx((1 / 3 * 1 + 2 / 3 * 49) / 50)
    assert curve.area.low <= curve.area.value <= curve.area.high
    assert [at.sensitivity.value for at in curve.at] == pytest.approx([1 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert (curve.lesions, curve.normal_images, curve.denominator) == (3, 2, 2)


def test_the_legacy_curve_keeps_its_points():
    """False positives are divided by the images with any lesion or false positive: a, b and n, but not m."""
    curve = assessed(system(), per="legacy").systems[0].froc
    assert (curve.thresholds, curve.denominator) == ((0.9, 0.8, 0.75, 0.7, 0.3, 0.2), 3)
    assert curve.area.value == curve.legacy_area


def test_the_cases_are_images(result):
    """Positive: a at 0.9, b unmarked. Negative: n at 0.75, m unmarked. Of four pairs 2 are right and one is tied."""
    cases = result.cases
    assert (cases.level, cases.positives, cases.negatives, cases.left_out) == ("image", 2, 2, 0)
    assert cases.auc.value == cases.auc_delong.value == 2.5 / 4
    assert cases.thresholds == (0.9, 0.75, None)  # no threshold reaches b and m
    assert cases.false_positive_rate == (0, 0.5, 1)
    assert cases.true_positive_rate == (0.5, 0.5, 1)
    # Lesions at 0.9, 0.3, unmarked against images at 0.75, unmarked: 1 + 1 + 0 + 1 + 0 + 1/2 of six pairs.
    assert cases.afroc.value == pytest.approx(3.5 / 6)


def test_an_operating_point_says_whether_it_was_chosen_here(result):
    shown, youden, *_ = result.cases.operations
    assert (shown.name, shown.chosen_here, shown.threshold) == ("shown", False, 0.6)
    assert (shown.true_positives, shown.false_positives, shown.true_negatives, shown.false_negatives) == (1, 1, 1, 1)
    assert {name: metric.value for name, metric in shown.metrics.items()} == {
        **{"accuracy": 0.5, "sensitivity": 0.5, "specificity": 0.5, "ppv": 0.5, "npv": 0.5, "f1": 0.5, "mcc": 0.0}
    }
    assert "closed form" in shown.metrics["f1"].remark
    assert (youden.name, youden.chosen_here, youden.threshold) == ("youden", True, 0.9)
    assert all(operation.chosen_here for operation in result.cases.operations[1:])


def test_malignancy_is_of_lesions_hit(result):
    """A1 malignant at 0.8, by its best mark and not the duplicate; A2 benign at 0.2; B1 is missed."""
    found = result.malignancy
    assert (found.level, found.positives, found.negatives, found.left_out) == ("calcification", 1, 1, 1)
    assert found.auc.value == 1
    assert found.auc.low is None
    assert found.afroc.value is None


def test_malignancy_is_left_out_where_no_file_has_it():
    plain = {name: [(x, y, score, np.nan) for x, y, score, _ in marks] for name, marks in MARKS.items()}
    assert assessed(system(marks=plain)).systems[0].malignancy is None


def test_reliability_is_of_detections_on_a_lesion(result):
    """True at 0.9, 0.5, 0.3; false at 0.8, 0.75, 0.7, 0.2; the ignored one is left out.

    Bins of 0.1, each with its upper edge: 0.75 and 0.8 share one.
    """
    error = (0.1 + 0.5 + 0.7 + 2 * 0.775 + 0.7 + 0.2) / 7
    assert result.reliability.expected_calibration_error.value == pytest.approx(error)
    assert result.reliability.scores == pytest.approx((0.2, 0.3, 0.5, 0.7, 0.775, 0.9))
    assert [share.value for share in result.reliability.shares] == [0, 1, 1, 0, 0, 1]
    assert [share.n for share in result.reliability.shares] == [1, 1, 1, 1, 2, 1]


def test_the_histogram_counts_each_detection_once(result):
    assert {place: sum(numbers) for place, numbers in result.histogram.counts.items()} == {
        **{"hit": 2, "duplicate": 1, "false positive": 3, "elsewhere": 1, "ignored": 1}
    }


def test_strata_are_scored_by_themselves(result):
    strata = {(part.by, part.name): part for part in result.strata}
    assert {by for by, _ in strata} == {"density", "pathology"}
    malignant, benign = strata["pathology", "malignant"], strata["pathology", "benign"]
    assert (malignant.lesions, malignant.patients, malignant.normal_images) == (2, 2, 2)
    assert malignant.area.value == pytest.approx(0.5)
    assert benign.area.value == pytest.approx(49 / 50)
    assert benign.at_one.value == 1
    assert benign.area.low is None
    assert benign.area.remark == "no interval: all lesions are of one patient"


def test_a_stratum_without_normal_images_has_no_number(result):
    (part,) = (part for part in result.strata if part.name == "C")
    assert (part.lesions, part.normal_images, part.area.value) == (1, 0, None)
    assert part.area.remark == "no normal image in this part of the set"
    (by_area,) = (part for part in assessed(system(), per="cm2").systems[0].strata if part.name == "C")
    assert by_area.area.value is None  # rather than counted on images with lesions, unlike its neighbours


def test_a_system_does_not_differ_from_itself():
    compared = assessed(system("first"), system("second"))
    assert {one.measure for one in compared.differences} >= {"AUC50", "sensitivity at 0.5", "ROC AUC"}
    for one in compared.differences:
        assert (one.difference.value, one.difference.low, one.difference.high, one.p_value) == (0, 0, 0, 1)


def test_differences_are_first_minus_second_for_every_pair():
    compared = assessed(system("all"), system("none", marks={}), system("again"))
    areas = {(one.first, one.second): one.difference.value for one in compared.differences if one.measure == "AUC50"}
    assert areas == pytest.approx({("all", "none"): 0.66, ("all", "again"): 0, ("none", "again"): -0.66})
    assert "P-values are not adjusted for several comparisons." in compared.remarks


def test_spacing_and_area_that_one_system_states_serve_all():
    """The truth gives neither; one file does, 0.14 mm a pixel, where 6 px are 0.84 mm: too far for disc14."""
    bare = tuple(truth.model_copy(update={"spacing_mm": None, "breast_area_cm2": None}) for truth in TRUTHS)
    plain, stating = system("plain", marks={"a": [(106, 100, 0.9, np.nan)]}), system("stating")
    images = tuple(dataclasses.replace(i, spacing_mm=(0.14, 0.14), breast_area_cm2=50.0) for i in stating.images)
    stating = dataclasses.replace(stating, images=images)
    alone = assessed(plain, truths=bare).systems[0]
    beside = assessed(plain, stating, truths=bare, per="cm2").systems[0]
    assert (alone.listed.hits, beside.listed.hits) == (1, 0)
    assert beside.froc.denominator == 100  # of two normal images


def test_a_system_that_finds_nothing_is_scored_all_the_same():
    result = assessed(system(marks={})).systems[0]
    assert (result.froc.area.value, result.cases.auc.value, result.cases.afroc.value) == (0, 0.5, 0.5)
    assert result.reliability is None


def test_what_the_detector_shows_is_unknown_without_its_threshold():
    result = assessed(system(detector=None)).systems[0]
    assert result.shown is None
    assert all(image.shown is None for image in result.images)
    assert "shown" not in {operation.name for operation in result.cases.operations}


def test_the_same_seed_gives_the_same_evaluation(evaluation):
    assert assessed(system()) == evaluation
    assert assessed(system(), seed=1).systems[0].froc.area != evaluation.systems[0].froc.area


@pytest.mark.parametrize(("level", "lesions"), [("image", 2), ("patient", 2)])
def test_at_other_levels_the_cases_are_of_the_level(level, lesions):
    result = assessed(system(), level=level).systems[0]
    assert result.froc.lesions == lesions
    assert result.cases.level == level


def test_breasts_need_a_side():
    with pytest.raises(UsageError, match="side"):
        assessed(system(), level="breast")


class TestRemarks:
    def test_few_patients_and_the_end_of_the_curve(self, evaluation):
        assert evaluation.remarks == (
            "Intervals rest on 4 patients only: they are rough.",
            "hand: its file lists detections up to 1.5 false positives per image; from there to 50 its curve is taken "
            "as level.",
        )

    def test_without_normal_images_area_is_the_basis_and_roc_is_undefined(self):
        lesions_only = tuple(truth.model_copy(update={"normal": None}) for truth in TRUTHS)
        with pytest.raises(UsageError, match="--per cm2"):
            assessed(system(), truths=lesions_only)
        by_area = assessed(system(), truths=lesions_only, per="cm2")
        assert by_area.remarks[0].startswith("No image is known to be normal")
        curve, cases = by_area.systems[0].froc, by_area.systems[0].cases
        assert curve.denominator == 400
        assert curve.legacy_area is None
        assert (cases.auc.value, cases.afroc.value) == (None, None)
        assert "negative" in cases.auc.remark
        assert [operation.name for operation in cases.operations] == ["shown"]  # of which some shares are defined
        assert cases.operations[0].metrics["specificity"].value is None

    def test_images_that_no_curve_takes(self):
        unknown = (*TRUTHS[:3], TRUTHS[3].model_copy(update={"normal": None}))
        assert assessed(system(), truths=unknown).remarks[0].startswith("1 image with no lesion asked for")

    def test_assumed_spacing(self):
        unknown = tuple(truth.model_copy(update={"spacing_mm": None}) for truth in TRUTHS)
        assert any("0.07 mm assumed for 4 images" in remark for remark in assessed(system(), truths=unknown).remarks)

    def test_one_patient(self):
        one = tuple(truth.model_copy(update={"patient": "p"}) for truth in TRUTHS)
        alone = assessed(system(), truths=one)
        assert alone.remarks[0] == "There is one patient only, so there are no intervals by resampling."
        result = alone.systems[0]
        assert (result.froc.area.low, result.cases.auc.low, result.froc.band_at) == (None, None, ())

    def test_cases_are_not_drawn_with_detections(self):
        result = assessed(system(), unit="detection").systems[0]
        assert result.froc.area.low is not None
        assert (result.cases.auc.value, result.cases.auc.low) == (0.625, None)
        assert "detections are resampled" in result.cases.auc.remark


class TestChoice:
    CLUSTERED = (ImageTruth(path="a", clusters=(TrueCluster(bbox=(0, 0, 9, 9)),)),)
    ASIDE = (image_truth("a", "p1", (400, 400, None), ignore=(IGNORED,)),)

    @pytest.mark.parametrize(
        ("truths", "level", "chosen"),
        [
            (TRUTHS, None, ("calcification", "disc14")),
            (CLUSTERED, None, ("cluster", "cluster")),
            (ASIDE, None, ("cluster", "cluster")),  # the one calcification is not asked for
            (TRUTHS, "cluster", ("cluster", "cluster")),
            (TRUTHS, "patient", ("patient", "disc14")),
            (CLUSTERED, "patient", ("patient", "cluster")),
        ],
    )
    def test_level_and_rule_follow_from_the_truth(self, truths, level, chosen):
        level, rule = choose_rule(truths, level, None)
        assert (level, rule.name) == chosen

    def test_a_rule_must_fit_the_level(self):
        with pytest.raises(UsageError, match="--level calcification"):
            choose_rule(TRUTHS, "cluster", "iou:0.5")
        assert choose_rule(TRUTHS, "image", "distance:1")[1].name == "distance:1"


def test_diameters_of_a_table_become_boxes_by_the_spacing_used():
    """0.7 mm at 0.07 mm a pixel: 10 px wide, so the box of one pixel at its centre has an IoU of 1/100."""
    found = system(marks={"a": [(100, 100, 0.9, np.nan)]})
    with_diameters = [
        SystemImage(i.path, None, i.marks, None, None, None, None, np.full(len(i.marks), 0.7)) for i in found.images
    ]
    for rule, hits in (("iou:0.01", 1), ("iou:0.011", 0)):
        (scored,) = score_systems(TRUTHS, [found], [with_diameters], choose_rule(TRUTHS, None, rule)[1])
        assert scored.images[0].match.hits == hits
    assert scored.images[0].detections.boxes.tolist() == [pytest.approx([95, 95, 105, 105])]
