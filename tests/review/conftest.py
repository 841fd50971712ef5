"""A review of a few patches, and a browser to do it in."""

import base64
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import threading
import time

import cv2
import numpy as np
import pytest

from microcalc.breast import find_breast
from microcalc.datasets import Table
from microcalc.patches.patch import Patch
from microcalc.review.detections import detect_all
from microcalc.review.ledger import Ledger
from microcalc.review.pictures import Pictures
from microcalc.review.server import ReviewServer
from microcalc.review.session import Session

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--remote-debugging-pipe"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"]
SECONDS = 60
SIZE = 96


class Page:
    """A page of a headless Chromium, used as a person would: keys pressed, pictures taken, read.

    Spoken to in Chromium's own protocol over a pair of pipes: JSON messages, each ended by a zero byte.
    """

    def __init__(self, pipes, session):
        self._pipes, self._session = pipes, session

    def open(self, url):
        self.call("Page.navigate", url=url)

    def press(self, *keys, shift=False):
        for key in keys:
            # A character also tells what it types; a named key (ArrowLeft) does not.
            typed = {"text": key} if len(key) == 1 else {}
            for kind in ("keyDown", "keyUp"):
                self.call("Input.dispatchKeyEvent", type=kind, key=key, modifiers=8 * shift, **typed)

    def value(self, expression):
        """What JavaScript makes of an expression on the page."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def wait(self, expression):
        """Wait until an expression is true on the page."""
        until = time.monotonic() + SECONDS
        while not self.value(expression):
            assert time.monotonic() < until, f"never true: {expression}"
            time.sleep(0.02)

    def text(self, name):
        return self.value(f"document.getElementById({json.dumps(name)}).textContent.trim()")

    def picture(self, width, height, dark=True):
        """A PNG of the page in a window of that size."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def call(self, method, **parameters):
        return self._pipes.call(method, parameters, self._session)


class _Pipes:
    def __init__(self, write, read):
        self._write, self._read, self._number, self._rest = write, read, 0, b""

    def call(self, method, parameters, session=None):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            told = self._receive()
            if told.get("id") == self._number:
                assert "error" not in told, told
                return told["result"]

    def _receive(self):
        while b"\0" not in self._rest:
            content = os.read(self._read, 1 << 16)
            assert content, "the browser has ended"
            self._rest += content
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def page(self):
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        page = Page(self, attached["sessionId"])
        page.call("Page.enable")
        return page


@pytest.fixture(scope="session")
def new_page(tmp_path_factory):
    """Opens pages in a headless Chromium."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs chromium")
    ends = [*os.pipe(), *os.pipe()]
    # Out of the way of 3 and 4, where the browser looks for them.
    to_browser, write, read, from_browser = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends]
    for end in ends:
        os.close(end)

    def place():
        os.dup2(to_browser, 3)
        os.dup2(from_browser, 4)

    command = [program, *FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]
    process = subprocess.Popen(
        command, preexec_fn=place, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        yield _Pipes(write, read).page
    finally:
        process.kill()
        process.wait()
        os.close(write)
        os.close(read)


@pytest.fixture(scope="session")
def table(study):
    return Table.from_truth(study[0])


class Store:
    """What a review asks of a store of patches."""

    def __init__(self, patches, pixels):
        self.patches, self._pixels = tuple(patches), np.array(pixels)

    def __len__(self):
        return len(self.patches)

    def pixels(self, indices):
        return self._pixels[indices]


@pytest.fixture(scope="session")
def store(table):
    """Three patches within the breast of each of four views; the first of each is labelled "cluster"."""
    patches, pixels = [], []
    for record in table:
        mammogram = record.read()
        mask = find_breast(mammogram).mask.astype(np.uint8)
        whole = cv2.erode(mask, np.ones((SIZE, SIZE)), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT, borderValue=0)
        inside = np.argwhere(whole)
        for number, (row, column) in enumerate(inside[:: len(inside) // 3][:3].tolist()):
            label = "cluster" if number == 0 else "no cluster"
            patches.append(Patch(record.truth.path, column, row, SIZE, label, "healthy", None, record.truth.patient))
            pixels.append((mammogram.pixels[row : row + SIZE, column : column + SIZE] * 65535).astype(np.uint16))
    return Store(patches, pixels)


@pytest.fixture(scope="session")
def detections(table, tmp_path_factory):
    return detect_all(list(table), tmp_path_factory.mktemp("detections"))


@pytest.fixture
def serve(store, table, detections, tmp_path):
    """Serves a session of the toy store, with its decisions in ``tmp_path``, until the test ends."""
    with contextlib.ExitStack() as running:

        def serve():
            ledger = running.enter_context(Ledger(tmp_path / "decisions.csv"))
            pictures = Pictures(store, {record.truth.path: record for record in table}, detections.findings)
            suspicions = np.linspace(0.9, 0.1, len(store))
            session = Session("Review of toy", store, np.arange(len(store)), suspicions, 0.5, ledger, pictures)
            server = running.enter_context(ReviewServer(session))
            threading.Thread(target=server.serve_forever, args=(0.01,)).start()
            running.callback(server.shutdown)
            return server

        yield serve
