"""The client against the OpenAPI document."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from harkback import Client, models

PACKAGE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    with path.open("wb") as file:
        subprocess.run([os.environ["HARKBACK_PROGRAM"], "openapi"], stdout=file, check=True)
    return path


def test_models_are_those_of_the_document(document: Path) -> None:
    # Within the package, whose pyproject.toml has the line length.
    committed, made = Path(models.__file__), PACKAGE / "src" / "harkback" / ".models.new.py"
    try:
        subprocess.run([sys.executable, PACKAGE / "generate.py", document, made], check=True)
        text = made.read_text()
    finally:
        made.unlink(missing_ok=True)
    assert text == committed.read_text(), "run UPDATE_MODELS=1 make client-python"


def _operations(document: Path) -> dict[str, tuple[str, str]]:
    paths = json.loads(document.read_text())["paths"]
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if isinstance(operation, dict) and "operationId" in operation
    }


def _sent_by(name: str, tmp_path: Path) -> tuple[str, str]:
    """The request of a method that is called with its positional arguments only."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"items": [], "next_cursor": None})

    with Client("http://service", transport=httpx.MockTransport(answer)) as client:
        method = getattr(client, name)
        parameters = inspect.signature(method).parameters.values()
        needed = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty]
        values: dict[str, Any] = {"to": tmp_path / "file", "path": "/path"}
        made = method(*(values.get(parameter.name, "x1") for parameter in needed))
        if inspect.isgenerator(made):
            list(made)
    return sent[0].method, sent[0].url.path


def test_methods_call_the_operations_of_their_names(document: Path, tmp_path: Path) -> None:
    operations = _operations(document)
    own = {"call", "start", "close", "upload"}
    methods = [name for name in vars(Client) if not name.startswith("_") and name not in own]
    assert len(methods) > 20
    for name in methods:
        expected_method, template = operations[name]
        sent_method, path = _sent_by(name, tmp_path)
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        assert sent_method == expected_method and re.fullmatch(pattern, path), f"{name}: {sent_method} {path}"
