"""Two-sample test on tile statistics: can a classifier tell one set of pictures from another it has not seen?

0.5 is chance; a value below it says that what told the training pictures apart did not hold for the others. Statistics
(``summary.FEATURES``) and classifiers were fixed before any phantom was compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from likeness.folds import Auc, Fold, over_folds, units_of

Values = NDArray[np.float64]
#: Train values (n, features), labels (n,), test values (m, features) -> scores (m,).
Classifier = Callable[[Values, NDArray[np.bool_], Values], Values]


def logistic(train: Values, labels: NDArray[np.bool_], test: Values) -> Values:
    """Regularised logistic regression on standardised values."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000))
    return np.asarray(model.fit(train, labels).decision_function(test))


def boosting(train: Values, labels: NDArray[np.bool_], test: Values) -> Values:
    """A hundred shallow trees."""
    model = HistGradientBoostingClassifier(
        max_iter=100, max_depth=3, learning_rate=0.1, class_weight="balanced", random_state=0
    )
    return np.asarray(model.fit(train, labels).decision_function(test))


CLASSIFIERS: dict[str, Classifier] = {"logistic regression": logistic, "gradient boosting": boosting}


def separate(folds: Sequence[Fold], classifier: Classifier) -> Auc:
    """How well the second set is told from the first by the statistics of their tiles."""
    results = []
    for fold in folds:
        train, test = ([np.concatenate([s.tiles for s in part]) for part in sets] for sets in (fold.train, fold.test))
        labels, truth = (np.repeat([False, True], [len(part) for part in sets]) for sets in (train, test))
        scores = classifier(np.concatenate(train), labels, np.concatenate(test))
        results.append((scores, truth, units_of([s.corners for part in fold.test for s in part])))
    return over_folds(results)
