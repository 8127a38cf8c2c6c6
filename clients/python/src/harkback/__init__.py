"""Client of harkback; see `Client`."""

from . import models
from .client import Client
from .errors import HarkbackError, JobCancelledError, JobError, JobFailedError, ProblemError
from .jobs import Job

__all__ = [
    "Client",
    "HarkbackError",
    "Job",
    "JobCancelledError",
    "JobError",
    "JobFailedError",
    "ProblemError",
    "models",
]
