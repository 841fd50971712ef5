"""Classifiers compared on each family of features by case-wise cross-validation (Cortina Uribe et al., Table 2).

Section 2.2.4: support vector machine, random forest and XGBoost's random forest with their default parameters, on first
order statistics, Gabor, wavelet and Haar-like features and on all of them; training candidates sampled 1:10, measured
at the original prevalence. Features are normalised on the training folds; the paper's public code does so to 0..1, and
so does the recipe.

XGBoost is not needed for anything else and may be missing: its rows then say so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC

from microcalc.evaluation.classification import auc, average_precision, roc
from microcalc.findings import Record
from microcalc.models.cascade import RbfSvm, stored
from microcalc.recipe import Comparison, Normalisation, Svm
from microcalc.training.pool import Labels, Pool, columns, downsample, patient_folds
from microcalc.training.samples import Features, Indices

Array = NDArray[np.float64]
Decide = Callable[[Features], Array]

#: Of Figure 12: on all features, and the runner-up of Table 2.
_SHOWN = (("XGBRF", "all"), ("RF", "all"), ("SVM", "wavelet"), ("SVM", "all"))
#: Steps along each axis of a curve that is drawn.
_POINTS = 200
#: MB that libsvm may fill with rows of the kernel.
_CACHE_MB = 1000


class TableRow(Record):
    """A row of Table 2: mean and standard deviation over the folds; None where ``remark`` says why."""

    classifier: str
    features: str
    auroc: float | None = None
    auroc_sd: float | None = None
    auprc: float | None = None
    auprc_sd: float | None = None
    remark: str | None = None


class Curve(Record):
    """A classifier trained on the training part and shown the validation part (Figure 12); a few hundred points."""

    classifier: str
    features: str
    auroc: float
    auprc: float
    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]
    precision: tuple[float, ...]


def normalisation(features: Features, kind: Normalisation) -> tuple[Array, Array]:
    """What to take from each feature and what to divide it by, (F,) each, so that ``features`` (n, F) become alike.

    A feature that is the same for all is divided by 1.
    """
    if kind == "min-max":
        offset, spread = features.min(axis=0).astype(np.float64), np.ptp(features, axis=0).astype(np.float64)
    else:
        offset, spread = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    return offset, np.where(spread > 0, spread, 1.0)


def fit_svm(features: Features, labels: Labels, machine: Svm, kind: Normalisation) -> RbfSvm:
    """Train a support vector machine with a radial kernel.

    Args:
        features: (n, F).
        labels: (n,).
        machine: its C and gamma; ``scale`` is 1 / (F * variance of the normalised features), as in scikit-learn.
        kind: how the features are normalised first.
    """
    offset, scale = normalisation(features, kind)
    normalised = (features - offset) / scale
    gamma = gamma_of(machine, normalised)
    fitted = SVC(C=machine.C, kernel="rbf", gamma=gamma, cache_size=_CACHE_MB).fit(normalised, labels)
    return RbfSvm(
        support=stored(fitted.support_vectors_),
        coefficients=fitted.dual_coef_[0],
        intercept=float(fitted.intercept_[0]),
        gamma=gamma,
        offset=offset,
        scale=scale,
    )


def gamma_of(machine: Svm, normalised: Array) -> float:
    """The kernel's gamma as a number."""
    if machine.gamma == "scale":
        return float(1.0 / (normalised.shape[1] * normalised.var()))
    return machine.gamma


def _svm(features: Features, labels: Labels, seed: int, kind: Normalisation) -> Decide:
    return fit_svm(features, labels, Svm(kernel="rbf", C=1.0), kind).decide


def _forest(features: Features, labels: Labels, seed: int, kind: Normalisation) -> Decide:
    forest = RandomForestClassifier(random_state=seed, n_jobs=-1).fit(features, labels)
    return lambda seen: np.asarray(forest.predict_proba(seen)[:, 1])


def _boosted_forest(features: Features, labels: Labels, seed: int, kind: Normalisation) -> Decide:
    from xgboost import XGBRFClassifier  # type: ignore[import-not-found,unused-ignore]  # optional

    forest = XGBRFClassifier(random_state=seed).fit(features, labels)
    return lambda seen: np.asarray(forest.predict_proba(seen)[:, 1], np.float64)


#: Name in Table 2 -> how it is trained (features, labels, seed, normalisation). Trees need no normalisation.
CLASSIFIERS: dict[str, Callable[[Features, Labels, int, Normalisation], Decide]] = {
    "XGBRF": _boosted_forest,
    "RF": _forest,
    "SVM": _svm,
}


def compare(
    pool: Pool,
    haar: Indices,
    *,
    classifiers: Sequence[str] = tuple(CLASSIFIERS),
    comparison: Comparison,
    ratio: int,
    kind: Normalisation,
    seed: int,
) -> tuple[TableRow, ...]:
    """Cross-validate classifiers on each family of features and on all of them.

    Args:
        pool: training images only.
        haar: prototypes chosen.
        classifiers: out of ``CLASSIFIERS``.
        comparison: folds, and how many candidates a classifier is trained on.
        ratio: negatives a positive in training.
        kind: how features are normalised for the machines.
        seed: of samples, folds and forests.

    Raises:
        UsageError: fewer patients with true candidates than folds.
    """
    there = [name for name in classifiers if _is_there(name)]
    sets = columns(pool.families, haar)
    numbers: dict[tuple[str, str], list[tuple[float, float]]] = {(c, s): [] for c in there for s in sets}
    fold = patient_folds(pool.patient, pool.labels, comparison.folds, seed)
    for held_out in range(comparison.folds):
        others, own = np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)
        rng = np.random.default_rng((seed, held_out))
        rows = others[downsample(pool.labels[others], ratio, rng, comparison.candidates)]
        learnt, seen = pool.features(rows, haar), pool.features(own, haar)
        for (classifier, name), reached in numbers.items():
            part = sets[name]
            decide = CLASSIFIERS[classifier](learnt[:, part], pool.labels[rows], seed + held_out, kind)
            scores = decide(seen[:, part])
            reached.append((auc(pool.labels[own], scores), average_precision(pool.labels[own], scores)))
    return tuple(_row(c, s, np.array(numbers.get((c, s), []))) for c in classifiers for s in sets)


def curves(
    train: Pool, validation: Pool, haar: Indices, comparison: Comparison, ratio: int, kind: Normalisation, seed: int
) -> tuple[Curve, ...]:
    """Train the best classifiers of Table 2 once more and show them the validation part; arguments as ``compare``."""
    sets = columns(train.families, haar)
    shown = [(classifier, name) for classifier, name in _SHOWN if _is_there(classifier) and name in sets]
    rows = downsample(train.labels, ratio, np.random.default_rng(seed), comparison.candidates)
    learnt, labels = train.features(rows, haar), train.labels[rows]
    systems = {
        (classifier, name): _on(sets[name], CLASSIFIERS[classifier](learnt[:, sets[name]], labels, seed, kind))
        for classifier, name in shown
    }
    scores = validation.scores(haar, systems)
    return tuple(_curve(*key, validation.labels, validation.of_rows(of)) for key, of in scores.items())


def _on(part: slice, decide: Decide) -> Decide:
    return lambda features: decide(features[:, part])


def _curve(classifier: str, features: str, labels: Labels, scores: Array) -> Curve:
    found = roc(labels, scores)
    rates = found.false_positive_rate, found.true_positive_rate
    # Evenly along both axes: hits are few among many candidates, and the highest scores are theirs.
    evenly = [np.searchsorted(rate, np.linspace(0, 1, _POINTS + 1)[1:]) for rate in rates]
    chosen = np.unique(np.concatenate(evenly).clip(1, len(found.thresholds) - 1))
    false, true = (rate[chosen] for rate in rates)
    hits, others = true * labels.sum(), false * (~labels).sum()
    return Curve(
        classifier=classifier,
        features=features,
        auroc=found.auc,
        auprc=average_precision(labels, scores),
        false_positive_rate=tuple(false.tolist()),
        true_positive_rate=tuple(true.tolist()),
        precision=tuple((hits / (hits + others)).tolist()),
    )


def _is_there(classifier: str) -> bool:
    return classifier != "XGBRF" or find_spec("xgboost") is not None


def _row(classifier: str, features: str, reached: Array) -> TableRow:
    if not reached.size:
        return TableRow(
            classifier=classifier,
            features=features,
            remark='xgboost is not installed: pip install "microcalc[classic]"',
        )
    (auroc, auprc), (auroc_sd, auprc_sd) = reached.mean(axis=0).tolist(), reached.std(axis=0).tolist()
    return TableRow(
        classifier=classifier, features=features, auroc=auroc, auroc_sd=auroc_sd, auprc=auprc, auprc_sd=auprc_sd
    )
