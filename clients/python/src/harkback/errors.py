"""Errors of the client. Failures of the connection itself are `httpx.TransportError`."""

from __future__ import annotations

from typing import Any

import httpx

from . import models


class HarkbackError(Exception):
    """An answer that is not the result of the call."""


class ProblemError(HarkbackError):
    """The problem document (RFC 9457) of a refused call."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        self.status = status
        self.document = document
        """The whole document; some problems have members of their own, such as `ids`."""
        self.code = str(document.get("code") or status)
        """Stable name of the cause; docs/calling.md lists all."""
        self.detail = str(document.get("detail") or "the service gave no reason")
        self.request_id: str | None = document.get("request_id")
        self.errors: list[models.FieldError] = document.get("errors") or []
        super().__init__(f"{self.code}: {self.detail}")

    @classmethod
    def of(cls, response: httpx.Response) -> ProblemError:
        """Converts a response whose body has been read; it may be that of a proxy, without a document."""
        try:
            document = response.json()
        except ValueError:
            document = {}
        return cls(response.status_code, document if isinstance(document, dict) else {})


class JobError(HarkbackError):
    """A job without a result."""

    def __init__(self, job: models.Job, message: str) -> None:
        self.job = job
        super().__init__(message)


class JobFailedError(JobError):
    """A failed job. `problem` is the document that the call would have answered."""

    def __init__(self, job: models.Job) -> None:
        problem = job["problem"] or {}
        self.problem = ProblemError(int(problem.get("status") or 500), problem)
        self.code = self.problem.code
        super().__init__(job, f"job {job['id']} failed: {self.problem}")


class JobCancelledError(JobError):
    """A cancelled job."""

    def __init__(self, job: models.Job) -> None:
        super().__init__(job, f"job {job['id']} was cancelled")
