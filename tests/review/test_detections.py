"""Findings on every image, kept; what failed is tried again."""

import dataclasses

from microcalc.parallel import process_pool
from microcalc.review.detections import detect_all


def test_an_image_that_fails_costs_itself_and_is_tried_again(table, detections, tmp_path):
    good, bad = table[0], dataclasses.replace(table[1], path=tmp_path / "missing.dcm")
    told = []
    first = detect_all([good, bad], tmp_path, on_outcome=lambda *outcome: told.append(outcome[1:]))
    assert told == [(1, 2), (2, 2)]
    assert set(first.findings) == {good.truth.path}
    assert [failure.path for failure in first.failed] == [bad.truth.path]
    # The good one is not looked at again: here it could not even be found.
    gone = dataclasses.replace(good, path=tmp_path / "missing.dcm")
    told.clear()
    second = detect_all(
        [gone, table[1]], tmp_path, make_executor=process_pool(1), on_outcome=lambda *outcome: told.append(outcome[1:])
    )
    assert told == [(2, 2)]
    assert second.failed == ()
    seconds = {"seconds": 0.0}
    for path, image in second.findings.items():
        assert image.model_copy(update=seconds) == detections.findings[path].model_copy(update=seconds)
