"""The page's server: on this machine only, behind an address that nobody can guess.

Other programs of this machine, and pages of other sites in the reviewer's browser, can reach the port too: without the
token in the path they learn nothing, and the checks of Host and Origin keep other sites out even with it.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import Field, ValidationError

from microcalc.errors import MicrocalcError, UsageError
from microcalc.findings import Record
from microcalc.output.html import read_asset
from microcalc.review.ledger import Choice
from microcalc.review.session import Session, StaleError

HOST = "127.0.0.1"
#: Of the body of a request; a decision takes a tenth of it.
MOST_BYTES = 1000

#: Path below the token -> file of this package and its type.
_ASSETS = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ReviewServer(ThreadingHTTPServer):
    """Serves the page of a session at :attr:`url`.

    Args:
        session: what is reviewed.
        port: 0: any free one.

    Raises:
        UsageError: the port cannot be used.
    """

    daemon_threads = True
    #: Connections that may wait to be let in: with the usual 5, a busy machine resets some of those of two pages.
    request_queue_size = 128

    def __init__(self, session: Session, port: int = 0) -> None:
        self.session = session
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(
                expected="a port that is free", found=f"{port} ({error})", do="choose another --port, or leave it out"
            ) from error

    @property
    def url(self) -> str:
        """Of the page; whoever knows it can decide."""
        return f"http://{HOST}:{self.server_address[1]}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a page that was closed before its answer came."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Wish(Record):
    patch: int = Field(ge=0)
    decision: Choice
    seen: Choice


class _RefusalError(Exception):
    """An answer other than the one asked for."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        self.status = status
        super().__init__(text)


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    #: Seconds that a connection may stay silent.
    timeout = 30

    def do_GET(self) -> None:
        """Page, overview, patches, thumbnails."""
        self._answer("GET", self._get)

    def do_POST(self) -> None:
        """Decisions."""
        self._answer("POST", self._post)

    def log_message(self, *args: Any) -> None:
        """Tell nothing: the log is for the job, and addresses hold the token."""

    def version_string(self) -> str:
        """Tell nothing of what is installed."""
        return "microcalc"

    def _answer(self, method: str, answer: Callable[[str], tuple[bytes, str]]) -> None:
        try:
            path = self._path()
            if (path == "decisions") != (method == "POST"):
                raise _RefusalError(HTTPStatus.METHOD_NOT_ALLOWED, "another method")
            content, kind = answer(path)
            self._send(HTTPStatus.OK, content, kind)
        except _RefusalError as refusal:
            self._send(refusal.status, *_json({"error": str(refusal)}))
        except StaleError as error:
            self._send(HTTPStatus.CONFLICT, *_json({"error": str(error)}))
        except MicrocalcError as error:
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, *_json({"error": str(error)}))

    def _path(self) -> str:
        """What of the path lies below the token."""
        # A name that resolves to this machine is not enough: another site may have chosen it (DNS rebinding).
        if not re.fullmatch(r"(127\.0\.0\.1|localhost)(:\d{1,5})?", self.headers.get("Host", ""), re.ASCII):
            raise _RefusalError(HTTPStatus.FORBIDDEN, "another host")
        token, slash, path = self.path.removeprefix("/").partition("/")
        if not slash or not secrets.compare_digest(token.encode(), self.server.token.encode()):
            raise _RefusalError(HTTPStatus.NOT_FOUND, "nothing here: open the address that microcalc printed")
        return path

    def _get(self, path: str) -> tuple[bytes, str]:
        session = self.server.session
        if path in _ASSETS:
            name, kind = _ASSETS[path]
            return read_asset("microcalc.review", name).encode(), kind
        if path == "overview":
            return _json(session.overview())
        if path == "progress":
            return _json(session.progress())
        numbered = re.fullmatch(r"(patches|thumbnails)/(\d{1,9})", path, re.ASCII)
        if numbered is None or int(numbered[2]) >= len(session):
            raise _RefusalError(HTTPStatus.NOT_FOUND, "no such thing")
        if numbered[1] == "patches":
            return _json(session.patch(int(numbered[2])))
        return session.thumbnail(int(numbered[2])), "image/png"

    def _post(self, path: str) -> tuple[bytes, str]:
        if self.headers.get("Origin") != f"http://{self.headers.get('Host')}":
            raise _RefusalError(HTTPStatus.FORBIDDEN, "another origin")
        if self.headers.get_content_type() != "application/json":
            raise _RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not application/json")
        wish = self._wish()
        if wish.patch >= len(self.server.session):
            raise _RefusalError(HTTPStatus.BAD_REQUEST, "no such patch")
        return _json(self.server.session.decide(wish.patch, wish.decision, wish.seen))

    def _wish(self) -> _Wish:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,9}", length, re.ASCII):
            raise _RefusalError(HTTPStatus.LENGTH_REQUIRED, "no length")
        if int(length) > MOST_BYTES:
            raise _RefusalError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too long")
        try:
            return _Wish.model_validate_json(self.rfile.read(int(length)))
        except ValidationError as error:
            raise _RefusalError(HTTPStatus.BAD_REQUEST, "not a decision") from error

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _json(value: dict[str, Any]) -> tuple[bytes, str]:
    return json.dumps(value, allow_nan=False).encode(), "application/json"
