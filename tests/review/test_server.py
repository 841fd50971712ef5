"""What the server answers, and whom it does not."""

import contextlib
import http.client
import json
import socket

import pytest

from microcalc.errors import UsageError
from microcalc.patches.decisions import read_decisions
from microcalc.review.server import ReviewServer


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture
def ask(server):
    """(status, headers, content) of a request; ``path`` lies below the token, ``whole`` replaces all of it."""

    def ask(path="", method="GET", body=None, whole=None, **headers):
        host = f"127.0.0.1:{server.server_address[1]}"
        connection = http.client.HTTPConnection(*server.server_address, timeout=20)
        connection.putrequest(method, whole or f"/{server.token}/{path}", skip_host=True)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        own = {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json"}
        own |= {"Content-Length": str(len(content))}
        for name, value in (own | {name.replace("_", "-"): value for name, value in headers.items()}).items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(content)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    return ask


def decide(ask, patch, decision, seen="undecided", **headers):
    status, _, content = ask("decisions", "POST", {"patch": patch, "decision": decision, "seen": seen}, **headers)
    return status, json.loads(content)


def test_the_page_brings_all_it_needs_and_may_fetch_nothing_else(ask):
    status, headers, content = ask()
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    everything = content + ask("page.css")[2] + ask("page.js")[2]
    # The one address in it is the name of SVG's elements.
    assert everything.count(b"://") == everything.count(b"http://www.w3.org/2000/svg") == 2


def test_overview_and_patch(ask, store):
    overview = json.loads(ask("overview")[2])
    assert overview["labels"] == [patch.label for patch in store.patches]
    assert overview["decisions"] == ["undecided"] * 12
    # 12 values from 0.9 down to 0.1.
    assert overview["scores"][0] == 0.9
    assert overview["scores"][-1] == 0.1
    patch = json.loads(ask("patches/0")[2])
    assert (patch["image"], patch["label"], patch["score"]) == (store.patches[0].image, "cluster", 0.9)
    assert patch["picture"].startswith("data:image/png;base64,")
    assert ask("thumbnails/0")[2].startswith(b"\x89PNG")


def test_a_decision_is_in_the_file_and_in_the_overview(ask, store, tmp_path):
    assert decide(ask, 3, "drop") == (200, {"revision": 1})
    assert read_decisions(tmp_path / "decisions.csv") == {store.patches[3].key: "drop"}
    overview = json.loads(ask("overview")[2])
    assert (overview["decisions"][3], overview["revision"]) == ("drop", 1)
    assert json.loads(ask("progress")[2]) == {"revision": 1}


def test_a_second_page_cannot_overwrite_what_it_has_not_seen(ask, store, tmp_path):
    decide(ask, 3, "drop")
    status, told = decide(ask, 3, "keep", seen="undecided")
    assert status == 409
    assert "'drop', from another page" in told["error"]
    assert decide(ask, 3, "keep", seen="drop")[0] == 200
    assert read_decisions(tmp_path / "decisions.csv") == {store.patches[3].key: "keep"}


def test_a_decision_that_cannot_be_written_is_not_taken_over(ask, server, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", full)
        status, told = decide(ask, 3, "drop")
    assert status == 500
    assert "No space left on device" in told["error"]
    assert server.session.decisions[3] == "undecided"
    assert decide(ask, 3, "drop")[0] == 200


@pytest.mark.parametrize("whole", ["/", "/overview", "/x/overview", "/?token", "//", "/%00/"])
def test_without_the_token_there_is_nothing(ask, whole):
    assert ask(whole=whole)[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "../page.html",
        "..%2Fpage.html",
        "page.html",
        "server.py",
        "/etc/passwd",
        "page.js?x",
        "overview/",
        "thumbnails/12",
    ]
    + [f"patches/{number}" for number in ("12", "-1", "0x1", "1/..", "9" * 30)],
)
def test_nothing_but_what_there_is(ask, path):
    assert ask(path)[0] == 404


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1.example.com", "localhost.example.com:80", "[::1]", "[", "", None]
)
def test_another_host_name_is_refused(ask, host):
    """A name of another site that resolves to this machine."""
    assert ask(Host=host)[0] == 403


def test_a_tunnel_to_this_machine_is_let_in(ask):
    assert ask(Host="localhost:8000")[0] == 200
    assert decide(ask, 0, "keep", Host="localhost:8000", Origin="http://localhost:8000")[0] == 200


@pytest.mark.parametrize("origin", ["http://example.com", "null", "https://127.0.0.1", "http://127.0.0.1:1", "", None])
def test_another_site_cannot_decide(ask, server, origin):
    assert decide(ask, 0, "keep", Origin=origin)[0] == 403
    assert set(server.session.decisions) == {"undecided"}


@pytest.mark.parametrize(
    ("path", "method"), [("decisions", "GET"), ("overview", "POST"), ("", "POST"), ("patches/0", "POST")]
)
def test_the_wrong_method(ask, path, method):
    assert ask(path, method)[0] == 405


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "HEAD"])
def test_methods_that_there_are_not(ask, method):
    assert ask("decisions", method)[0] == 501


GOOD = {"patch": 0, "decision": "keep", "seen": "undecided"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        [],
        {},
        GOOD | {"patch": 12},
        GOOD | {"patch": -1},
        GOOD | {"patch": "x"},
        GOOD | {"decision": "perhaps"},
        GOOD | {"seen": None},
        GOOD | {"more": 1},
    ],
)
def test_what_is_no_decision(ask, server, body):
    assert ask("decisions", "POST", body)[0] == 400
    assert set(server.session.decisions) == {"undecided"}


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (411, {"Content_Length": None}),
        (411, {"Content_Length": "-1"}),
        (411, {"Content_Length": "٣".encode().decode("latin-1")}),
        (413, {"Content_Length": "1001"}),
        (415, {"Content_Type": "text/plain"}),
        (415, {"Content_Type": "application/x-www-form-urlencoded"}),
    ],
)
def test_bodies_that_are_not_read(ask, status, headers):
    assert ask("decisions", "POST", GOOD, **headers)[0] == status


def test_no_answer_tells_of_the_token(ask, server):
    for path in ("", "overview", "patches/0", "nothing"):
        _, headers, content = ask(path)
        assert server.token not in str(headers) + str(content)


def test_it_listens_to_this_machine_only(server):
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("path", [b"/\xe9/", b"/\xb2/overview", b"//", b"http://example.com/", b"*", b"\x00"])
def test_paths_that_no_browser_asks_for(server, path):
    with socket.create_connection(server.server_address, timeout=20) as connection:
        connection.sendall(b"GET " + path + b" HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert connection.recv(100).split()[1] == b"404"


def test_a_page_that_goes_away_is_no_error_and_a_fault_of_ours_is_told(server, capfd):
    for error, told in ((BrokenPipeError(), False), (ZeroDivisionError(), True)):
        try:
            raise error
        except type(error):
            server.handle_error(None, None)
        assert ("ZeroDivisionError" in capfd.readouterr().err) == told


def test_many_connections_may_wait_to_be_let_in(server):
    with contextlib.ExitStack() as waiting:
        busy = waiting.enter_context(ReviewServer(server.session))  # lets nobody in
        connections = [
            waiting.enter_context(socket.create_connection(busy.server_address, timeout=5)) for _ in range(64)
        ]
        assert all(one.getpeername() == busy.server_address for one in connections)


def test_a_port_in_use(server):
    with pytest.raises(UsageError, match="expected a port that is free"):
        ReviewServer(server.session, server.server_address[1])
