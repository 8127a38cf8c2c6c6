"""Heavy calls as jobs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from . import models
from .connection import Connection, retry
from .errors import JobCancelledError, JobFailedError

T = TypeVar("T")

LONG_POLL_S = 30
"""Time of a request that waits for the end of a job; less than the timeout of an answer."""
PROGRESS_POLL_S = 1

OnProgress = Callable[[models.Job], None]


class Job(Generic[T]):
    """A heavy call: its job, or the result that existed already."""

    def __init__(self, connection: Connection, row: models.Job | None, result: T | None = None) -> None:
        self._connection = connection
        self._result = result
        self.row = row
        """The job as last read; `None` for a result that existed before the call."""

    @property
    def id(self) -> str | None:
        return self.row["id"] if self.row else None

    @property
    def state(self) -> models.JobState:
        return self.row["state"] if self.row else "succeeded"

    def refresh(self, wait_s: int = 0) -> models.JobState:
        """Reads the job; with `wait_s`, at most 60, when it has ended or after that time."""
        if self.row and self.row["finished_at"] is None:
            path = f"/jobs/{self.row['id']}"
            self.row = retry(lambda: cast(models.Job, self._connection.json("GET", path, params={"wait": str(wait_s)})))
        return self.state

    def wait(self, on_progress: OnProgress | None = None, timeout_s: float | None = None) -> T:
        """Waits for the result. `on_progress` is called with the job about once a second.

        Raises `JobFailedError`, `JobCancelledError`, or `TimeoutError` after `timeout_s`; the job then continues.
        """
        poll_s = PROGRESS_POLL_S if on_progress else LONG_POLL_S
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while self.state in {"queued", "running"}:
            left_s = poll_s if deadline is None else deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError(f"job {self.id} is {self.state} after {timeout_s} s")
            # A wait of a fraction is rounded up.
            self.refresh(min(poll_s, int(left_s) + 1))
            if on_progress and self.row:
                on_progress(self.row)
        return self._finish()

    def cancel(self) -> None:
        """Cancels the job; a finished one raises `ProblemError` with the code `job_finished`."""
        if self.row:
            self.row = cast(models.Job, self._connection.json("DELETE", f"/jobs/{self.row['id']}"))

    def _finish(self) -> T:
        if self.row and self._result is None:
            if self.row["state"] == "failed":
                raise JobFailedError(self.row)
            if self.row["state"] == "cancelled":
                raise JobCancelledError(self.row)
            result = self.row["result"]
            body: Any = result["body"] if result else None
            # The row has no body of more than 1 MiB.
            if body is None:
                body = retry(lambda: self._connection.json("GET", f"/jobs/{self.id}/result"))
            self._result = cast(T, body)
        return cast(T, self._result)
