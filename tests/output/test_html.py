from __future__ import annotations

import base64
import hashlib
import html.parser
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import pytest

from microcalc.errors import ReadError
from microcalc.findings import Failure
from microcalc.output import image_key, write_report
from microcalc.output import page as page_module


class Page(html.parser.HTMLParser):
    """All tags of a page with their attributes, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.source = path.read_text("utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def find(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_the_page_fetches_nothing(page, draw, group):
    read = Page(page(draw(**group), draw("R")))
    links = [value for _, attributes in read.tags for name, value in attributes.items() if name in ("src", "href")]
    assert links
    assert all(link.startswith(("data:image/", "#")) for link in links)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[\w+/=]+", "", read.source))
    anchors = {attributes.get("id") for _, attributes in read.tags}
    assert all(link[1:] in anchors for link in links if link.startswith("#"))


def test_the_browser_runs_the_pages_own_script_only(page, draw):
    read = Page(page(draw()))
    (policy,) = [meta["content"] for meta in read.find("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    script = read.source.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}';" in policy


def test_hostile_names_stay_text(page, draw):
    name = "<script>alert(1)</script>\"'><img src=x>.dcm"
    source = page(
        draw(path=name, view='"><script>', warnings=("<b>odd</b>",)), failed=(Failure(path=name, reason="<i>bad</i>"),)
    )
    read = Page(source)
    assert len(read.find("script")) == 1
    assert "<b>odd" not in read.source
    assert "<i>bad" not in read.source
    assert all(image["src"].startswith("data:") for image in read.find("img"))
    assert name in read.text


def test_right_hangs_left_of_left_and_cc_above_mlo(page, draw):
    read = Page(page(*(draw(side, view) for view in ("MLO", "CC") for side in "LR")))
    order = [image["alt"].split(",")[0] for image in read.find("img")]
    assert order == ["R CC", "L CC", "R MLO", "L MLO"]


def test_marks_below_the_threshold_are_not_in_the_page(page, draw, group):
    read = Page(page(draw(**group)))
    circles = [(c["cx"], c["cy"], c["data-score"]) for c in read.find("circle")]
    # On the breast's picture (crop from row 70): five of the cluster and the single one; then five on the crop.
    assert circles[:6][-1] == ("150.5", "130.5", "0.6000")
    assert circles[4] == ("200.5", "230.5", "0.8000")
    assert len(circles) == 11
    assert "0.1000" not in read.source


def test_a_cluster_leads_to_its_crop(page, draw, group):
    read = Page(page(draw(**group)))
    (outline, *_) = [a for a in read.find("a") if "data-score" in a]
    assert outline["href"] == "#image-1-cluster-1"
    assert "image-1-cluster-1" in {figure.get("id") for figure in read.find("figure")}


def test_the_page_says_what_it_is_and_what_was_found(page, draw, group):
    text = Page(page(draw(**group), draw("R"), failed=(Failure(path="x.dcm", reason="truncated"),))).text
    assert "Research software, not a medical device. Not for clinical decisions." in text
    assert "default: 2 false marks per image" in text
    assert "1 study, 2 images" in text
    assert "Left breast: 1 cluster of 5 marks, 2.5 × 1.5 mm, grouped, CC view; 1 single mark." in text
    assert "Right breast: no cluster; no single mark." in text
    assert "x.dcm truncated" in text
    assert "ab" * 32 in text
    assert "probability" not in text.lower()
    assert "alignancy" not in text


def test_malignancy_is_shown_where_a_package_gives_it(page, draw, group):
    cluster = group["clusters"][0].model_copy(update={"malignancy": 0.31})
    read = Page(page(draw(calcifications=group["calcifications"], clusters=(cluster,))))
    assert "Malignancy score 0.31" in read.text


def test_a_pair_hangs_to_scale_with_nipples_level(page, draw):
    left = draw("L", spacing=(0.2, 0.2))
    read = Page(page(draw("R", spacing=(0.1, 0.1)), left))
    styles = [d["style"] for d in read.find("div") if d.get("class") == "picture"]
    # 330 x 460 px of 0.1 mm, nipple 23.05 mm down; 315 x 430 px of 0.2 mm, nipple 43.1 mm down.
    assert styles == ["--w: 33.000; --h: 46.000; --top: 20.050", "--w: 63.000; --h: 86.000; --top: 0.000"]
    assert "not to equal scale" not in read.text


def test_a_pair_without_spacing_says_it_is_not_to_scale(page, draw):
    read = Page(page(draw("R", spacing=None), draw("L")))
    styles = [d["style"] for d in read.find("div") if d.get("class") == "picture"]
    assert all("--h: 1.000" in style for style in styles)
    assert "not to equal scale" in read.text


def test_a_folder_of_several_patients_gets_no_sentence_on_a_breast(page, draw):
    drawn = [draw(side, path=f"{n}_{side}.png", study=None) for n in (1, 2) for side in "LR"]
    text = Page(page(*drawn)).text
    assert "breast:" not in text
    assert "No study is named" in text


def test_a_large_run_embeds_the_best_scored_study_and_says_so(page, draw, group, monkeypatch):
    monkeypatch.setattr(page_module, "MOST_PICTURES", 2)
    plain = [draw(side, path=f"a/{side}.dcm", study="1") for side in "LR"]
    found = [draw("L", path="b/L.dcm", study="2", **group), draw("R", path="b/R.dcm", study="2")]
    read = Page(page(*plain, *found))
    # The two views of study 2 and its cluster.
    assert len(read.find("img")) == 3
    assert "Pictures of 2 of 4 images are not embedded" in read.text
    assert all(f"{study}/{side}.dcm" in read.text for study in "ab" for side in "LR")


def test_images_without_pictures_are_still_listed(tmp_path, draw, group, make_report):
    write_report(make_report(draw(**group).findings), tmp_path, tmp_path / "report.html", "default")
    read = Page(tmp_path / "report.html")
    assert not read.find("img")
    assert "L CC: picture not embedded" in read.text
    assert "exam/L_CC.dcm" in read.text


def test_a_missing_picture_is_an_error_and_leaves_no_page(tmp_path, draw, make_report):
    drawn = draw()
    folder = drawn.pictures(tmp_path / "pictures" / image_key(drawn.findings.path))
    (folder / "breast.jpg").unlink()
    with pytest.raises(ReadError, match=r"breast\.jpg"):
        write_report(make_report(drawn.findings), tmp_path / "pictures", tmp_path / "report.html", "default")
    assert not (tmp_path / "report.html").exists()


def test_pictures_of_another_run_are_an_error(tmp_path, draw, group, make_report):
    drawn = draw()
    drawn.pictures(tmp_path / "pictures" / image_key(drawn.findings.path))
    with pytest.raises(ReadError, match="expected pictures of 1 clusters, found pictures of 0"):
        write_report(make_report(draw(**group).findings), tmp_path / "pictures", tmp_path / "report.html", "default")


def test_an_empty_run_has_a_page(page):
    assert "no study, no image" in Page(page()).text


@pytest.fixture
def browser(tmp_path):
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium")

    def run(*options: str) -> str:
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
        command += ["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"]
        command += [f"--user-data-dir={tmp_path / 'profile'}", *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    return run


def test_a_browser_shows_the_page(tmp_path, browser, page, draw, group):
    address = page(draw(**group), draw("R")).as_uri()
    # The script ran under the page's own policy if it counted the marks.
    assert "6 of 6 marks" in browser("--dump-dom", address)
    browser(f"--screenshot={tmp_path / 'shot.png'}", "--window-size=1200,1200", address)
    shot = cv2.imread(str(tmp_path / "shot.png"))
    assert shot.shape == (1200, 1200, 3)
    # Tissue (128) of the drawn breasts on both sides of the middle.
    tissue = (shot == 128).all(axis=2)
    assert tissue[:, :600].sum() > 20_000
    assert tissue[:, 600:].sum() > 20_000
