"""What an image may claim before anything is allocated for it."""

from __future__ import annotations

from microcalc.errors import ReadError

#: Twice the side and 1.3 times the area of the largest mammogram met, a 24 x 30 cm film scanned at 0.025 mm.
MAX_SIDE = 20_000
MAX_PIXELS = 150_000_000
#: Deflate, the densest coding of noisy data here, ends at about 1000 bytes a byte; real mammograms stay below 100.
MAX_PIXELS_PER_BYTE = 2_000
#: Of a file that is read whole: the largest image at 16 bits, and room for its header.
MAX_FILE_BYTES = 2 * MAX_PIXELS + 2**20


def check_dimensions(rows: int, columns: int, encoded_bytes: int) -> None:
    """Refuse dimensions that are empty or absurd, or that ``encoded_bytes`` bytes of a file cannot fill.

    Raises:
        ReadError: in all three cases.
    """
    if not (1 <= rows <= MAX_SIDE and 1 <= columns <= MAX_SIDE and rows * columns <= MAX_PIXELS):
        raise ReadError(
            expected=f"1 to {MAX_SIDE} rows and columns and at most {MAX_PIXELS // 10**6} megapixels",
            found=f"{rows} x {columns}",
            do="check the file; its header may be damaged",
        )
    if rows * columns > MAX_PIXELS_PER_BYTE * encoded_bytes:
        raise ReadError(
            expected=f"data for {rows} x {columns} pixels",
            found=f"{encoded_bytes} bytes",
            do="fetch the file again; it is cut short or its header is damaged",
        )
