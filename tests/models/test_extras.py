"""What is missing is named as a user installs it."""

import pytest

from microcalc.errors import UsageError
from microcalc.models.extras import needs


def missing(name):
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("torch", "torch"),
        ("torch.nn.functional", "torch"),
        ("sklearn.svm", "scikit-learn"),
        ("mlflow", "mlflow-skinny"),
    ],
)
def test_a_missing_package(module, package):
    with (
        pytest.raises(
            UsageError, match=rf'^expected the package {package}, found none; .*pip install "microcalc\[train\]"$'
        ),
        needs("train", "torch", "sklearn", "mlflow"),
    ):
        missing(module)


def test_another_missing_module_is_a_fault_of_ours():
    with pytest.raises(ModuleNotFoundError, match="microcalc"), needs("train", "torch"):
        missing("microcalc.nothing")


def test_what_is_there_goes_through():
    with needs("train", "json"):
        import json
    assert json.loads("1") == 1
