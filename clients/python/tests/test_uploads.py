"""Uploads over a line that breaks, to a running service."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from harkback import Client, connection, uploads

Connect = Callable[..., Client]
SIZE = 1_000_000


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of several chunks."""
    monkeypatch.setattr(uploads, "CHUNK_BYTES", 100_000)
    monkeypatch.setattr(connection, "PAUSE_S", 0.0)
    path = tmp_path / "noise.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


class Line(httpx.BaseTransport):
    """Passes requests to the service, and records the offsets of PATCH; subclasses do harm to some of them."""

    def __init__(self) -> None:
        self.line = httpx.HTTPTransport()
        self.offsets: list[int] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "PATCH":
            return self.line.handle_request(request)
        self.offsets.append(int(request.headers["Upload-Offset"]))
        return self.patch(len(self.offsets), request)

    def patch(self, number: int, request: httpx.Request) -> httpx.Response:
        return self.line.handle_request(request)

    def close(self) -> None:
        self.line.close()


class LostRequests(Line):
    def patch(self, number: int, request: httpx.Request) -> httpx.Response:
        if number % 3 == 0:
            raise httpx.ConnectError("refused")
        return super().patch(number, request)


class LostAnswers(Line):
    def patch(self, number: int, request: httpx.Request) -> httpx.Response:
        response = super().patch(number, request)
        if number % 2 == 0:
            response.close()
            raise httpx.ReadError("reset")
        return response


class DamagedBytes(Line):
    def patch(self, number: int, request: httpx.Request) -> httpx.Response:
        if number % 4 == 0:
            damaged = b"\0" * int(request.headers["Content-Length"])
            request = httpx.Request("PATCH", request.url, headers=request.headers, content=damaged)
        return super().patch(number, request)


@pytest.mark.parametrize("line", [Line, LostRequests, LostAnswers, DamagedBytes])
def test_upload_resumes_on_a_line_that_breaks(line: type[Line], file: Path, connect: Connect) -> None:
    line_ = line()
    asset = connect(line_).upload(file, kind="other", tags=["a,b"], source_ref="ref")
    assert asset["content_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (asset["kind"], asset["tags"], asset["source_ref"]) == ("other", ["a,b"], "ref")
    assert (len(line_.offsets) > SIZE // uploads.CHUNK_BYTES) == (line in {LostRequests, DamagedBytes})


def test_a_later_run_continues_the_upload(file: Path, connect: Connect) -> None:
    def interrupt(sent: int, total: int) -> None:
        assert total == SIZE
        if sent > SIZE / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        connect().upload(file, on_progress=interrupt)
    line = Line()
    asset = connect(line).upload(file)
    assert line.offsets[0] == 600_000 and asset["size_bytes"] == SIZE


def test_an_empty_file_is_uploaded(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert connect().upload(tmp_path / "empty")["size_bytes"] == 0


def test_failures_that_do_not_pass_end_the_upload(file: Path, tmp_path: Path) -> None:
    calls: list[str] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        return httpx.Response(503, json={"code": "busy", "detail": "too many requests"})

    with Client("http://service", transport=httpx.MockTransport(refuse)) as client:
        with pytest.raises(Exception, match="busy: too many requests"):
            client.upload(file)
    assert calls == ["POST"] * (connection.MAX_FAILURES + 1)
