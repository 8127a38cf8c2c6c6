"""A service, as one of its callers sees it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, cast

import httpx

from . import models, uploads
from .connection import Connection, query
from .jobs import Job
from .uploads import OnUpload

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8090"


class Client:
    """Calls a service. Methods have the names of the operations of its OpenAPI document, and their fields as arguments.

    `key` is an API key or token; with `serve --auth none`, `tenant` and `env` say who calls. Arguments that are `None` come
    from `HARKBACK_URL`, `HARKBACK_KEY`, `HARKBACK_TENANT` and `HARKBACK_ENV`. A client may be shared by threads.

    Heavy calls return a `Job`, whose `wait()` returns the result. Lists are iterators over all pages; `limit` is the size of
    a page. A refusal raises `ProblemError`.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        key: str | None = None,
        tenant: str | None = None,
        env: str | None = None,
        user: str | None = None,
        timeout_s: float = 120.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        key = key or os.environ.get("HARKBACK_KEY")
        headers = {
            "Authorization": f"Bearer {key}" if key else None,
            "X-Tenant-Id": tenant or os.environ.get("HARKBACK_TENANT"),
            "X-Env": env or os.environ.get("HARKBACK_ENV"),
            "X-User-Id": user,
        }
        headers_set = {name: value for name, value in headers.items() if value}
        url = url or os.environ.get("HARKBACK_URL") or DEFAULT_URL
        self._connection = Connection(url, headers_set, timeout_s, transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._connection.client.close()

    # Any call.

    def call(
        self, method: str, path: str, *, json: object = None, parameters: Mapping[str, object] | None = None
    ) -> Any:
        """Calls an operation that has no method here; returns its JSON, `None` if the answer is empty."""
        response = self._connection.send(method, path, params=query(parameters or {}), json=json)
        return response.json() if response.content else None

    def start(self, path: str, request: Mapping[str, object]) -> Job[Any]:
        """Starts a heavy call that has no method here."""
        answer = self._connection.send("POST", path, json=request, headers={"Prefer": "respond-async"})
        if answer.status_code == httpx.codes.ACCEPTED:
            return Job(self._connection, cast(models.Job, answer.json()))
        return Job(self._connection, None, answer.json())

    # Recordings.

    def upload(
        self,
        path: str | os.PathLike[str],
        *,
        kind: models.AssetKind | None = None,
        tags: Sequence[str] = (),
        source_ref: str | None = None,
        on_progress: OnUpload | None = None,
    ) -> models.MediaAsset:
        """Uploads a file of any size, resumes when the connection breaks, and resumes the upload of an earlier run.

        `on_progress` is called with the stored and the total number of bytes.
        """
        path = Path(path)
        metadata = uploads.metadata(path.name, kind, tags, source_ref)
        asset_id = uploads.FileUpload(self._connection, path, metadata, on_progress).run()
        return self.get_asset(asset_id)["asset"]

    def create_asset(self, **request: Unpack[models.RegisterAsset]) -> models.MediaAsset:
        """Registers a recording that the service can read itself."""
        return cast(models.MediaAsset, self.call("POST", "/media-v2/assets", json=request))

    def get_asset(self, asset_id: str) -> models.AssetWithArtifacts:
        return cast(models.AssetWithArtifacts, self.call("GET", f"/media-v2/assets/{asset_id}"))

    def list_assets(self, **filters: Unpack[models.ListAssetsParametersQuery]) -> Iterator[models.MediaAsset]:
        return self._pages("/media-v2/assets", filters)

    def get_asset_content(self, asset_id: str, to: str | os.PathLike[str]) -> None:
        """Downloads a recording, or a render, to a file, which appears when it is complete."""
        self._download(f"/media-v2/assets/{asset_id}/content", Path(to))

    def get_artifact_content(self, artifact_id: str, to: str | os.PathLike[str]) -> None:
        """Downloads the bytes of an artifact, such as a sample, to a file, which appears when it is complete."""
        self._download(f"/media-v2/artifacts/{artifact_id}/content", Path(to))

    def create_link(self, path: str, expires_in_s: int | None = None) -> models.Link:
        """Signs a GET of `path`, query included, for players and editors."""
        request = {"path": path, "expires_in_s": expires_in_s}
        return cast(models.Link, self.call("POST", "/media-v2/links", json=request))

    # Analyses, samples, words.

    def analyze_recording(self, **request: Unpack[models.AnalyzeRequest]) -> Job[models.AnalyzeResponse]:
        return self.start("/audio/semantic-timeline/analyze", request)

    def get_semantic_timeline(self, artifact_id: str) -> models.TimelineResponse:
        return cast(models.TimelineResponse, self.call("GET", f"/audio/semantic-timeline/{artifact_id}"))

    def get_semantic_timeline_of_clip(self, clip_id: str) -> models.TimelineResponse:
        """Reads the part of a timeline that a clip plays, in the clip's own time."""
        return cast(models.TimelineResponse, self.call("GET", f"/audio/semantic-timeline/by-clip/{clip_id}"))

    def get_transcript(self, artifact_id: str, **query: Unpack[models.GetTranscriptParametersQuery]) -> bytes:
        """Reads the words of a timeline as captions, or as JSON without `format`."""
        return self._bytes(f"/audio/semantic-timeline/{artifact_id}/transcript", query)

    def cut_samples(self, **request: Unpack[models.SamplesRequest]) -> Job[models.SamplesResponse]:
        return self.start("/audio/field-to-samples", request)

    def list_samples(self, **filters: Unpack[models.ListSamplesParametersQuery]) -> Iterator[models.LibrarySample]:
        """Searches the samples of all recordings."""
        return self._pages("/audio/samples", filters)

    def search_words(self, **filters: Unpack[models.SearchWordsParametersQuery]) -> Iterator[models.SearchHit]:
        """Searches the words of all recordings."""
        return self._pages("/search", filters)

    # From audio to video.

    def make_shot_list(self, **request: Unpack[models.ShotListRequest]) -> Job[models.ShotListResult]:
        return self.start("/audio/to-video-origin", request)

    def make_origin_snippets(self, **request: Unpack[models.BatchRequest]) -> Job[models.BatchResult]:
        return self.start("/origin-snippets/batch", request)

    def remove_silence(self, **request: Unpack[models.RemoveSilence]) -> Job[models.ShotListResult]:
        return self.start("/edits/remove-silence", request)

    def cut_to_music(self, **request: Unpack[models.CutToMusic]) -> Job[models.ShotListResult]:
        return self.start("/edits/cut-to-music", request)

    def make_supercut(self, **request: Unpack[models.Supercut]) -> Job[models.ShotListResult]:
        return self.start("/edits/supercut", request)

    def render_window(self, **request: Unpack[models.RenderRequest]) -> Job[models.RenderResponse]:
        """Renders a window of a recording or project, or a shot list, to one file."""
        return self.start("/video/render", request)

    # Exports to other programs: the bytes of the file.

    def export_project(self, project_id: str, **query: Unpack[models.ExportProjectParametersQuery]) -> bytes:
        return self._bytes(f"/video/projects/{project_id}/export", query)

    def export_sequence(self, sequence_id: str, **query: Unpack[models.ExportSequenceParametersQuery]) -> bytes:
        return self._bytes(f"/video/sequences/{sequence_id}/export", query)

    def export_shot_list(self, artifact_id: str, **query: Unpack[models.ExportShotListParametersQuery]) -> bytes:
        return self._bytes(f"/audio/to-video-origin/{artifact_id}/export", query)

    def export_timeline(self, artifact_id: str, **query: Unpack[models.ExportTimelineParametersQuery]) -> bytes:
        return self._bytes(f"/audio/semantic-timeline/{artifact_id}/export", query)

    # Jobs.

    def list_jobs(self, **filters: Unpack[models.ListJobsParametersQuery]) -> Iterator[models.Job]:
        return self._pages("/jobs", filters)

    def get_job(self, job_id: str) -> Job[Any]:
        """Finds a job by its id, for example that of an earlier run."""
        return Job(self._connection, cast(models.Job, self.call("GET", f"/jobs/{job_id}")))

    def _pages(self, path: str, filters: Mapping[str, object]) -> Iterator[Any]:
        parameters = query(filters)
        while True:
            page = self._connection.json("GET", path, params=parameters)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            parameters["cursor"] = page["next_cursor"]

    def _bytes(self, path: str, parameters: Mapping[str, object]) -> bytes:
        return self._connection.send("GET", path, params=query(parameters)).content

    def _download(self, path: str, to: Path) -> None:
        partial = to.with_name(f".{to.name}.part")
        try:
            with partial.open("wb") as file:
                self._connection.download(path, file)
            partial.replace(to)
        finally:
            partial.unlink(missing_ok=True)
