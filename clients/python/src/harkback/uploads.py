"""Uploads that resume: tus 1.0, each request with its checksum."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from .connection import PAUSE_S, Connection, retry
from .errors import HarkbackError, ProblemError

CHUNK_BYTES = 8 << 20
MAX_ATTEMPTS = 5
"""Maximum number of uploads of a file that have expired or were deleted."""
TUS = {"Tus-Resumable": "1.0.0"}

OnUpload = Callable[[int, int], None]


class FileUpload:
    """A file on its way; a later run with the same file and description continues it, within a day."""

    def __init__(
        self, connection: Connection, path: Path, metadata: dict[str, str], on_progress: OnUpload | None
    ) -> None:
        self._connection = connection
        self._path = path.resolve(strict=True)
        stat = self._path.stat()
        self._length = stat.st_size
        self._metadata = ",".join(f"{name} {_base64(value.encode())}" for name, value in metadata.items())
        self._on_progress = on_progress
        identity = f"{self._path}\0{self._length}\0{stat.st_mtime_ns}\0{self._metadata}"
        self._key = hashlib.sha256(identity.encode()).hexdigest()[:32]

    def run(self) -> str:
        """Sends the bytes that the service lacks; returns the id of the asset."""
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return self._send(retry(lambda: self._create(attempt)))
            except ProblemError as error:
                if error.status not in {404, 410}:
                    raise
        raise HarkbackError(f"the upload of {self._path} expired {MAX_ATTEMPTS} times")

    def _create(self, attempt: int) -> str:
        """Creates the upload, or finds that of an earlier run by its key; returns its path."""
        headers = {
            **TUS,
            "Upload-Length": str(self._length),
            "Upload-Metadata": self._metadata,
            "Idempotency-Key": f"python-{self._key}-{attempt}",
        }
        location: str = self._connection.send("POST", "/media-v2/uploads", headers=headers).headers["Location"]
        return location

    def _send(self, upload: str) -> str:
        with self._path.open("rb") as file:
            while True:
                asset = retry(lambda: self._step(upload, file))
                if asset:
                    return asset

    def _step(self, upload: str, file: BinaryIO) -> str | None:
        """Sends the next chunk. Starts at the offset of the service, so that it may be repeated after any failure."""
        state = self._connection.send("HEAD", upload, headers=TUS).headers
        asset: str | None = state.get("Harkback-Asset-Id")
        if asset:
            return asset
        offset = int(state["Upload-Offset"])
        if offset == self._length:
            # Another request finishes it.
            time.sleep(PAUSE_S)
            return None
        file.seek(offset)
        chunk = file.read(CHUNK_BYTES)
        if not 0 < len(chunk) <= self._length - offset:
            raise HarkbackError(f"{self._path} has changed while it was uploaded")
        headers = {
            **TUS,
            "Upload-Offset": str(offset),
            "Upload-Checksum": f"sha256 {_base64(hashlib.sha256(chunk).digest())}",
            "Content-Type": "application/offset+octet-stream",
        }
        answer = self._connection.send("PATCH", upload, headers=headers, content=chunk).headers
        if self._on_progress:
            self._on_progress(offset + len(chunk), self._length)
        asset = answer.get("Harkback-Asset-Id")
        return asset


def metadata(name: str, kind: str | None, tags: Sequence[str], source_ref: str | None) -> dict[str, str]:
    """The values of `Upload-Metadata`."""
    optional = {"kind": kind, "tags": json.dumps(list(tags)) if tags else None, "source_ref": source_ref}
    return {"filename": name, **{key: value for key, value in optional.items() if value is not None}}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
