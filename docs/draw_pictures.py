"""Draw the pictures of the documentation anew, from the demo alone: ``.venv/bin/python docs/draw_pictures.py``.

Needs chromium on the PATH.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ASSETS = Path(__file__).parent / "assets"
#: Of the demo's view that shows a cluster.
OVERLAY = "pictures/synthetic-0001_R_CC-*/overlay.png"


def main() -> None:
    """Run the demo, photograph its report, and shrink both pictures for the web."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        subprocess.run([sys.executable, "-m", "microcalc", "demo", "--out", work / "demo"], check=True)
        browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        browser += [f"--user-data-dir={work / 'browser'}", f"--screenshot={work / 'report.png'}"]
        page = (work / "demo" / "report.html").as_uri()
        subprocess.run([*browser, "--window-size=1400,1450", page], check=True, stderr=subprocess.DEVNULL)
        _write(work / "report.png", width=820)
        _write(next((work / "demo").glob(OVERLAY)), width=480)


def _write(picture: Path, width: int) -> None:
    """Into the assets, at most ``width`` pixels wide: a few hundred kilobytes."""
    with Image.open(picture) as image:
        small = image.convert("RGB")
        small.thumbnail((width, image.height), Image.Resampling.LANCZOS)
        small.save(ASSETS / picture.name, optimize=True)


if __name__ == "__main__":
    main()
