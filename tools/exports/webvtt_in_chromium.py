"""Reads WebVTT files as a browser does: the cues of a text track in Chromium."""

import html
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

PAGE = """<!doctype html><meta charset="utf-8"><pre id="cues"></pre><script>
const texts = %s;
const load = text => new Promise((resolve, reject) => {
  const video = document.createElement("video"), track = document.createElement("track");
  track.kind = "captions";
  track.src = URL.createObjectURL(new Blob([text], {type: "text/vtt"}));
  track.onload = () => resolve([...track.track.cues].map(cue => {
    const shown = cue.getCueAsHTML(), voice = shown.querySelector("span[title]");
    return {start: cue.startTime, end: cue.endTime, text: shown.textContent, voice: voice ? voice.title : ""};
  }));
  track.onerror = () => reject(new Error("the track does not load"));
  video.append(track);
  document.body.append(video);
  track.track.mode = "hidden";
});
Promise.all(texts.map(load)).then(all => document.getElementById("cues").textContent = JSON.stringify(all));
</script>"""
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=20000",
    "--dump-dom",
]


def is_installed():
    return shutil.which("chromium") is not None


def cues(paths):
    """The cues of each file: start and end in seconds, text and voice."""
    if not paths:
        return []
    # A script ends at its end tag, also inside a string.
    texts = json.dumps([path.read_text() for path in paths]).replace("</", "<\\/")
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory, "page.html")
        page.write_text(PAGE % texts)
        command = ["chromium", *OPTIONS, f"--user-data-dir={directory}/profile", page.as_uri()]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="cues">(.+?)</pre>', run.stdout, re.S)
    assert found, "Chromium loaded no captions"
    return json.loads(html.unescape(found.group(1)))
