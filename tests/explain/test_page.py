import re

import numpy as np
import pytest
from PIL import Image

from microcalc.explain.job import explain
from microcalc.explain.page import FIGURE, JSON, PAGE, PAIR, RUN, TRIPLET, write_explanation
from microcalc.explain.panels import SIDE_PX
from microcalc.explain.records import Explanation


@pytest.fixture(scope="module")
def written(package, breast, tmp_path_factory):
    """(explained, folder)."""
    explained = explain(breast, (84, 206), model=package, pitch_mm=0.1)
    folder = tmp_path_factory.mktemp("out") / "new"
    write_explanation(explained, folder)
    return explained, folder


def test_all_files_are_there(written):
    explained, folder = written
    assert {path.name for path in folder.iterdir()} == {JSON, PAGE, FIGURE, PAIR, TRIPLET, RUN}
    assert Explanation.from_json(folder / JSON) == explained.explanation


def test_the_page_fetches_nothing_and_says_it_all(written):
    explained, folder = written
    page = (folder / PAGE).read_text()
    assert not re.search(r"<script|https?://|src=\"(?!data:)", page)
    for said in (
        "Research software, not a medical device",
        f"Score {explained.explanation.opinion.score:.3f}",
        "toy2026-bright 1 (scalable_resnet)",
        "brightness (bright)",
        "Elsewhere the score is a score and no probability.",
        "patches of a toy data set",
        "For: evidence of “bright”",
        "Against: evidence of “dark”, empty",
        "divided by its own maximum",
    ):
        assert said in page, said
    assert str(folder) not in page


def test_the_pair_and_the_triplet_have_the_papers_form(written):
    pair, triplet = (np.array(Image.open(written[1] / name)) for name in (PAIR, TRIPLET))
    assert pair.shape == (SIDE_PX, 2 * SIDE_PX + 8, 3)
    assert triplet.shape == (SIDE_PX, 3 * SIDE_PX + 16, 3)
    np.testing.assert_array_equal(pair[:, :SIDE_PX], triplet[:, :SIDE_PX])
    # The patch is dark on the average, 5 0.32 - 2 is below 0: dark is predicted, whose map is the triplet's last.
    np.testing.assert_array_equal(pair[:, -SIDE_PX:], triplet[:, -SIDE_PX:])
    assert (pair[:, -SIDE_PX:] != triplet[:, SIDE_PX + 8 : 2 * SIDE_PX + 8]).any()


def test_the_figure_is_a_picture(written):
    assert min(np.array(Image.open(written[1] / FIGURE)).shape[:2]) > 500
