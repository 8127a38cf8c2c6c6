"""The examples of the README, run and type-checked, and those of docs/clients.md, type-checked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harkback import Client

README = Path(__file__).parents[1] / "README.md"
CLIENTS = Path(__file__).parents[3] / "docs" / "clients.md"


def examples(document: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)


def test_readme_examples_run(client: Client, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(media / "digits.wav", tmp_path / "talk.wav")
    shutil.copy(media / "talk_and_music.mp4", tmp_path / "film.mp4")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    first, *others = examples(README)
    exec(first, names)
    created = names["client"]
    assert isinstance(created, Client)
    created.close()
    names["client"] = client
    for example in others:
        exec(example, names)
    assert (tmp_path / "hit.wav").read_bytes()[:4] == b"RIFF"
    assert (tmp_path / "window.mp4").read_bytes()[4:8] == b"ftyp"
    captions = names["captions"]
    assert isinstance(captions, bytes) and b"three" in captions


@pytest.mark.parametrize("document", [README, CLIENTS])
def test_documented_examples_have_the_right_types(document: Path, tmp_path: Path) -> None:
    file = tmp_path / "examples.py"
    file.write_text("\n".join(examples(document)))
    environment = {**os.environ, "MYPY_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-m", "mypy", "--strict", file], check=True, env=environment)
