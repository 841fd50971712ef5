import pytest

from microcalc.datasets.cbis_ddsm_cases import Abnormality, Case
from microcalc.datasets.cbis_ddsm_files import Files

NAME = "Calc-Training_P_00001_LEFT_CC"
FINDING = Abnormality(f"{NAME}_1", "calcification", "benign", "2", "3", (None, None), ("1.3.61835", "1.3.44332"))
CASE = Case(NAME, "1.3.44331", "1.2.79148", "P_00001", "L", "CC", "train", "B", (FINDING,))


def touch(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


TREES = {
    "current downloader": (
        f"manifest-1/CBIS-DDSM/{NAME}/08-07-2016-DDSM-NA-79148/1.000000-full mammogram images-44331/1-1.dcm",
        f"manifest-1/CBIS-DDSM/{NAME}_1/08-07-2016-DDSM-NA-12345/1.000000-ROI mask images-61835/1-1.dcm",
        f"manifest-1/CBIS-DDSM/{NAME}_1/08-07-2016-DDSM-NA-12345/1.000000-ROI mask images-61835/1-2.dcm",
    ),
    "older downloader, two studies": (
        f"CBIS-DDSM/{NAME}/07-20-2016-DDSM-79148/1-full mammogram images-44331/000000.dcm",
        f"CBIS-DDSM/{NAME}_1/07-20-2016-DDSM-12345/1-ROI mask images-61835/000000.dcm",
        f"CBIS-DDSM/{NAME}_1/07-21-2016-DDSM-54321/1-cropped images-44332/000000.dcm",
    ),
    "unique identifiers": (
        f"{NAME}/1.2.79148/1.3.44331/000000.dcm",
        f"{NAME}_1/1.2.12345/1.3.61835/000000.dcm",
        f"{NAME}_1/1.2.12345/1.3.61835/000001.dcm",
    ),
    "JPEG, by series": ("jpeg/1.3.44331/1-204.jpg", "jpeg/1.3.44332/2-209.jpg", "jpeg/1.3.61835/1-016.jpg"),
}


@pytest.mark.parametrize("tree", TREES)
def test_every_tree_leads_to_the_same_files(tmp_path, tree):
    image, *finding = TREES[tree]
    touch(tmp_path, *TREES[tree])
    # What belongs to no case, to another one, or is no image.
    touch(tmp_path, "metadata.csv", f"CBIS-DDSM/{NAME}/.hidden.dcm", f"{NAME}_2/1/2/000000.dcm", "jpeg/9.9/1-001.jpg")
    files = Files.below(tmp_path)
    assert files.of_image(CASE) == (tmp_path / image,)
    assert sorted(files.of_abnormality(FINDING)) == sorted(tmp_path / path for path in finding)


def test_what_is_not_there_has_no_files(tmp_path):
    touch(tmp_path, f"{NAME}/1.2/1.3/readme.txt")
    files = Files.below(tmp_path)
    assert files.of_image(CASE) == files.of_abnormality(FINDING) == ()


def test_two_downloads_of_an_image_are_two_files(tmp_path):
    touch(tmp_path, f"b/{NAME}/1.2/1.3/1-1.dcm", f"a/{NAME}/1.2/1.3/1-1.DCM")
    assert [path.parts[-5] for path in Files.below(tmp_path).of_image(CASE)] == ["a", "b"]
