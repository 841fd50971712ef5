"""Methods as a call names them."""

import pytest

from microcalc.benchmark.named import all_detectors, named_detectors, parse_proposer
from microcalc.errors import UsageError


class TestProposers:
    def test_a_name_alone_leaves_all_parameters_as_they_are(self):
        assert parse_proposer("hdog").parameters == {}

    def test_parameters_are_numbers_flags_or_words(self):
        proposer = parse_proposer("hough:first_quantile=0.9:second_pass=false")
        assert (proposer.name, proposer.parameters) == ("hough", {"first_quantile": 0.9, "second_pass": False})
        assert parse_proposer("hdog:condition=roundness").parameters == {"condition": "roundness"}

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("canny", "canny"),
            ("hdog:radius=3", "radius"),
            ("hdog:condition", ":name=value"),
            ("hdog:condition=square", "square"),
            ("hdog:threshold=null", "threshold"),
            ("hough:first_quantile=0.9:first_quantile=0.8", "once"),
            ("morphology:first_quantile=NaN", "first_quantile"),
            ("", "hdog"),
        ],
    )
    def test_what_makes_no_sense(self, text, says):
        with pytest.raises(UsageError, match=says):
            parse_proposer(text)


class TestDetectors:
    def test_all_there_are_go_by_their_own_names(self):
        assert list(named_detectors(all_detectors())) == [*all_detectors()]
        assert {"morphology", "hough", "hdog"} <= {*all_detectors()}

    def test_a_call_may_name_one(self):
        assert named_detectors(["morphology", "ours=hdog"]) == {"morphology": "morphology", "ours": "hdog"}

    @pytest.mark.parametrize(
        ("asked", "says"),
        [
            (["hdog", "hdog"], "'hdog' twice"),
            (["a/b=hdog"], "a/b"),
            (["=hdog"], "old=first"),
            (["..=hdog"], "of its own"),
            (["watershed"], "watershed"),
            (["ours=watershed"], "watershed"),
        ],
    )
    def test_what_makes_no_sense(self, asked, says):
        with pytest.raises(UsageError, match=says):
            named_detectors(asked)
