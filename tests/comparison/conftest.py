"""An evaluation made by hand, for what shows it."""

from collections.abc import Callable

import pytest

from microcalc.comparison.records import (
    Account,
    At,
    CaseResult,
    Difference,
    Estimate,
    Evaluation,
    FrocResult,
    Histogram,
    ImageAccount,
    Operation,
    Reliability,
    Settings,
    Stratum,
    SystemResult,
    TruthInfo,
)
from microcalc.findings import DetectorInfo

NONE = Estimate(value=None, remark="one class only")


def around(value: float) -> Estimate:
    return Estimate(value=value, low=value - 0.05, high=value + 0.05, n=40)


def froc(shift: float) -> FrocResult:
    return FrocResult(
        lesions=40,
        normal_images=10,
        denominator=10.0,
        limit=50.0,
        area=around(0.812 - shift),
        legacy_area=0.9,
        at=tuple(At(false_positives=fp, sensitivity=around(0.3 + fp / 20 - shift)) for fp in (0.5, 1, 2, 5, 10)),
        thresholds=(0.9, 0.6, 0.4, 0.2),
        false_positives=(0.1, 0.4, 3.0, 20.0),
        sensitivity=(0.2, 0.5, 0.7 - shift, 0.85 - shift),
        band_at=(0.1, 1.0, 10.0, 50.0),
        band_low=(0.1, 0.4, 0.6 - shift, 0.7 - shift),
        band_high=(0.3, 0.6, 0.8 - shift, 0.95 - shift),
    )


def account(threshold: float | None) -> Account:
    return Account(
        threshold=threshold,
        lesions=40,
        ignored_lesions=3,
        lesions_found=31,
        lesions_missed=9,
        detections=67,
        detections_hit=30,
        duplicates=5,
        false_positives=12,
        false_positives_elsewhere=18,
        ignored=2,
    )


def operation(name: str, threshold: float) -> Operation:
    metrics = dict.fromkeys(("accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "mcc"), around(0.75))
    return Operation(
        name=name,
        threshold=threshold,
        chosen_here=name != "own",
        true_positives=9,
        false_positives=2,
        true_negatives=8,
        false_negatives=1,
        metrics=metrics | {"npv": NONE},
    )


def cases() -> CaseResult:
    return CaseResult(
        level="image",
        positives=10,
        negatives=10,
        left_out=1,
        auc=around(0.9),
        auc_delong=around(0.91),
        average_precision=around(0.88),
        thresholds=(0.9, 0.5, 0.1),
        false_positive_rate=(0.0, 0.2, 1.0),
        true_positive_rate=(0.5, 0.9, 1.0),
        operations=(operation("own", 0.4), operation("youden", 0.55)),
    )


def system(name: str, shift: float) -> SystemResult:
    detector = DetectorInfo(
        name="morphology", version="1", operating_point="default", threshold=0.4, score_floor=0.01, calibrated=False
    )
    return SystemResult(
        name=name,
        source=f"{name}.json",
        sha256="ab" * 32,
        detector=detector,
        listed=account(None),
        shown=account(0.4),
        froc=froc(shift),
        afroc=around(0.77),
        cases=cases(),
        malignancy=None,
        histogram=Histogram(
            edges=tuple(i / 4 for i in range(5)),
            counts={
                "hit": (1, 2, 7, 20),
                "duplicate": (0, 1, 2, 2),
                "false positive": (90, 30, 5, 1),
                "elsewhere": (60, 20, 4, 0),
                "ignored": (0, 0, 0, 2),
            },
        ),
        reliability=Reliability(
            scores=(0.1, 0.4, 0.8), shares=(around(0.06), around(0.3), NONE), expected_calibration_error=around(0.12)
        ),
        strata=tuple(
            Stratum(
                by=by,
                name=part,
                patients=4,
                lesions=12,
                normal_images=5,
                area=area,
                at=At(false_positives=1, sensitivity=area),
            )
            for by, part, area in (
                ("density", "B", around(0.8 - shift)),
                ("density", "C", around(0.7 - shift)),
                ("morphology", "fine linear or branching", NONE),
                ("morphology", "punctate", around(0.85 - shift)),
            )
        ),
        images=(ImageAccount(path="a.dcm", normal=False, listed=account(None), shown=account(0.4)),),
    )


@pytest.fixture(scope="session")
def make_evaluation() -> Callable[..., Evaluation]:
    """An evaluation of two systems; fields can be replaced."""

    def make_evaluation(**fields: object) -> Evaluation:
        plain = Evaluation(
            microcalc="0.1.0",
            settings=Settings(
                level="calcification",
                rule="disc14",
                per="image",
                split="test",
                unmatched="fail",
                resample="patient",
                draws=1000,
                seed=0,
            ),
            truth=TruthInfo(source="truth.json", sha256="cd" * 32, images=20, normal_images=10, patients=5, lesions=40),
            remarks=("Two images name no side.",),
            systems=(system("first", 0.0), system("second", 0.1)),
            differences=(
                Difference(
                    first="first",
                    second="second",
                    measure="AUC50",
                    difference=around(0.1),
                    p_value=0.0312,
                    least_p=0.002,
                ),
                Difference(
                    first="first", second="second", measure="ROC AUC", difference=NONE, p_value=None, least_p=None
                ),
            ),
        )
        return plain.model_copy(update=fields)

    return make_evaluation
