"""The one door: dispatch by content, user spacing, identity, real files."""

from __future__ import annotations

import logging
import os
import threading
import tracemalloc

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from microcalc.errors import MicrocalcError, ReadError
from microcalc.imageio import read_mammogram
from microcalc.imageio.tags import quiet

RAMP = np.arange(12, dtype="u2").reshape(3, 4)


def item(**attributes) -> Dataset:
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def test_a_whole_mammogram(write_dicom):
    path = write_dicom(
        RAMP,
        bits=12,
        ImagerPixelSpacing=[0.07, 0.08],
        ImageLaterality="L",
        ViewPosition="MLO",
        WindowCenter=6,
        WindowWidth=12,
    )
    mammogram = read_mammogram(path)
    assert mammogram.pixels == pytest.approx(RAMP / 11)
    assert (mammogram.spacing_mm, mammogram.spacing_source) == ((0.07, 0.08), "header")
    assert (mammogram.side, mammogram.view, mammogram.view_modifiers) == ("L", "MLO", ())
    assert (mammogram.path, mammogram.sop_instance_uid, mammogram.study) == (path, "1.2.3.4", "1.2.3")
    assert mammogram.notes == ("VOI window of center 6 and width 12", "spacing from Imager Pixel Spacing")
    assert mammogram.warnings == ()


def test_an_enhanced_object_of_one_frame(write_dicom):
    """What classic objects say at the top, enhanced ones say in their functional groups."""
    shared = item(
        FrameVOILUTSequence=[item(WindowCenter=6, WindowWidth=12)],
        PixelMeasuresSequence=[item(PixelSpacing=[0.1, 0.1])],
    )
    frame = item(
        PixelValueTransformationSequence=[item(RescaleSlope=1, RescaleIntercept=0)],
        FrameAnatomySequence=[item(FrameLaterality="R")],
    )
    path = write_dicom(
        RAMP, SharedFunctionalGroupsSequence=[shared], PerFrameFunctionalGroupsSequence=[frame], NumberOfFrames=1
    )
    mammogram = read_mammogram(path)
    assert mammogram.pixels == pytest.approx(RAMP / 11)
    assert (mammogram.spacing_mm, mammogram.side) == ((0.1, 0.1), "R")


def test_magnification_view(write_dicom):
    path = write_dicom(
        RAMP, ImagerPixelSpacing=[0.1, 0.1], EstimatedRadiographicMagnificationFactor=2, ViewPosition="MCC"
    )
    mammogram = read_mammogram(path)
    assert mammogram.spacing_mm == (0.05, 0.05)
    assert mammogram.view_modifiers == ("magnification",)


def test_a_path_may_be_text(write_dicom):
    path = write_dicom(RAMP)
    assert read_mammogram(str(path)).path == path


@pytest.mark.parametrize("suffix", ["png", "dcm", "txt", ""])
def test_content_decides_not_the_suffix(tmp_path, write_dicom, suffix):
    path = tmp_path / f"image.{suffix}"
    Image.fromarray(RAMP).save(path, "PNG")
    assert read_mammogram(path).shape == (3, 4)
    assert read_mammogram(write_dicom(RAMP, name=path.name)).sop_instance_uid == "1.2.3.4"


def test_a_dicom_preamble_may_look_like_a_tiff(write_dicom):
    path = write_dicom(RAMP)
    path.write_bytes(b"II*\0" + path.read_bytes()[4:])
    assert read_mammogram(path).sop_instance_uid == "1.2.3.4"


class TestUserSpacing:
    def test_it_wins(self, write_dicom):
        mammogram = read_mammogram(write_dicom(RAMP, ImagerPixelSpacing=[0.07, 0.07]), spacing_mm=0.1)
        assert (mammogram.spacing_mm, mammogram.spacing_source) == ((0.1, 0.1), "user")
        assert mammogram.warnings == ("the given spacing 0.1 x 0.1 mm replaces the file's 0.07 x 0.07 mm",)

    @pytest.mark.parametrize("given", [0.0705, (0.07, 0.0695)])
    def test_no_warning_within_one_percent(self, write_dicom, given):
        assert read_mammogram(write_dicom(RAMP, ImagerPixelSpacing=[0.07, 0.07]), spacing_mm=given).warnings == ()

    def test_no_warning_without_a_header(self, write_dicom):
        mammogram = read_mammogram(write_dicom(RAMP), spacing_mm=(0.05, 0.06))
        assert (mammogram.spacing_mm, mammogram.warnings) == ((0.05, 0.06), ())

    @pytest.mark.parametrize("given", [np.float32(0.07), np.array([0.07, 0.07]), [0.07, 0.07]])
    def test_of_any_numbers(self, write_dicom, given):
        assert read_mammogram(write_dicom(RAMP), spacing_mm=given).spacing_mm == pytest.approx((0.07, 0.07))

    @pytest.mark.parametrize("given", [0.0, -1.0, 70.0, float("nan"), (0.07, 0.0)])
    def test_implausible(self, write_dicom, given):
        with pytest.raises(MicrocalcError, match=r"expected a pixel spacing of 0\.01 to 1\.0 mm"):
            read_mammogram(write_dicom(RAMP), spacing_mm=given)


class TestUnreadable:
    @pytest.mark.parametrize(
        ("content", "found"),
        [(b"", "an empty file"), (b"text " * 60, "something else"), (b"\0" * 200, "something else")],
    )
    def test_not_an_image(self, tmp_path, content, found):
        path = tmp_path / "file"
        path.write_bytes(content)
        with pytest.raises(ReadError, match=f"{path}: expected a DICOM, PNG, JPEG, TIFF or PGM file, found {found};"):
            read_mammogram(path)

    def test_missing(self, tmp_path):
        with pytest.raises(ReadError, match="No such file"):
            read_mammogram(tmp_path / "missing.dcm")

    def test_a_folder(self, tmp_path):
        with pytest.raises(ReadError, match="found Is a directory"):
            read_mammogram(tmp_path)

    def test_a_pipe(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ReadError, match="found neither a file nor a folder"):
            read_mammogram(tmp_path / "pipe")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_forbidden(self, write_dicom):
        path = write_dicom(RAMP)
        path.chmod(0)
        with pytest.raises(ReadError, match="Permission denied"):
            read_mammogram(path)

    @pytest.mark.parametrize("level", [0, 7, 65535])
    def test_nothing_to_see(self, write_dicom, level):
        with pytest.raises(ReadError, match=r"found [0-9.e-]+ in every pixel"):
            read_mammogram(write_dicom(np.full((3, 4), level, "u2")))


def test_no_identity_and_no_noise(write_dicom, capfd, caplog):
    """A value in the wrong place makes pydicom quote it; neither that nor a name may get out."""
    path = write_dicom(RAMP, SpecificCharacterSet="ISO_IR 100")
    path.write_bytes(path.read_bytes().replace(b"ISO_IR 100", b"Secretname"))
    mammogram = read_mammogram(path)
    said = " ".join([str(mammogram.notes), str(mammogram.warnings), caplog.text, *capfd.readouterr()])
    assert "ecret" not in said
    assert caplog.text == ""


FREE_TEXT = {
    "Modality": "SECRET NAME",
    "BodyPartExamined": "SECRET NAME",
    "PresentationIntentType": "SECRET NAME",
    "SOPClassUID": "19750101",
    "VOILUTFunction": "SECRET NAME",
    "WindowCenterWidthExplanation": ["SECRET NAME", "USER"],
    "WindowCenter": [6, 6],
    "WindowWidth": [12, 12],
    "ViewPosition": "SECRET NAME",
    "ImageType": ["SECRET NAME"] * 4,
    "ImageLaterality": "SECRET NAME",
    "PresentationLUTShape": "SECRET NAME",
    "PixelIntensityRelationship": "SECRET NAME",
}


@pytest.mark.parametrize("more", [{}, {"VOILUTSequence": None}, {"PhotometricInterpretation": "SECRET NAME"}])
def test_no_free_text_of_the_header_is_quoted(write_dicom, more):
    table = item(LUTExplanation="SECRET NAME", LUTDescriptor=[3, 0, 12], LUTData=np.arange(3, dtype="<u2").tobytes())
    path = write_dicom(RAMP, **FREE_TEXT | {"VOILUTSequence": [table]} | more)
    with pytest.raises(ReadError, match=r"modality of another kind .*, body part of another kind") as caught:
        read_mammogram(path)
    mammogram = read_mammogram(path, force=True)
    said = " ".join([caught.value.reason, *mammogram.notes, *mammogram.warnings])
    assert "VOI" in said
    assert "SECRET" not in said
    assert "1975" not in said


def test_free_text_in_place_of_a_palette_is_not_quoted(write_dicom):
    path = write_dicom(RAMP, SamplesPerPixel=4, PhotometricInterpretation="SECRET NAME")
    with pytest.raises(ReadError, match="found 4 samples per pixel;"):
        read_mammogram(path)


def test_real_digital_mammograms(shared):
    for path in sorted((shared / "ffdm").glob("*.png")):
        mammogram = read_mammogram(path)
        assert mammogram.shape == (3328, 2560)
        assert mammogram.notes == ("0 to 65535 shown as black to white", "side and view from the file name")
        # The air around the breast is most of these pictures, and black.
        assert np.median(mammogram.pixels) == 0
        assert mammogram.pixels.max() == 1


def test_real_film_scans(shared):
    paths = sorted((shared / "mini_mias").glob("*.pgm"))
    assert len(paths) == 9
    for path in paths:
        mammogram = read_mammogram(path)
        assert mammogram.shape == (1024, 1024)
        # The witness: the samples lie at the end of the file.
        samples = np.frombuffer(path.read_bytes()[-(1024 * 1024) :], "u1").reshape(1024, 1024)
        assert (np.rint(mammogram.pixels * 255) == samples).all()


def test_a_huge_file_is_refused_before_it_takes_memory(tmp_path):
    path = tmp_path / "huge.tif"
    with path.open("wb") as file:
        file.write(b"II*\0")
        file.truncate(1 << 40)  # a hole: nothing on disk
    tracemalloc.start()
    with pytest.raises(ReadError, match="301 MB"):
        read_mammogram(path)
    assert tracemalloc.get_traced_memory()[1] < 400e6
    tracemalloc.stop()


def test_threads_that_read_at_once_do_not_make_each_other_speak(caplog):
    """One that ends must not end the silence of another."""
    ours, theirs = quiet(), quiet()
    speak = logging.getLogger("pydicom").warning

    def in_a_thread(job):
        thread = threading.Thread(target=job)
        thread.start()
        thread.join()

    with ours:
        in_a_thread(theirs.__enter__)
        speak("inside")
    speak("outside")
    assert caplog.messages == ["outside"]
