"""Requests with the identity of the caller."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, TypeVar

import httpx

from .errors import ProblemError

T = TypeVar("T")

PAUSE_S = 1.0
"""Delay before a retry."""
MAX_FAILURES = 60
"""Maximum number of consecutive failures: a restart of the service takes less."""
PASSING_STATUS = {408, 409, 423, 429, 460}
"""Of passing refusals below 500; 460 is the checksum of tus."""


class Connection:
    """Sends requests to a service; every answer that is not a success is a `ProblemError`."""

    def __init__(
        self, url: str, headers: Mapping[str, str], timeout_s: float, transport: httpx.BaseTransport | None
    ) -> None:
        timeout = httpx.Timeout(timeout_s, connect=10.0)
        self.client = httpx.Client(base_url=url, headers=headers, timeout=timeout, transport=transport)

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Sends a request of `httpx.Client.request` and reads its answer."""
        response = self.client.request(method, path, **request)
        if not response.is_success:
            raise ProblemError.of(response)
        return response

    def json(self, method: str, path: str, **request: Any) -> Any:
        return self.send(method, path, **request).json()

    def download(self, path: str, file: BinaryIO) -> None:
        """Streams a body to a file."""
        with self.client.stream("GET", path) as response:
            if not response.is_success:
                response.read()
                raise ProblemError.of(response)
            for piece in response.iter_bytes():
                file.write(piece)


def is_passing(error: Exception) -> bool:
    """Whether a retry may succeed: no answer, a server error, or another request that does the same work."""
    if isinstance(error, ProblemError):
        return error.status >= 500 or error.status in PASSING_STATUS
    return isinstance(error, httpx.TransportError)


def retry(call: Callable[[], T]) -> T:
    """Repeats a call that has no further effect when repeated, while its failures may pass."""
    for _ in range(MAX_FAILURES):
        try:
            return call()
        except (httpx.TransportError, ProblemError) as error:
            if not is_passing(error):
                raise
        time.sleep(PAUSE_S)
    return call()


def query(parameters: Mapping[str, object]) -> dict[str, str]:
    """Parameters as text; those without a value are left out."""
    return {name: _text(value) for name, value in parameters.items() if value is not None}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
