"""Small sound files, damaged thousands of times: an image or one clean error comes out, and nothing else."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jpeg_ls
import numpy as np
import openjpeg.utils
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
)

from microcalc.errors import MicrocalcError
from microcalc.imageio import read_mammogram
from microcalc.mammogram import Mammogram

ROUNDS = 400
#: Some decoders take a process each time.
ROUNDS_APART = 40
APART = {"lossless jpeg", "tiff lzw"}
MAX_EXTRA_MIB = 200


def attributes() -> dict[str, Any]:
    """One of everything that is read."""
    view, table = pydicom.Dataset(), pydicom.Dataset()
    view.CodeValue = "R-10226"
    table.LUTDescriptor = [256, 0, 12]
    table.add_new("LUTData", "OW", np.arange(0, 4096, 16, "<u2").tobytes())
    return {
        "bits": 12,
        "VOILUTSequence": [table],
        "WindowCenter": [2000, 1000],
        "WindowWidth": [4000, 900],
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "PixelPaddingValue": 0,
        "ImagerPixelSpacing": [0.07, 0.07],
        "ImageLaterality": "L",
        "ViewPosition": "MLO",
        "ViewCodeSequence": [view],
    }


def raster(pixels: NDArray[Any], kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture
def sound_file(write_dicom, dcmtk, texture) -> Callable[[str], bytes]:
    """A sound file of each kind, as bytes."""
    eight_bit = (texture >> 4).astype("u1")

    def dicom(syntax: UID, frame: bytes | None = None) -> bytes:
        return write_dicom(texture, syntax=syntax, frame=frame, **attributes()).read_bytes()

    def by_dcmtk(tool: str, *options: str) -> bytes:
        return dcmtk(tool, write_dicom(texture, **attributes()), *options).read_bytes()

    makers = {
        "implicit": lambda: dicom(ImplicitVRLittleEndian),
        "explicit": lambda: dicom(ExplicitVRLittleEndian),
        "big endian": lambda: dicom(ExplicitVRBigEndian),
        "deflated": lambda: dicom(DeflatedExplicitVRLittleEndian),
        "rle": lambda: by_dcmtk("dcmcrle"),
        "jpeg": lambda: write_dicom(eight_bit, syntax=JPEGBaseline8Bit, frame=raster(eight_bit, "JPEG")).read_bytes(),
        "lossless jpeg": lambda: by_dcmtk("dcmcjpeg", "+e1"),
        "jpeg-ls": lambda: dicom(JPEGLSLossless, bytes(jpeg_ls.encode_array(texture))),
        "jpeg 2000": lambda: dicom(JPEG2000Lossless, openjpeg.utils.encode_array(texture, bits_stored=12)),
        "png": lambda: raster(texture, "PNG"),
        "tiff": lambda: raster(texture, "TIFF"),
        "tiff lzw": lambda: raster(eight_bit, "TIFF", compression="tiff_lzw"),
        "pgm": lambda: raster(eight_bit, "PPM"),
        "pgm text": lambda: b"P2 40 48 4095 " + b" ".join(b"%d" % value for value in texture.ravel()),
    }
    return lambda kind: makers[kind]()


def damage(sound: bytes, rng: np.random.Generator) -> bytes:
    """The file with bits flipped, bytes replaced, its end cut off, a piece removed or doubled, or a tag deleted."""
    kind = rng.integers(6)
    if kind == 0 and sound[128:132] == b"DICM":
        return without_a_tag(sound, rng)
    damaged = bytearray(sound)
    # Half of the hits go to the headers, where they hurt more.
    start, end = sorted(int(at) for at in rng.integers(0, len(sound) if rng.integers(2) else min(len(sound), 1200), 2))
    if kind == 1:
        return sound[:end]
    if kind == 2:
        return sound[:start] + sound[min(end, start + 40) :]
    if kind == 3:
        return sound[:end] + sound[start:]
    for _ in range(rng.integers(1, 6)):
        at = start + int(rng.integers(max(1, end - start)))
        damaged[at] = rng.integers(256) if kind == 4 else damaged[at] ^ (1 << int(rng.integers(8)))
    return bytes(damaged)


def without_a_tag(sound: bytes, rng: np.random.Generator) -> bytes:
    ds = pydicom.dcmread(io.BytesIO(sound))
    del ds[rng.choice(list(ds.keys()))]
    stream = io.BytesIO()
    ds.save_as(stream)
    return stream.getvalue()


def outcome(path: Path) -> str:
    """What reading gives: "Mammogram", or the name of the error and its text."""
    try:
        mammogram = read_mammogram(path)
    except MicrocalcError as error:
        return f"{type(error).__name__}: {error.reason}"
    assert isinstance(mammogram, Mammogram)
    return " ".join(("Mammogram", *mammogram.notes, *mammogram.warnings))


#: Linux: writing 5 here restarts the peak of resident memory, which VmHWM in the status is.
CLEAR_REFS = Path("/proc/self/clear_refs")
RESTARTABLE = os.access(CLEAR_REFS, os.W_OK)


def peak_mib(*, restart: bool = False) -> float:
    """The most memory this process has held since the last restart; 0 where the system cannot restart it."""
    if not RESTARTABLE:
        return 0.0
    if restart:
        CLEAR_REFS.write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s*(\d+) kB", status)[0]) / 1024


@pytest.mark.skipif(not RESTARTABLE, reason="this system cannot restart the peak of memory")
def test_the_peak_can_be_restarted():
    """Were it that of the whole life, the test below could not fail once another one had taken more."""
    before = peak_mib(restart=True)
    for _ in range(2):
        np.ones(100 << 20, "u1")
        assert 90 < peak_mib() - before < 150
        assert peak_mib(restart=True) - before < 50


KINDS = (
    "implicit",
    "explicit",
    "big endian",
    "deflated",
    "rle",
    "jpeg",
    "lossless jpeg",
    "jpeg-ls",
    "jpeg 2000",
    "png",
    "tiff",
    "tiff lzw",
    "pgm",
    "pgm text",
)


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files(sound_file, tmp_path, capfd, kind, times):
    sound = sound_file(kind)
    path = tmp_path / "damaged"
    path.write_bytes(sound)
    assert outcome(path).startswith("Mammogram")
    before = peak_mib(restart=True)
    outcomes = set()
    for seed in range(times * (ROUNDS_APART if kind in APART else ROUNDS)):
        path.write_bytes(damage(sound, np.random.default_rng(seed)))
        outcomes.add(outcome(path))
    assert {text.split(maxsplit=1)[0] for text in outcomes} >= {"Mammogram", "ReadError:"}
    assert not any("ecret" in text or "\n" in text for text in outcomes)
    assert peak_mib() - before < MAX_EXTRA_MIB
    assert capfd.readouterr() == ("", "")
