"""The examples of the README, run and type-checked."""

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
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_readme_examples_run(client: Client, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(media / "digits.wav", tmp_path / "talk.wav")
    shutil.copy(media / "talk_and_music.mp4", tmp_path / "film.mp4")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(EXAMPLES[0], names)
    created = names["client"]
    assert isinstance(created, Client)
    created.close()
    names["client"] = client
    for example in EXAMPLES[1:]:
        exec(example, names)
    assert (tmp_path / "hit.wav").read_bytes()[:4] == b"RIFF"
    assert (tmp_path / "window.mp4").read_bytes()[4:8] == b"ftyp"
    captions = names["captions"]
    assert isinstance(captions, bytes) and b"three" in captions


def test_readme_examples_have_the_right_types(tmp_path: Path) -> None:
    file = tmp_path / "examples.py"
    file.write_text("\n".join(EXAMPLES))
    subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", file],
        check=True,
        env={**os.environ, "MYPY_CACHE_DIR": str(tmp_path)},
    )
