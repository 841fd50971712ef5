"""The page: what it says, that it fetches nothing, and that what it names stays text."""

import re
from html.parser import HTMLParser

import pytest

from microcalc.comparison import page as page_module
from microcalc.comparison.figures import figures
from microcalc.comparison.page import write_page
from microcalc.comparison.records import Estimate
from microcalc.errors import WriteError
from microcalc.truth import ImageTruth, TrueCalcification


class Page(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text("utf-8")
        self.tags, self.words, self.style = [], [], False
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.style = tag == "style"

    def handle_data(self, data):
        if not self.style:
            self.words.append(data)

    def find(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def scored(make_scored):
    truths = (
        ImageTruth(path="a.png", spacing_mm=(0.1, 0.1), calcifications=(TrueCalcification(x=100, y=200, snr=6.0),)),
        ImageTruth(path="n.png", spacing_mm=(0.1, 0.1), normal=True),
    )
    return make_scored(truths, first=((), ((100, 200, 0.9),)), second=(((100, 200, 0.8),), ()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, make_evaluation, scored, breast_png):
    """The page of the evaluation made by hand, in a folder of its images."""
    folder = tmp_path_factory.mktemp("page")
    for name in "an":
        breast_png(folder / f"{name}.png")
    write_page(make_evaluation(), scored, folder, folder / "out" / "evaluation.html")
    return folder


@pytest.fixture
def read(folder):
    return Page(folder / "out" / "evaluation.html")


@pytest.fixture(scope="module")
def drawn(make_evaluation):
    return figures(make_evaluation())


@pytest.fixture
def write(tmp_path, make_evaluation, scored, drawn, monkeypatch):
    """Writes another page, with the figures that are at hand, and reads it."""
    monkeypatch.setattr(page_module, "figures", lambda evaluation: drawn)

    def write(images=None, **fields):
        write_page(make_evaluation(**fields), scored, images, tmp_path / "evaluation.html")
        return Page(tmp_path / "evaluation.html")

    return write


def rows_of(read, heading):
    """Texts of the cells of each body row of the first table after a heading."""
    table = read.source.split(f">{heading}</h", 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in table.split("</tr>")[:-1]]
    return [[" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in row] for row in cells]


def test_the_page_fetches_nothing_and_runs_nothing(read):
    links = [value for _, given in read.tags for name, value in given.items() if name in ("src", "href", "xlink:href")]
    assert sum(link.startswith("data:image/png;base64,") for link in links) == 2
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in links)
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", re.sub(r"base64,[\w+/=]+", "", read.source))
    (policy,) = [meta["content"] for meta in read.find("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline';")
    assert not read.find("script")


def test_every_link_leads_somewhere_and_no_id_stands_twice(read):
    ids = [given["id"] for _, given in read.tags if "id" in given]
    assert len(ids) == len(set(ids))
    links = [value for _, given in read.tags for name, value in given.items() if name.endswith("href")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def test_what_was_scored_against_what_is_said_first(read):
    text = read.text
    for words in (
        "Research software, not a medical device. Not for clinical decisions.",
        "truth.json: 40 lesions on 20 images, 10 of them normal; 5 patients",
        "Split test",
        "Level calcification",
        "Matching rule disc14",
        "on images known to be normal, per normal image",
        "95 %, 1000 resamples by patient, seed 0",
        "Two images name no side.",
    ):
        assert words in text[: text.index("Results")], words


def test_the_headline_has_one_row_a_system(read):
    first, second = rows_of(read, "Results")
    assert first == [
        *("first", "0.812 [0.762, 0.862]"),
        *("0.325 [0.275, 0.375]", "0.350 [0.300, 0.400]", "0.400 [0.350, 0.450]"),
        *("0.550 [0.500, 0.600]", "0.800 [0.750, 0.850]"),
        *("0.900 [0.850, 0.950]", "0.770 [0.720, 0.820]", "0.400", "31 of 40", "12 on 10 images"),
    ]
    assert second[:2] == ["second", "0.712 [0.662, 0.762]"]


def test_a_threshold_chosen_on_the_cases_says_so(read):
    own, chosen, *_ = rows_of(read, "At a threshold")
    assert own[:3] == ["first", "the system’s own", "0.400"]
    assert chosen[:3] == ["first", "Youden’s index chosen on these very cases", "0.550"]
    assert own[3:8] == ["9", "2", "8", "1", "0.750 [0.700, 0.800]"]


def test_what_is_not_defined_is_a_dash_with_its_reason_once(read):
    own, *_ = rows_of(read, "At a threshold")
    assert own[11] == "– 1"
    assert read.text[read.text.rindex("Notes") :].count("one class only") == 1
    assert read.find("li")[-1]["id"] == "note-1"


def test_accounts_and_strata_are_tables(read):
    assert rows_of(read, "All detections listed")[0] == [
        *("first", "all", "40", "31", "9", "3", "67", "30", "5", "12", "18", "2"),
    ]
    assert rows_of(read, "Strata")[1] == [
        *("Density", "C", "4", "12", "5"),
        *("0.700 [0.650, 0.750]", "0.700 [0.650, 0.750]", "0.600 [0.550, 0.650]", "0.600 [0.550, 0.650]"),
    ]
    assert rows_of(read, "Paired differences")[0] == ["AUC50", "first − second", "0.100 [0.050, 0.150]", "p = 0.031"]


def test_published_numbers_stand_in_a_closed_part_with_what_they_are_worth(read):
    assert read.find("details") == [{}]
    folded = read.source.split("<details>")[1].split("</details>")[0]
    assert "The images are not the same" in folded
    # Cortina Uribe et al., abstract: Faster R-CNN.
    assert "0.8092" in folded
    assert "first 0.812 [0.762, 0.862] (0.900 by the public code’s definition)" in folded


@pytest.mark.parametrize("change", [{"level": "image"}, {"per": "cm2"}])
def test_another_measure_or_level_has_no_published_number(write, make_evaluation, change):
    assert not write(settings=make_evaluation().settings.model_copy(update=change)).find("details")


def test_malignancy_has_a_part_of_its_own_where_a_system_scores_it(make_evaluation, scored, tmp_path):
    first = make_evaluation().systems[0]
    evaluation = make_evaluation(systems=(first.model_copy(update={"malignancy": first.cases}),), differences=())
    write_page(evaluation, scored, None, tmp_path / "evaluation.html")
    read = Page(tmp_path / "evaluation.html")
    (row,) = rows_of(read, "Malignant against benign, on lesions hit")
    assert row[:6] == ["first", "image", "10", "10", "1", "0.900 [0.850, 0.950]"]
    assert "Paired differences" not in read.text
    assert (tmp_path / "figures" / "roc-malignancy.svg").exists()


def test_what_has_no_numbers_has_no_part(write, make_evaluation, monkeypatch):
    monkeypatch.setattr(page_module, "figures", figures)
    nothing = {"reliability": None, "strata": (), "shown": None, "detector": None}
    systems = tuple(system.model_copy(update=nothing) for system in make_evaluation().systems)
    read = write(systems=systems, differences=())
    assert rows_of(read, "Results")[0][-3:] == [*3 * "–"]
    headings = re.findall(r"<h2>(.*?)</h2>", read.source)
    assert headings == [
        "Results",
        "FROC",
        "Cases",
        "Scores",
        "Where every lesion and detection went",
        "Paper / here",
        "The worst of each system",
        "Notes",
    ]


def test_the_gallery_shows_each_systems_worst(read):
    assert re.search(r"Missed lesions: 1 of 1 a\.png score not found score of second 0\.800 .* SNR 6\.0", read.text)
    assert "Most confident false positives: 1 of 1 n.png score 0.900 false on this image 1 x, y 100, 200" in read.text
    # The other system finds the lesion and marks nothing else.
    assert read.text.count("0 of 0") == 2


def test_without_images_the_page_says_how_to_get_crops(write):
    read = write()
    assert "No crops: give the folder of the images with --images." in read.text
    assert "a.png score not found" in read.text
    assert not read.find("image")


def test_an_image_that_is_missing_is_named(write, tmp_path):
    assert "No picture of a.png: expected a readable file" in write(tmp_path).text


def test_hostile_names_stay_text(make_evaluation, scored, tmp_path):
    name = "<script>alert(1)</script>\"'><img src=x>"
    first = make_evaluation().systems[0]
    hostile = {
        "name": name,
        "source": name,
        "froc": first.froc.model_copy(update={"area": Estimate(value=None, remark=name)}),
    }
    evaluation = make_evaluation(systems=(first.model_copy(update=hostile),), remarks=(name,))
    write_page(evaluation, scored, None, tmp_path / "evaluation.html")
    read = Page(tmp_path / "evaluation.html")
    assert not read.find("script")
    assert not read.find("img")
    # In title, heading, remarks, the first table, keys of figures, notes ...
    assert read.text.count(name) > 10


def test_each_figure_is_a_file_beside_the_page(folder):
    files = sorted(path.name for path in (folder / "out" / "figures").iterdir())
    assert files == [
        *("differences.svg", "froc-linear.svg", "froc-log.svg", "reliability.svg", "roc-cases.svg"),
        *("scores-1.svg", "scores-2.svg", "strata.svg"),
    ]


def test_without_normal_images_the_page_says_what_false_positives_are_counted_on(write, make_evaluation):
    read = write(truth=make_evaluation().truth.model_copy(update={"normal_images": 0}))
    assert rows_of(read, "Results")[0][-1] == "12 on 20 images"
    assert "false, on all images" in read.text
    assert "No image is known to be normal: false ones are counted on all." in read.text


def test_a_legacy_area_that_is_not_defined_has_its_reason(write, make_evaluation):
    first, second = make_evaluation().systems
    none = second.model_copy(update={"froc": second.froc.model_copy(update={"legacy_area": None})})
    assert "AUC50: first 0.900; second not defined, without a false positive" in write(systems=(first, none)).text


def test_a_page_that_cannot_be_written_is_an_error(write, tmp_path):
    (tmp_path / "figures").write_text("a file")
    with pytest.raises(WriteError, match="expected a file that can be written"):
        write()
    assert not (tmp_path / "evaluation.html").exists()
