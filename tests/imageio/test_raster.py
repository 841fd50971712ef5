"""PNG, TIFF and PGM: pixel values over depths and modes, and what is refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from microcalc.errors import ReadError
from microcalc.imageio import read_mammogram

RAMP = np.arange(12).reshape(3, 4)


@pytest.fixture
def save(tmp_path):
    """Save an array, or any image, with Pillow."""

    def write(image, name="image.png", **options) -> Path:
        path = tmp_path / name
        image = image if isinstance(image, Image.Image) else Image.fromarray(image)
        image.save(path, **options)
        return path

    return write


@pytest.fixture
def put(tmp_path):
    def write(content: bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("name", ["image.png", "image.tif", "image.pgm"])
@pytest.mark.parametrize(
    ("dtype", "highest", "scale"),
    [
        ("u1", 100, 255),
        ("u1", 255, 255),
        ("u2", 200, 255),
        ("u2", 1000, 1023),
        ("u2", 4000, 4095),
        ("u2", 16000, 16383),
        ("u2", 65535, 65535),
    ],
)
def test_integers_over_the_depth_in_use(save, name, dtype, highest, scale):
    values = np.array([[0, 50, highest]], dtype)
    mammogram = read_mammogram(save(values, name))
    assert mammogram.pixels == pytest.approx(values / scale, abs=1e-6)
    assert mammogram.notes == (f"0 to {scale} shown as black to white",)
    assert (mammogram.spacing_mm, mammogram.side, mammogram.view) == (None, None, None)


@pytest.mark.parametrize(("maximum", "white"), [(127, 127), (255, 255), (1000, 1000), (4095, 4095), (65535, 255)])
class TestPgm:
    """The stated maximum is white; 65535 says only that samples have 16 bits, and the depth in use counts."""

    def test_binary(self, put, maximum, white):
        word = "u1" if maximum < 256 else ">u2"
        content = b"P5 # a comment\n3 1\n# and another\n%d\n" % maximum + np.array([0, 51, 102], word).tobytes()
        assert read_mammogram(put(content)).pixels[0] == pytest.approx([0, 51 / white, 102 / white])

    def test_text(self, put, maximum, white):
        # Pillow rounds to 8 bits up to 255.
        expected = pytest.approx([0, 51 / white, 102 / white], abs=0.5 / 255 if maximum < 256 else 1e-5)
        assert read_mammogram(put(b"P2 3 1 %d 0 51 102" % maximum)).pixels[0] == expected


def test_pgm_samples_above_the_maximum_are_white(put):
    assert read_mammogram(put(b"P5 3 1 100 " + bytes([0, 50, 200]))).pixels.tolist() == [[0, 0.5, 1]]


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_tiff_compressions(save, compression, dtype):
    path = save(RAMP.astype(dtype), "image.tif", compression=compression)
    assert read_mammogram(path).pixels == pytest.approx(RAMP / 255)


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_tiff_with_white_as_zero(save, dtype):
    path = save(RAMP.astype(dtype), "image.tif", tiffinfo={262: 0})
    # Pillow inverts 8-bit pixels in writing, too: the file holds 255 - RAMP there.
    assert read_mammogram(path).pixels == pytest.approx(RAMP / 255 if dtype == "u1" else 1 - RAMP / 255)


def test_big_endian_tiff(put):
    stream = io.BytesIO()
    pixels = np.array([[0, 1000, 4000]], ">u2")
    tags = [(256, 3, 3), (257, 3, 1), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 200), (278, 3, 1), (279, 4, 6)]
    stream.write(struct.pack(">2sHIH", b"MM", 42, 8, len(tags)))
    for tag, kind, value in tags:
        stream.write(
            struct.pack(">HHIHH" if kind == 3 else ">HHII", tag, kind, 1, *((value, 0) if kind == 3 else (value,)))
        )
    stream.write(bytes(200 - stream.tell()) + pixels.tobytes())
    assert read_mammogram(put(stream.getvalue())).pixels == pytest.approx(pixels.astype(float) / 4095)


class TestFloats:
    def test_unit_range_is_kept(self, save):
        values = np.array([[0.25, 0.5, 0.75]], "f4")
        mammogram = read_mammogram(save(values, "image.tif"))
        assert mammogram.pixels.tolist() == values.tolist()
        assert mammogram.notes == ()

    def test_others_run_from_lowest_to_highest(self, save):
        mammogram = read_mammogram(save(np.array([[-2, 0, 6]], "f4"), "image.tif"))
        assert mammogram.pixels.tolist() == [[0, 0.25, 1]]
        assert mammogram.notes == ("-2 to 6 shown as black to white",)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, save, bad):
        with pytest.raises(ReadError, match="found NaN or infinity"):
            read_mammogram(save(np.array([[0, bad, 1]], "f4"), "image.tif"))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_grey_stored_as_colour(save, mode):
    mammogram = read_mammogram(save(Image.fromarray((20 * RAMP).astype("u1")).convert(mode)))
    assert mammogram.pixels == pytest.approx(20 * RAMP / 255)
    assert "stored in colour, all pixels grey" in mammogram.notes


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg(save, mode):
    smooth = np.add.outer(np.arange(40), 2 * np.arange(60)).astype("u1")
    path = save(Image.fromarray(smooth).convert(mode), "image.jpg", quality=90)
    mammogram = read_mammogram(path)
    witness = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert np.abs(255 * mammogram.pixels - witness).max() <= 1  # decoders may round either way
    assert any("stored as JPEG" in note for note in mammogram.notes)


def coloured() -> Image.Image:
    return Image.fromarray(np.dstack([RAMP, RAMP, RAMP + 1]).astype("u1"))


def transparent() -> Image.Image:
    image = Image.fromarray(RAMP.astype("u1")).convert("RGBA")
    image.putpixel((1, 1), (5, 5, 5, 254))
    return image


@pytest.mark.parametrize(
    ("make", "name", "options", "found"),
    [
        (coloured, "image.png", {}, "colour"),
        (lambda: Image.new("RGB", (4, 3), "red").convert("P"), "image.png", {}, "colour"),
        (coloured, "image.ppm", {}, "colour"),
        (coloured, "image.tif", {"compression": "tiff_lzw"}, "colour"),
        (transparent, "image.png", {}, "transparent pixels"),
        (lambda: Image.fromarray(RAMP % 2 == 0), "image.png", {}, "an image of mode 1"),
        (lambda: Image.fromarray(RAMP % 2 == 0), "image.tif", {}, "an image of mode 1"),
        (lambda: coloured().convert("CMYK"), "image.tif", {}, "an image of mode CMYK"),
        (lambda: coloured().convert("CMYK"), "image.jpg", {}, "an image of mode CMYK"),
        (lambda: Image.new("RGB", (16, 16), "red"), "image.jpg", {}, "colour"),
        (coloured, "image.tif", {"save_all": True, "append_images": [coloured()]}, "several pages or frames"),
        (coloured, "image.png", {"save_all": True, "append_images": [transparent()]}, "several pages or frames"),
    ],
)
def test_refused(save, make, name, options, found):
    with pytest.raises(ReadError, match=f"found {found};"):
        read_mammogram(save(make(), name, **options))


@pytest.mark.parametrize("channels", [3, 4])
def test_colour_of_16_bits_is_not_cut_to_8(put, channels):
    _, encoded = cv2.imencode(".png", np.dstack([RAMP * 1000] * channels).astype("u2"))
    with pytest.raises(ReadError, match="found 16-bit samples with colour or transparency"):
        read_mammogram(put(encoded.tobytes()))


def png(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (png(60000, 60000, b""), "one that cannot be decoded"),
        (png(30000, 200, b""), "200 x 30000"),
        (png(12000, 12000, b""), r"\d+ bytes"),
        (png(0, 5, b""), "one that cannot be decoded"),
        (b"P5 60000 60000 255 " + bytes(20), "60000 x 60000"),
        (b"P5 4000 4000 255 " + bytes(20), "20 bytes"),
        (b"P5 3 2 255 " + bytes(5), "one that cannot be decoded"),
        (b"P5 3 2 0 " + bytes(6), "one that cannot be decoded"),
        (b"P5 3 2 70000 " + bytes(24), "one that cannot be decoded"),
        (b"II*\0" + bytes(20), "one that cannot be decoded"),
    ],
)
def test_absurd_headers(put, content, found):
    with pytest.raises(ReadError, match=f"found {found};"):
        read_mammogram(put(content))


@pytest.mark.parametrize("name", ["image.png", "image.tif", "image.pgm", "image.jpg"])
def test_every_kind_of_cut_is_a_clean_error(save, name):
    rng = np.random.default_rng(0)
    depth = 8 if name.endswith("jpg") else 16
    path = save(rng.integers(0, 2**depth, (30, 40), f"u{depth // 8}"), name)
    content = path.read_bytes()
    for part in (0.0, 0.1, 0.5, 0.95):
        path.write_bytes(content[: int(part * len(content))])
        with pytest.raises(ReadError):
            read_mammogram(path)
