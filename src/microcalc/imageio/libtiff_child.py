"""A program of its own: compressed TIFF on stdin, plain samples in Pillow's layout on stdout. See ``apart.py``."""

import sys
from io import BytesIO

from PIL import Image

if __name__ == "__main__":
    image = Image.open(BytesIO(sys.stdin.buffer.read()), formats=("TIFF",))
    sys.stdout.buffer.write(image.tobytes())
