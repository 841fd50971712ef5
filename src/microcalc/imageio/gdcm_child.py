"""A program of its own: lossless JPEG on stdin, plain little-endian samples on stdout.

Arguments: rows, columns, components, bits per sample. See ``apart.py``.
"""

import sys

import gdcm


def _decode(stream: bytes, rows: int, columns: int, components: int, precision: int) -> bytes:
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(stream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    kind = gdcm.PhotometricInterpretation
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(kind(kind.MONOCHROME2 if components == 1 else kind.RGB))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14))
    allocated = 8 if precision <= 8 else 16
    image.SetPixelFormat(gdcm.PixelFormat(components, allocated, precision, precision - 1, 0))
    # GDCM hands its bytes out as a string.
    samples: str = image.GetBuffer()
    return samples.encode("utf-8", "surrogateescape")


if __name__ == "__main__":
    sys.stdout.buffer.write(_decode(sys.stdin.buffer.read(), *map(int, sys.argv[1:])))
