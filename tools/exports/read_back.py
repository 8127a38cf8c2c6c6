#!/usr/bin/env python3
"""Reads exports back with independent readers and compares them with what they were made of.

    cargo run --package interchange --example exports -- DIRECTORY 40
    tools/exports/read_back.py DIRECTORY

Readers: opentimelineio with its adapters for Final Cut Pro 7 and CMX 3600, mido, jams, praat-parselmouth
(tools/exports/requirements.txt), Chromium for WebVTT, and ffmpeg if it is installed. FCPXML is checked by its rules,
without its editor.
Prints the first difference of each format and a line for each format; exits with 1 if any file differs.
"""

import csv
import json
import re
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import jams
import mido
import opentimelineio as otio
import parselmouth
import webvtt_in_chromium

MICROS = 1_000_000


def rate_of(truth):
    return Fraction(*truth["rate"])


def editing(rate, most):
    """The rate of editing systems, as FrameRate::editing_rate has it."""
    ntsc = [Fraction(whole * 1000, 1001) for whole in (24, 30, 48, 60, 120)]
    rates = [rate for rate in ntsc + [24, 25, 30, 48, 50, 60, 96, 100, 120] if round(rate) <= most]
    for power in [0, 1, 2, 3, 4, 5, -1, -2, -3, -4, -5]:
        scaled = rate / Fraction(2) ** power
        if scaled in rates:
            return scaled
    return Fraction(min(rates, key=lambda editing: abs(editing - rate)))


def frames_of(timecode, rate):
    """The frame of a timecode, which drops frame numbers if it has a semicolon (SMPTE ST 12-1)."""
    hours, minutes, seconds, frames = map(int, re.split("[:;]", timecode))
    minutes += 60 * hours
    number = (60 * minutes + seconds) * round(rate) + frames
    dropped = round(rate) // 15 * (minutes - minutes // 10)
    return number - dropped if ";" in timecode else number


def expected(truth, track, rate):
    """Clips that are not shorter than a frame, at their frames."""
    for clip in track["clips"]:
        start, end = (int(Fraction(clip[side], MICROS) * rate + Fraction(1, 2)) for side in ("start", "end"))
        if start < end:
            moved = Fraction(start) / rate - Fraction(clip["start"], MICROS)
            source = max(Fraction(clip["source"], MICROS) + moved * Fraction(clip["speed"]), 0)
            yield clip, start, end, source


def near(what, found, wanted, within):
    assert abs(float(found) - float(wanted)) <= float(within) + 1e-6, f"{what}: {float(found)} is not {float(wanted)}"


def begin_of(media, rate):
    """Source timecode of a file, on the frames of the timeline if the file has no video."""
    begin = Fraction(media["timecode"], MICROS)
    return begin if media["fps"] else Fraction(int(begin * rate + Fraction(1, 2))) / rate


def check_tracks(timeline, truth, rate, *, tracks=None, names=True, source=True):
    """Compares clips of an OTIO timeline: place, length, source, name and media."""
    half = Fraction(1, 2) / rate
    wanted = tracks if tracks is not None else truth["tracks"]
    found = list(timeline.tracks)
    assert len(found) == len(wanted), f"{len(found)} tracks, not {len(wanted)}"
    clips = 0
    for track, of_track in zip(found, wanted):
        is_video = track.kind == otio.schema.TrackKind.Video
        assert is_video == of_track["is_video"], track.name
        items = [item for item in track if isinstance(item, otio.schema.Clip)]
        rows = list(expected(truth, of_track, rate))
        assert len(items) == len(rows), f"{len(items)} clips, not {len(rows)}"
        for item, (clip, start, end, source_start) in zip(items, rows):
            placed = track.range_of_child(item)
            near("start", placed.start_time.to_seconds(), Fraction(clip["start"], MICROS), half)
            near("end", placed.end_time_exclusive().to_seconds(), Fraction(clip["end"], MICROS), half)
            if names:
                assert item.name == clip["name"], (item.name, clip["name"])
            media = truth["media"][clip["media"]]
            if source:
                source_start += begin_of(media, rate)
                near("source", item.source_range.start_time.to_seconds(), source_start, half)
            clips += 1
    return clips


def of_otio(path, truth):
    timeline = otio.adapters.read_from_file(str(path), adapter_name="otio_json")
    assert timeline.name == truth["name"]
    rate = rate_of(truth)
    count = check_tracks(timeline, truth, rate)
    for track, of_track in zip(timeline.tracks, truth["tracks"]):
        items = [item for item in track if isinstance(item, otio.schema.Clip)]
        for item, (clip, *_) in zip(items, expected(truth, of_track, rate)):
            media = truth["media"][clip["media"]]
            speeds = [effect.time_scalar for effect in item.effects]
            assert speeds == ([clip["speed"]] if clip["speed"] != 1 else []), speeds
            assert getattr(item.media_reference, "target_url", None) == media["url"]
            assert item.media_reference.name == media["name"]
    return count


def of_fcp7(path, truth):
    timeline = otio.adapters.read_from_file(str(path), adapter_name="fcp_xml")
    video = [track for track in truth["tracks"] if track["is_video"]]
    audio = [track for track in truth["tracks"] if not track["is_video"]]
    rate = editing(rate_of(truth), 120)
    wanted = video + [channel for track in audio for channel in channels(truth, track, rate)]
    # The reader takes times of the clip as counted from the start of the file.
    count = check_tracks(timeline, truth, rate, tracks=wanted, source=False)
    check_fcp7(path, truth, rate, wanted)
    return count


def channels(truth, track, rate):
    """A track for each audio channel, with the clips that have it."""
    counts = [truth["media"][clip["media"]]["channels"] for clip, *_ in expected(truth, track, rate)]
    for channel in range(1, max(counts, default=1) + 1):
        clips = [clip for clip in track["clips"] if truth["media"][clip["media"]]["channels"] >= channel]
        yield {**track, "clips": clips, "channel": channel}


def check_fcp7(path, truth, rate, wanted):
    """Times in the files, speeds, channels and links, which the reader does not check."""
    import xml.etree.ElementTree as tree

    media = tree.parse(path).getroot().find("sequence/media")
    tracks = media.findall("video/track") + media.findall("audio/track")
    ids = {item.get("id") for item in media.iter("clipitem")}
    for element, track in zip(tracks, wanted, strict=True):
        for item, (clip, start, end, source) in zip(element.findall("clipitem"), expected(truth, track, rate), strict=True):
            assert (int(item.findtext("start")), int(item.findtext("end"))) == (start, end), clip["name"]
            first, last = int(item.findtext("in")), int(item.findtext("out"))
            assert last - first == end - start, clip["name"]
            speed = Fraction(clip["speed"])
            near("source", first / rate * speed, source, Fraction(1, 2) / rate * speed + Fraction(4, MICROS))
            speeds = [p.findtext("value") for p in item.iter("parameter") if p.findtext("parameterid") == "speed"]
            assert [float(value) for value in speeds] == ([100 * clip["speed"]] if speed != 1 else []), speeds
            channel = item.findtext("sourcetrack/trackindex")
            levels = [p.findtext("value") for p in item.iter("parameter") if p.findtext("parameterid") == "level"]
            assert bool(levels) == (channel is not None and clip["gain_db"] != 0), clip["name"]
            for level in levels:
                near("level", float(level), 10 ** (clip["gain_db"] / 20), 1e-6)
            links = [link.text for link in item.iter("linkclipref")]
            assert channel == (str(track["channel"]) if "channel" in track else None)
            count = truth["media"][clip["media"]]["channels"] if channel else 1
            assert len(links) == (count if count > 1 else 0) and ids.issuperset(links), links


def of_fcpxml(path, truth):
    """FCPXML's own rules, and the place of every clip; its DTD is not needed for either."""
    import xml.etree.ElementTree as tree

    root = tree.parse(path).getroot()
    assert root.tag == "fcpxml" and root.get("version") == "1.10"
    rate = editing(rate_of(truth), 60)
    ids = {item.get("id") for item in root.find("resources")}
    assert len(ids) == len(list(root.find("resources")))

    def seconds(text):
        match = re.fullmatch(r"(-?\d+)(?:/(\d+))?s", text)
        assert match, text
        return Fraction(int(match[1]), int(match[2] or 1))

    found = []

    def visit(element, origin, lane):
        """`origin`: the element's local time zero in time of the sequence."""
        for child in element:
            if child.tag not in ("asset-clip", "gap"):
                continue
            offset, duration = seconds(child.get("offset")), seconds(child.get("duration"))
            for time in (offset + origin, duration):
                assert (time * rate).denominator == 1, f"{time} is not on a frame"
            start = seconds(child.get("start", "0s"))
            at = offset + origin
            if child.tag == "asset-clip":
                assert child.get("ref") in ids
                found.append((int(child.get("lane", lane)), at, at + duration, start, child))
            assert duration > 0
            visit(child, at - start, 0)

    sequence = root.find("library/event/project/sequence")
    assert sequence.get("format") in ids
    end = Fraction(0)
    for item in sequence.find("spine"):
        assert seconds(item.get("offset")) == end, "the spine has no holes"
        end += seconds(item.get("duration"))
    assert seconds(sequence.get("duration")) == end
    visit(sequence.find("spine"), Fraction(0), 0)
    lanes = {}
    for lane, *rest in found:
        lanes.setdefault(lane, []).append(rest)
    video = [track for track in truth["tracks"] if track["is_video"]]
    audio = [track for track in truth["tracks"] if not track["is_video"]]
    numbered = list(enumerate(video)) + [(-1 - index, track) for index, track in enumerate(audio)]
    count = 0
    for lane, track in numbered:
        rows = list(expected(truth, track, rate))
        of_lane = sorted(lanes.get(lane, []), key=lambda clip: clip[0])
        assert len(of_lane) == len(rows), (lane, len(of_lane), len(rows))
        for (at, stop, start, element), (clip, first, last, source) in zip(of_lane, rows):
            assert (at * rate, stop * rate) == (first, last), clip["name"]
            assert element.get("name") == clip["name"]
            media = truth["media"][clip["media"]]
            begin = begin_of(media, rate)
            local = begin + source / Fraction(clip["speed"])
            near("start", start, local, Fraction(1, 2) / rate)
            both = media["has_video"] and media["channels"] > 0
            part = "audio" if lane < 0 else None if truth["embedded_audio"] else "video"
            assert element.get("srcEnable") == (part if both else None), clip["name"]
            assert element.find("metadata/md").get("key") == "harkback.clip_id"
            volume = element.find("adjust-volume")
            plays_audio = media["channels"] > 0 and (lane < 0 or truth["embedded_audio"])
            assert (volume is not None) == (plays_audio and clip["gain_db"] != 0), clip["name"]
            if volume is not None:
                assert float(volume.get("amount").removesuffix("dB")) == clip["gain_db"], clip["name"]
            if clip["speed"] != 1:
                points = [(seconds(p.get("time")), seconds(p.get("value"))) for p in element.find("timeMap")]
                (t0, v0), (t1, v1) = points
                near("speed", (v1 - v0) / (t1 - t0), clip["speed"], 0.01)
            count += 1
    return count


def of_edl(path, truth):
    rate = editing(rate_of(truth), 60)
    text = path.read_text()
    # One video track at a time: the reader takes all video events as one track.
    timeline = otio.adapters.read_from_string(text, adapter_name="cmx_3600", rate=float(rate), ignore_timecode_mismatch=True)
    tracks = {True: [t for t in truth["tracks"] if t["is_video"]][:1], False: [t for t in truth["tracks"] if not t["is_video"]][:4]}
    count = 0
    half = Fraction(1, 2) / rate
    for is_video, wanted in tracks.items():
        kind = otio.schema.TrackKind.Video if is_video else otio.schema.TrackKind.Audio
        found = sorted((track for track in timeline.tracks if track.kind == kind), key=lambda track: track.name)
        for track, of_track in zip(found, wanted, strict=True):
            rows = list(expected(truth, of_track, rate))
            items = [item for item in track if isinstance(item, otio.schema.Clip)]
            assert len(items) == len(rows), (len(items), len(rows))
            # The reader's track begins with its first event.
            first = Fraction(rows[0][1]) / rate if rows else 0
            for item, (clip, start, end, source) in zip(items, rows):
                placed = track.range_of_child(item)
                near("start", first + Fraction(placed.start_time.to_seconds()), Fraction(clip["start"], MICROS), half)
                near("end", first + Fraction(placed.end_time_exclusive().to_seconds()), Fraction(clip["end"], MICROS), half)
                assert item.name == clip["name"], (item.name, clip["name"])
                count += 1
    check_edl(text, truth, rate, tracks)
    reels = set(re.findall(r"^\d{3,}  (\S+)", text, re.M))
    assert all(len(reel) <= 8 and reel.isalnum() for reel in reels), reels
    if len([track for track in truth["tracks"] if track["is_video"]]) > 1:
        assert "track_omitted" in {loss["what"] for loss in truth["losses"]["edl"]}
    return count


def check_edl(text, truth, rate, tracks):
    """Times in the files and speeds, which the reader does not check."""
    event = re.compile(r"^\d{3,}  (\S+) +(\S+) +C +(\S+) (\S+) (\S+) (\S+)$")
    events = {}
    for block in text.split("\n\n")[1:]:
        lines = block.strip().splitlines()
        if lines:
            reel, channel, *times = event.match(lines[0]).groups()
            motion = re.fullmatch(r"M2   (\S+) +([\d.]+) +\S+", lines[1])
            assert motion is None or motion[1] == reel
            times = [frames_of(time, rate) for time in times]
            events.setdefault(channel, []).append((times, float(motion[2]) if motion else None))
    names = ["V"] * len(tracks[True]) + ["A", "A2", "A3", "A4"][: len(tracks[False])]
    for channel, track in zip(names, tracks[True] + tracks[False], strict=True):
        rows = list(expected(truth, track, rate))
        for ((first, last, *record), fps), (clip, start, end, source) in zip(events.get(channel, []), rows, strict=True):
            assert record == [start, end], clip["name"]
            begin = begin_of(truth["media"][clip["media"]], rate)
            near("source", first / rate, begin + source, Fraction(1, 2) / rate + Fraction(4, MICROS))
            speed = Fraction(clip["speed"])
            assert last - first == max(1, int((end - start) * speed + Fraction(1, 2))), clip["name"]
            assert (fps is None) == (speed == 1), clip["name"]
            if fps is not None:
                near("speed", fps, rate * speed, 0.001)


def of_csv(path, truth):
    rows = list(csv.DictReader(path.open(newline="")))
    clips = [(track, clip) for track in truth["tracks"] for clip in track["clips"]]
    for row, (track, clip) in zip(rows, clips, strict=True):
        assert row["name"] == clip["name"] and row["track"] == track["name"]
        assert row["media_name"] == truth["media"][clip["media"]]["name"]
        assert json.loads(row["metadata"])["clip_id"].startswith("clip_")
        for name, wanted in (("start_ms", "start"), ("end_ms", "end"), ("source_start_ms", "source")):
            assert round(float(row[name]) * 1000) == clip[wanted], name
        assert float(row["gain_db"]) == clip["gain_db"]
    return len(rows)


# ---- annotations -----------------------------------------------------------------------------------------


def points(truth):
    beats = [(beat["time"], beat["time"], "downbeat" if beat["position"] == 1 else "beat") for beat in truth["beats"]]
    return sorted([(e["start"], e["end"], e["kind"]) for e in truth["events"]] + beats, key=lambda p: p[:2])


def of_marker_otio(path, truth):
    timeline = otio.adapters.read_from_file(str(path), adapter_name="otio_json")
    rate = timeline.tracks.markers[0].marked_range.start_time.rate
    for marker, (start, _, name) in zip(timeline.tracks.markers, points(truth), strict=True):
        assert marker.name == name
        near("marker", marker.marked_range.start_time.to_seconds(), start / MICROS, 0.5 / rate)
    return len(points(truth))


def of_marker_edl(path, truth):
    rows = re.findall(r"^(\d{3,})  001      V     C        (\S+) \S+ \S+ \S+  \n \|C:(\w+) \|M:(.*) \|D:(\d+)$", path.read_text(), re.M)
    rate = editing(rate_of(truth), 60)
    drops = rate.denominator == 1001 and round(rate) % 30 == 0
    zero = frames_of("01:00:00;00" if drops else "01:00:00:00", rate)
    for (_, timecode, colour, name, frames), (start, end, kind) in zip(rows, points(truth), strict=True):
        assert name.split(":")[0] == kind and colour.startswith("ResolveColor")
        first, last = (int(Fraction(time, MICROS) * rate + Fraction(1, 2)) for time in (start, end))
        assert (";" in timecode) == drops, timecode
        assert frames_of(timecode, rate) == zero + first, (timecode, start)
        assert int(frames) == max(1, last - first)
    return len(rows)


def clock(text):
    hours, minutes, seconds = text.split(":")
    return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)


def rounded(micros):
    return (micros + 500) // 1000


def of_reaper(path, truth):
    rows = list(csv.DictReader(path.open(newline="")))
    for row, (start, end, kind) in zip(rows, points(truth), strict=True):
        assert row["Name"].split(":")[0] == kind
        assert clock(row["Start"]) == rounded(start)
        if row["#"].startswith("R"):
            assert clock(row["End"]) == rounded(end)
    return len(rows)


def of_audition(path, truth):
    rows = list(csv.DictReader(path.open(newline=""), delimiter="\t"))
    for row, (start, end, kind) in zip(rows, points(truth), strict=True):
        assert row["Name"] == kind and clock(row["Start"]) == rounded(start)
        assert clock(row["Duration"]) == rounded(end - start)
    return len(rows)


def of_audacity(path, truth):
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    for (start, end, _), (wanted, until, _) in zip(rows, points(truth), strict=True):
        assert (round(float(start) * MICROS), round(float(end) * MICROS)) == (wanted, until)
    return len(rows)


def of_midi(path, truth):
    song = mido.MidiFile(str(path))
    at, beats = 0.0, []
    for message in song:
        at += message.time
        if message.type == "note_on" and message.velocity:
            beats.append((at, message.note))
    for (time, note), beat in zip(beats, truth["beats"], strict=True):
        near("beat", time, beat["time"] / MICROS, 0.0005)
        assert (note == 76) == (beat["position"] == 1)
    # Downbeats are where the time signatures put the bars.
    metres, tick = [], 0
    for message in song.tracks[0]:
        tick += message.time
        if message.type == "time_signature":
            metres.append((tick, message.numerator))
    bars, tick = set(), 0
    notes = [sum(m.time for m in song.tracks[1][: i + 1]) for i, m in enumerate(song.tracks[1]) if m.type == "note_on" and m.velocity]
    last = notes[-1] if notes else 0
    while tick <= last:
        bars.add(tick)
        tick += 960 * [numerator for start, numerator in metres if start <= tick][-1]
    for tick, beat in zip(notes, truth["beats"], strict=True):
        if beat["position"] == 1:
            assert tick in bars, "a downbeat begins a bar"
    return len(beats)


def of_chapters(path, truth):
    chapters = json.loads(path.read_text())["chapters"]
    end = 0
    for chapter in chapters:
        near("chapter", chapter["startTime"], end, 1e-6)
        end = chapter["endTime"]
        assert chapter["title"].strip() and end > chapter["startTime"]
    assert chapters or not truth["duration"]
    if chapters:
        near("end", end, truth["duration"] / MICROS, 1e-6)
    return len(chapters)


def of_ffmetadata(path, truth):
    import shutil, subprocess

    if not shutil.which("ffmpeg"):
        return 0
    made = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"anullsrc=d={truth['duration'] / MICROS}:r=8000:cl=mono", "-f", "ffmetadata", "-i", str(path), "-map_metadata", "1", "-map", "0", "-c:a", "flac", "-y", str(path) + ".mka"]
    subprocess.run(made, check=True)
    shown = subprocess.run(["ffprobe", "-v", "error", "-show_chapters", "-of", "json", str(path) + ".mka"], check=True, capture_output=True)
    found = json.loads(shown.stdout)["chapters"]
    wanted = json.loads((path.parent / "export.chapters.json").read_text())["chapters"]
    for chapter, want in zip(found, wanted, strict=True):
        near("start", float(chapter["start_time"]), want["startTime"], 1e-3)
        assert chapter["tags"]["title"].strip() == want["title"], (chapter["tags"]["title"], want["title"])
    return len(found)


def of_jams(path, truth):
    document = jams.load(str(path), validate=True, strict=True)
    spaces = {annotation.namespace: annotation for annotation in document.annotations}
    for observation, event in zip(spaces["segment_open"].data, truth["events"], strict=True):
        assert observation.value == event["kind"]
        near("event", observation.time, event["start"] / MICROS, 1e-6)
        near("length", observation.duration, (event["end"] - event["start"]) / MICROS, 1e-6)
    if truth["beats"]:
        for observation, beat in zip(spaces["beat"].data, truth["beats"], strict=True):
            near("beat", observation.time, beat["time"] / MICROS, 1e-6)
    return sum(len(annotation.data) for annotation in document.annotations)


def of_rttm(path, truth):
    rows = [line.split() for line in path.read_text().splitlines()]
    speech = [event for event in truth["events"] if event["kind"] == "speech"]
    for row, turn in zip(rows, truth["turns"] or speech, strict=True):
        assert len(row) == 10 and row[0] == "SPEAKER"
        near("start", row[3], turn["start"] / MICROS, 0.0005)
        near("length", row[4], (turn["end"] - turn["start"]) / MICROS, 0.0005)
        assert row[7] == (turn["speaker"] or "unknown").replace(" ", "_")
    assert bool(speech and not truth["turns"]) == ("turns_unknown" in {loss["what"] for loss in truth["losses"]["rttm"]})
    return len(rows)


def of_ctm(path, truth):
    rows = [line.split(" ") for line in path.read_text().splitlines()]
    for row, word in zip(rows, truth["words"], strict=True):
        assert len(row) == 6
        near("start", row[2], word["start_ms"] / 1000, 0.0005)
    return len(rows)


def of_textgrid(path, truth):
    grid = parselmouth.Data.read(str(path))
    from parselmouth.praat import call

    tiers = call(grid, "Get number of tiers")
    names = [call(grid, "Get tier name", tier) for tier in range(1, tiers + 1)]
    count = 0
    for number, name in enumerate(names, 1):
        if name == "beats":
            assert call(grid, "Get number of points", number) == len(truth["beats"])
            for index, beat in enumerate(truth["beats"], 1):
                near("beat", call(grid, "Get time of point", number, index), beat["time"] / MICROS, 1e-5)
            count += len(truth["beats"])
            continue
        labels = [call(grid, "Get label of interval", number, i) for i in range(1, 1 + call(grid, "Get number of intervals", number))]
        wanted = truth["words"] if name == "words" else [e for e in truth["events"] if e["kind"] == name]
        assert len([label for label in labels if label]) == len(wanted), (name, labels)
        count += len(wanted)
    return count


def of_vtt(cues, truth):
    assert len(cues) == len(truth["captions"]), (len(cues), len(truth["captions"]))
    for cue, caption in zip(cues, truth["captions"]):
        near("start", cue["start"], caption["start_ms"] / 1000, 1e-6)
        near("end", cue["end"], caption["end_ms"] / 1000, 1e-6)
        assert cue["text"] == caption["text"], (cue, caption)
        assert cue["voice"] == (caption["speaker"] or ""), (cue, caption)
    return len(cues)


EDIT = {"otio": of_otio, "xml": of_fcp7, "fcpxml": of_fcpxml, "edl": of_edl, "csv": of_csv}
NOTES = {
    "otio": of_marker_otio,
    "edl": of_marker_edl,
    "reaper.csv": of_reaper,
    "audition.csv": of_audition,
    "txt": of_audacity,
    "mid": of_midi,
    "chapters.json": of_chapters,
    "ffmetadata": of_ffmetadata,
    "jams": of_jams,
    "rttm": of_rttm,
    "ctm": of_ctm,
    "TextGrid": of_textgrid,
}


def main():
    directory = Path(sys.argv[1])
    counts, failed = Counter(), Counter()
    for folder in sorted(directory.iterdir()):
        truth = json.loads((folder / "truth.json").read_text())
        group, readers = ("edit", EDIT) if folder.name.startswith("edit") else ("notes", NOTES)
        for extension, read in readers.items():
            name = f"{group} {extension}"
            try:
                counts[name] += read(folder / f"export.{extension}", truth)
            except Exception as error:  # every kind of difference is reported
                failed[name] += 1
                if failed[name] == 1:
                    print(f"{folder.name} {extension}: {type(error).__name__}: {error}", file=sys.stderr)
    files = sorted(directory.glob("notes*/export.vtt"))
    if not webvtt_in_chromium.is_installed():
        print(f"notes vtt: {len(files)} files skipped: Chromium is not installed", file=sys.stderr)
        files = []
    for path, cues in zip(files, webvtt_in_chromium.cues(files)):
        try:
            counts["notes vtt"] += of_vtt(cues, json.loads((path.parent / "truth.json").read_text()))
        except Exception as error:
            failed["notes vtt"] += 1
            print(f"{path.parent.name} vtt: {type(error).__name__}: {error}", file=sys.stderr)
    for name, count in counts.items():
        print(f"{name:20} {count:6} items read back, {failed[name]} files differ")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
