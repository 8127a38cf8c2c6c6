"""Jobs of a running service, and answers that it seldom gives."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from harkback import Client, Job, JobCancelledError, JobFailedError, ProblemError, connection, models


def test_progress_of_a_job_is_reported_until_its_result(client: Client, media: Path) -> None:
    asset = client.upload(media / "digits.wav")
    rows: list[models.Job] = []
    job = client.analyze_recording(asset_id=asset["id"])
    found = job.wait(on_progress=rows.append)
    assert rows[-1]["state"] == "succeeded" and rows[-1]["progress"] == 1
    assert [row["progress"] for row in rows] == sorted(row["progress"] for row in rows)
    assert client.get_job(rows[-1]["id"]).wait() == found
    again = client.analyze_recording(asset_id=asset["id"])
    assert (again.id, again.state, again.wait()) == (None, "succeeded", {**found, "meta": again.wait()["meta"]})


def test_a_job_is_cancelled(client: Client, tmp_path: Path) -> None:
    long = tmp_path / "long.flac"
    source = "sine=frequency=440:duration=14400:sample_rate=8000"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, long], check=True)
    job = client.analyze_recording(asset_id=client.upload(long)["id"])
    with pytest.raises(TimeoutError):
        job.wait(timeout_s=0)
    job.cancel()
    with pytest.raises(JobCancelledError) as cancelled:
        job.wait()
    assert cancelled.value.job["id"] == job.id
    assert [row["id"] for row in client.list_jobs(state="cancelled", limit=1)] == [job.id]
    with pytest.raises(ProblemError) as problem:
        job.cancel()
    assert problem.value.code == "job_finished" and problem.value.request_id


def _row(state: models.JobState, **fields: Any) -> dict[str, Any]:
    row = {"id": "job_1", "state": state, "finished_at": None if state == "running" else "2030-01-01T00:00:00Z"}
    return {**row, "result": None, "problem": None, **fields}


def _job(*answers: httpx.Response | Exception) -> Job[Any]:
    """A job whose reads are answered as given."""
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        given = httpx.Response(202, json=_row("running")) if request.method == "POST" else left.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    return Client("http://service", transport=httpx.MockTransport(answer)).start("/video/render", {})


def test_a_failed_job_raises_its_problem() -> None:
    problem = {"code": "undecodable_media", "detail": "no packets", "status": 422}
    with pytest.raises(JobFailedError, match="no packets") as failed:
        _job(httpx.Response(200, json=_row("failed", problem=problem))).wait()
    assert (failed.value.code, failed.value.problem.status) == ("undecodable_media", 422)


def test_a_restart_of_the_service_does_not_end_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSE_S", 0.0)
    row = _row("succeeded", result={"status": 200, "href": "/jobs/job_1/result", "body": None})
    restarted: list[httpx.Response | Exception] = [
        httpx.ConnectError("refused"),
        httpx.Response(503, text="<html>"),
        httpx.Response(200, json=row),
    ]
    # A result of more than 1 MiB is read by itself.
    assert _job(*restarted, httpx.Response(200, json={"large": True})).wait() == {"large": True}
