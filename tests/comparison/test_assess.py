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
from microcalc.errors import ReadError, UsageError
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


def system(name="hand", marks=MARKS, detector=DETECTOR, truths=TRUTHS):
    images = []
    for truth in truths:
        table = np.array(marks.get(Path(truth.path).stem, ()), np.float64).reshape(-1, 4)
        found = Detections(table[:, :2], table[:, 2], np.full((len(table), 4), np.nan), table[:, 3])
        images.append(SystemImage(truth.path, None, found, None, None, None, None))
    return System(name, Path(f"{name}.csv"), "ab" * 32, detector, tuple(images), ())


def assessed(*systems, truths=TRUTHS, level=None, per="image", unit="patient", seed=0):
    level, rule = choose_rule(truths, level, None)
    scored = score_systems(truths, systems, [one.images for one in systems], rule, per)
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
        *(account.lesions, account.lesions_found, account.lesions_missed, account.detections, account.detections_hit),
        *(account.duplicates, account.false_positives, account.false_positives_elsewhere, account.ignored),
    )


def test_every_lesion_and_detection_is_accounted_for(result):
    assert counts(result.listed) == (3, 2, 1, 8, 2, 1, 3, 1, 1)
    assert counts(result.shown) == (3, 1, 2, 5, 1, 0, 2, 1, 1)  # 0.9, 0.95, 0.8, 0.75 and 0.7 are shown
    assert (result.listed.threshold, result.shown.threshold) == (None, 0.6)
    assert np.sum([counts(image.listed) for image in result.images], axis=0).tolist() == list(counts(result.listed))
    assert np.sum([counts(image.shown) for image in result.images], axis=0).tolist() == list(counts(result.shown))
    assert counts(result.images[0].listed) == (2, 2, 0, 5, 2, 1, 0, 1, 1)


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
    """False positives are divided by the images with any lesion or false positive: a, b and n, but not m.

    At its points: 0, 0, 1/3, 2/3, 2/3, 1 false positives and 1/3, 1/3, 1/3, 1/3, 2/3, 2/3 of the lesions. Joined by
    straight lines: 1/3 wide and 1/3 high, again, then 1/3 wide and 2/3 high: 4/9 of the 1 that it ends at.
    """
    legacy = assessed(system(), per="legacy")
    curve = legacy.systems[0].froc
    assert (curve.thresholds, curve.denominator) == ((0.9, 0.8, 0.75, 0.7, 0.3, 0.2), 3)
    assert curve.area.value == pytest.approx(4 / 9)
    assert curve.legacy_area == pytest.approx(4 / 9)
    assert legacy.systems[0].strata == ()  # images of other strata would leave the denominator
    assert any("averaged up to there, not up to 50" in remark for remark in legacy.remarks)


def test_without_a_false_positive_there_is_no_legacy_area_and_no_difference():
    clean = {"a": [(100, 100, 0.9, np.nan)]}
    compared = assessed(system("clean", marks=clean), system("other"), per="legacy")
    why = "no false positive, so the legacy area is over nothing"
    assert (compared.systems[0].froc.area.value, compared.systems[0].froc.area.remark) == (None, why)
    area = compared.differences[0]
    assert (area.difference.value, area.difference.remark, area.p_value, area.least_p) == (None, why, None, None)


def test_the_cases_are_images(result):
    """Positive: a at 0.9, b unmarked. Negative: n at 0.75, m unmarked. Of four pairs 2 are right and one is tied."""
    cases = result.cases
    assert (cases.level, cases.positives, cases.negatives, cases.left_out) == ("image", 2, 2, 0)
    assert cases.auc.value == cases.auc_delong.value == 2.5 / 4
    assert cases.average_precision.value == 0.75  # precision 1 up to one half, then 2 of 4
    assert cases.thresholds == (0.9, 0.75, None)  # no threshold reaches b and m
    assert cases.false_positive_rate == (0, 0.5, 1)
    assert cases.true_positive_rate == (0.5, 0.5, 1)
    # Lesions at 0.9, 0.3, unmarked against images at 0.75, unmarked: 1 + 1 + 0 + 1 + 0 + 1/2 of six pairs.
    assert result.afroc.value == pytest.approx(3.5 / 6)


def test_an_operating_point_says_whether_it_was_chosen_here(result):
    shown, youden, *_ = result.cases.operations
    assert (shown.name, shown.chosen_here, shown.threshold) == ("own", False, 0.6)
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
    assert (benign.at.false_positives, benign.at.sensitivity.value) == (1, 1)
    assert benign.area.low is None
    assert benign.area.remark == "no interval: all lesions are of one patient"
    assert (malignant.area.low, malignant.area.remark) == (
        *(None, "no interval: it would rest on 2 patients with lesions only"),
    )


def test_a_stratum_is_resampled_by_its_own_patients():
    """Six patients of density C stand behind four images of one patient of density B."""
    of_one = [image_truth(f"a{i}", "p", (100, 100, None)) for i in range(4)]
    of_six = [image_truth(f"b{i}", f"q{i}", (100, 100, None), density="C") for i in range(6)]
    normal = [image_truth(f"n{i}", f"r{i}", normal=True, density="BC"[i % 2]) for i in range(12)]
    truths = (*of_one, *of_six, *normal)
    marks = {f"b{i}": [(100, 100, 0.5 + 0.05 * i, np.nan)] for i in range(5)}
    marks |= {f"n{i}": [(9, 9, 0.6, np.nan)] for i in range(0, 12, 3)}
    found = {part.name: part for part in assessed(system(marks=marks, truths=truths), truths=truths).systems[0].strata}
    assert found["B"].area.remark == "no interval: all lesions are of one patient"
    assert found["C"].area.low < found["C"].area.high


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
        assert (one.difference.value, one.difference.low) == (0, None)  # an interval of no width says nothing
        assert one.p_value == (None if one.measure == "ROC AUC (DeLong)" else 1)


def test_afroc_and_delong_are_compared_too():
    """AFROC 3.5/6 against 1/2 of nothing marked, ROC 2.5/4 against 1/2."""
    compared = assessed(system("all"), system("none", marks={}))
    differences = {one.measure: one for one in compared.differences}
    assert differences["AFROC"].difference.value == pytest.approx(0.5 / 6)
    assert differences["ROC AUC (DeLong)"].difference.value == pytest.approx(0.125)
    assert 0 < differences["ROC AUC (DeLong)"].p_value < 1
    assert (differences["AFROC"].least_p, differences["ROC AUC (DeLong)"].least_p) == (None, None)
    (again,) = (one for one in assessed(system(), system("again")).differences if one.measure == "AFROC")
    assert (again.difference.remark, again.p_value) == ("no interval: the same without any one case", 1)


def test_a_difference_says_on_how_many_resamples_it_is_defined():
    """Some resamples of four patients lack the lesions, or the normal images."""
    (area, *_) = assessed(system("all"), system("none", marks={})).differences
    undefined, of = (int(word) for word in area.difference.remark.split() if word.isdigit())
    assert (undefined > 0, of) == (True, 200)
    assert area.least_p == pytest.approx(2 / (200 - undefined + 1))


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
    assert (alone.listed.lesions_found, beside.listed.lesions_found) == (1, 0)
    assert beside.froc.denominator == 100  # of two normal images


def test_files_that_disagree_on_an_image_are_refused_in_any_order():
    bare = tuple(truth.model_copy(update={"spacing_mm": None, "breast_area_cm2": None}) for truth in TRUTHS)

    def stating(name, **fields):
        plain = system(name)
        return dataclasses.replace(plain, images=tuple(dataclasses.replace(i, **fields) for i in plain.images))

    fine, coarse = stating("fine", spacing_mm=(0.07, 0.07)), stating("coarse", spacing_mm=(0.14, 0.14))
    for pair in ((fine, coarse), (coarse, fine)):
        with pytest.raises(ReadError, match=r"0\.14, 0\.14\) in coarse.*add spacing_mm to the truth"):
            assessed(*pair, truths=bare)
    with pytest.raises(ReadError, match=r"in coarse.*in the truth"):
        assessed(coarse)
    assessed(stating("near", spacing_mm=(0.0704, 0.0704)))  # within 1 %
    small, large = stating("small", breast_area_cm2=50.0), stating("large", breast_area_cm2=200.0)
    for pair in ((small, large), (large, small)):
        with pytest.raises(ReadError, match="add breast_area_cm2"):
            assessed(*pair, truths=bare, per="cm2")
        assert assessed(*pair, truths=bare).systems[0].froc.denominator == 2  # areas do not matter there


def test_a_system_that_finds_nothing_is_scored_all_the_same():
    result = assessed(system(marks={})).systems[0]
    assert (result.froc.area.value, result.cases.auc.value, result.afroc.value) == (0, 0.5, 0.5)
    assert result.reliability is None


def test_what_the_detector_shows_is_unknown_without_its_threshold():
    result = assessed(system(detector=None)).systems[0]
    assert result.shown is None
    assert all(image.shown is None for image in result.images)
    assert "own" not in {operation.name for operation in result.cases.operations}


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


def test_an_operating_point_beyond_all_scores_is_not_stated():
    """A sensitivity of 0.9 takes b, too: it has no mark, unless one at 0.15 is added."""
    assert "sensitivity 0.9" not in {it.name for it in assessed(system()).systems[0].cases.operations}
    found = assessed(system(marks=MARKS | {"b": [(9, 9, 0.15, np.nan)]})).systems[0].cases.operations
    assert {it.name: it.threshold for it in found}["sensitivity 0.9"] == 0.15


def test_an_undefined_metric_says_why():
    """At a threshold of 0.99 no case is called positive: PPV is on none, MCC on one answer only, F1 is 0."""
    high = DETECTOR.model_copy(update={"threshold": 0.99})
    metrics = assessed(system(detector=high)).systems[0].cases.operations[0].metrics
    assert (metrics["ppv"].value, metrics["ppv"].n, metrics["f1"].value) == (None, 0, 0)
    assert (metrics["mcc"].value, metrics["mcc"].remark) == (None, "all cases are, or are called, the same")


def test_each_system_has_malignancy_on_the_lesions_it_hits():
    """The second hits B1 (malignant, at 0.3) and A2 (benign, at 0.2), and not A1."""
    second = {"a": [(300, 100, 0.3, 0.2)], "b": [(200, 200, 0.4, 0.3)]}
    both = [one.malignancy for one in assessed(system(), system("second", marks=second)).systems]
    assert [(it.positives, it.negatives, it.left_out, it.auc.value) for it in both] == [(1, 1, 1, 1), (1, 1, 1, 1)]


class TestOnePatientOnly:
    """Normal images n and m of one patient, then lesions a and b of one."""

    def test_normal_images(self):
        truths = (*TRUTHS[:2], *(truth.model_copy(update={"patient": "p"}) for truth in TRUTHS[2:]))
        result = assessed(system(), truths=truths).systems[0]
        assert result.froc.area.remark == "no interval: all normal images are of one patient"
        assert result.cases.auc.remark == "no interval: all negative cases are of one patient"

    def test_lesions(self):
        truths = (*(truth.model_copy(update={"patient": "p"}) for truth in TRUTHS[:2]), *TRUTHS[2:])
        result = assessed(system(), truths=truths).systems[0]
        assert result.cases.auc.remark == "no interval: all positive cases are of one patient"
        assert result.afroc.value is None  # one patient with a lesion cannot be left out
        assert assessed(system(), truths=truths, unit="image").systems[0].afroc.value == pytest.approx(3.5 / 6)


class TestRemarks:
    def test_few_patients_and_the_end_of_the_curve(self, evaluation):
        assert evaluation.remarks == (
            "Intervals rest on 2 patients with lesions only: rough, where there are any.",
            "hand: its file lists detections up to 1.5 false positives per image; from there to 50 its curve is taken "
            "as level.",
            "hand: no threshold is stated for sensitivity 0.9, which would lie beyond all its scores.",
        )

    def test_it_is_the_rarer_kind_of_patient_that_counts(self):
        many = (*TRUTHS, *(image_truth(f"n{i}", f"q{i}", normal=True) for i in range(30)))
        assert assessed(system(truths=many), truths=many).remarks[0].startswith("Intervals rest on 2 patients with les")

    def test_detections_as_units_are_not_few_patients(self):
        (first, *_) = assessed(system(), unit="detection").remarks
        assert first.startswith("Intervals take each detection for independent")
        one = tuple(truth.model_copy(update={"patient": "p"}) for truth in TRUTHS)
        assert not any("only" in remark for remark in assessed(system(), truths=one, unit="detection").remarks)
        lone = (TRUTHS[0].model_copy(update={"normal": None}),)
        remarks = assessed(system(truths=lone), truths=lone, per="cm2", unit="detection").remarks
        assert not any(remark.startswith("There is one") for remark in remarks)

    def test_without_normal_images_area_is_the_basis_and_roc_is_undefined(self):
        lesions_only = tuple(truth.model_copy(update={"normal": None}) for truth in TRUTHS)
        with pytest.raises(UsageError, match="--per cm2"):
            assessed(system(), truths=lesions_only)
        by_area = assessed(system(), truths=lesions_only, per="cm2")
        assert by_area.remarks[0].startswith("No image is known to be normal")
        curve, cases = by_area.systems[0].froc, by_area.systems[0].cases
        assert curve.denominator == 400
        listed = by_area.systems[0].listed
        assert (listed.false_positives, listed.false_positives_elsewhere) == (4, 0)  # as the curve counts them
        assert curve.legacy_area is None
        assert (cases.auc.value, by_area.systems[0].afroc.value) == (None, None)
        assert cases.auc.remark == "no negative case"
        assert [operation.name for operation in cases.operations] == ["own"]  # of which some shares are defined
        assert cases.operations[0].metrics["specificity"].value is None

    def test_images_that_no_curve_takes(self):
        unknown = (*TRUTHS[:3], TRUTHS[3].model_copy(update={"normal": None}))
        assert assessed(system(), truths=unknown).remarks[0].endswith("not known to be normal either: in no curve.")
        legacy = assessed(system(), truths=unknown, per="legacy")
        assert legacy.remarks[0].endswith(
            "those with a mark count among the images that false positives are divided by."
        )

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
            (ASIDE, "patient", ("patient", "cluster")),
        ],
    )
    def test_level_and_rule_follow_from_the_truth(self, truths, level, chosen):
        level, rule = choose_rule(truths, level, None)
        assert (level, rule.name) == chosen

    def test_a_rule_must_fit_the_level(self):
        with pytest.raises(UsageError, match="--level calcification"):
            choose_rule(TRUTHS, "cluster", "iou:0.5")
        assert choose_rule(TRUTHS, "image", "distance:1")[1].name == "distance:1"

    def test_a_rule_alone_says_the_level(self):
        assert choose_rule(TRUTHS, None, "cluster")[0] == "cluster"
        assert choose_rule(self.CLUSTERED, None, "disc14")[0] == "calcification"


def test_diameters_of_a_table_become_boxes_by_the_spacing_used():
    """0.7 mm at 0.07 mm a pixel: 10 px wide, so the box of one pixel at its centre has an IoU of 1/100."""
    points = (TrueCalcification(x=x, y=100, diameter_mm=0.07) for x in (100, 300))
    truths = (TRUTHS[0].model_copy(update={"calcifications": tuple(points)}), TRUTHS[2], TRUTHS[3])
    found = system(marks={"a": [(100, 100, 0.9, np.nan)]}, truths=truths)
    with_diameters = [
        SystemImage(i.path, None, i.marks, None, None, None, None, np.full(len(i.marks), 0.7)) for i in found.images
    ]
    for rule, hits in (("iou:0.01", 1), ("iou:0.011", 0)):
        (scored,) = score_systems(truths, [found], [with_diameters], choose_rule(truths, None, rule)[1])
        assert scored.images[0].match.hits == hits
    assert scored.images[0].detections.boxes.tolist() == [pytest.approx([95, 95, 105, 105])]
