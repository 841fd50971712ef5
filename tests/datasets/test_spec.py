import pytest

from microcalc.datasets.spec import Spec, parse
from microcalc.errors import UsageError


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("truth:/data/mine", Spec("truth", "/data/mine")),
        ("bench:v1-small", Spec("bench", "v1-small")),
        ("truth:C:/images", Spec("truth", "C:/images")),
        (
            "cbis_ddsm:/data/CBIS?abnormality=calcification&spacing_mm=0.05",
            Spec("cbis_ddsm", "/data/CBIS", {"abnormality": "calcification", "spacing_mm": "0.05"}),
        ),
        ("coco:/d/a.json?images=/d/x=y", Spec("coco", "/d/a.json", {"images": "/d/x=y"})),
        ("truth:/data/mine?", Spec("truth", "/data/mine")),
    ],
)
def test_a_spec_is_taken_apart(text, spec):
    assert parse(text) == spec
    assert parse(str(spec)) == spec


def test_a_path_that_is_there_with_its_question_mark_wins(tmp_path):
    odd = tmp_path / "what?yes=1"
    odd.mkdir()
    assert parse(f"truth:{odd}") == Spec("truth", str(odd))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "KIND:PLACE"),
        ("/data/mine", "name the kind of data first"),
        (":v1", "name kind and place"),
        ("truth:", "name kind and place"),
        ("truth:/d?seed", "name=value"),
        ("truth:/d?=1", "name=value"),
        ("truth:/d?a=1&a=2", "each once"),
        ("truth:?a=1", "behind the place"),
    ],
)
def test_what_is_no_spec(text, message):
    with pytest.raises(UsageError, match=message):
        parse(text)
