"""Draw the pictures of the documentation anew, from phantoms alone: ``.venv/bin/python docs/draw_pictures.py``.

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
POINTS = ("sensitive", "balanced", "specific")


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
        _draw_points(work)


def _draw_points(work: Path) -> None:
    """What the default detector shows on one of the demo's views at each of its operating points, side by side."""
    shown = []
    for point in POINTS:
        image = next((work / "demo").glob("study/*_R_CC.dcm"))
        detect = [sys.executable, "-m", "microcalc", "detect", image, "--formats", "overlay", "--out", work / point]
        subprocess.run([*detect, "--operating-point", point], check=True, stdout=subprocess.DEVNULL)
        shown.append(Image.open(next((work / point).glob("pictures/*/overlay.png"))).convert("RGB"))
    whole = Image.new("RGB", (sum(one.width for one in shown), shown[0].height))
    for number, one in enumerate(shown):
        whole.paste(one, (number * one.width, 0))
    whole.save(work / "default-points.png")
    _write(work / "default-points.png", width=1000)


def _write(picture: Path, width: int) -> None:
    """Into the assets, at most ``width`` pixels wide: a few hundred kilobytes."""
    with Image.open(picture) as image:
        small = image.convert("RGB")
        small.thumbnail((width, image.height), Image.Resampling.LANCZOS)
        small.save(ASSETS / picture.name, optimize=True)


if __name__ == "__main__":
    main()
