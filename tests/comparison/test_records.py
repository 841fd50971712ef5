"""The evaluation's JSON: what is written is read back, and nothing half-valid is either."""

import json

import pytest

from microcalc.comparison.records import Estimate, Evaluation
from microcalc.errors import ReadError


def test_what_is_written_is_read_back(make_evaluation, tmp_path):
    evaluation, path = make_evaluation(), tmp_path / "evaluation.json"
    path.write_text(evaluation.to_json())
    assert json.loads(path.read_text())["schema"] == "microcalc.evaluation/1"
    assert Evaluation.from_json(path) == evaluation


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_null_and_never_nan(number):
    assert Estimate(value=None, remark="one class only").value is None
    with pytest.raises(ValueError, match="finite"):
        Estimate(value=number)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda document: document.update(schema="microcalc.findings/1"), "schema"),
        (lambda document: document["settings"].update(level="pixel"), "settings.level"),
        (lambda document: document["truth"].pop("lesions"), "truth.lesions"),
        (lambda document: document["systems"][0]["froc"].update(auc=1), "froc.auc"),
    ],
)
def test_another_document_is_refused_by_the_place_that_is_wrong(make_evaluation, tmp_path, change, says):
    document = json.loads(make_evaluation().to_json())
    change(document)
    (tmp_path / "evaluation.json").write_text(json.dumps(document))
    with pytest.raises(ReadError, match=says):
        Evaluation.from_json(tmp_path / "evaluation.json")
