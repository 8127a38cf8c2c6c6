#!/usr/bin/env python3
"""Calls every operation of a running service through the generated Python client.

BASE=ADDRESS calls.py PACKAGE DOCUMENT MEDIA [SPEECH]: SPEECH is a recording of one speaker; without it, voices are not enrolled.
"""

import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from caller import Caller, operations

# What needs the speaker models.
VOICES = {"enrol_voice", "delete_voice"}
# Resumable uploads have clients of their own, of the protocol tus: `make resumable`.
UPLOADS = {"create_upload", "get_upload", "patch_upload", "delete_upload"}


def main():
    package, document, media, *speech = sys.argv[1:]
    call = Caller(package, os.environ["BASE"])
    wanted = operations(json.loads(pathlib.Path(document).read_text())) - UPLOADS
    if absent := wanted - call.modules.keys():
        raise AssertionError(f"the client lacks {sorted(absent)}")

    service(call)
    film, song, digits = recordings(call, pathlib.Path(media))
    semantics(call, digits)
    hit = samples(call, song, digits)
    track = editing(call, film)
    captions(call, digits, track)
    origins(call, song, hit)
    snippets(call, film)
    edits(call, film, song)
    jobs(call)
    care(call, song)
    call("list_voices")
    if speech:
        voices(call, pathlib.Path(speech[0]))
    else:
        print(f"not called, for want of speaker models or speech: {', '.join(sorted(VOICES))}")
        wanted -= VOICES
    if missing := wanted - call.called:
        raise AssertionError(f"not called: {sorted(missing)}")
    print(f"{len(wanted)} operations were called, and their answers parsed")


def service(call):
    assert call("healthz") == "ok"
    assert call("readyz").status in {"ready", "degraded"}
    assert "# TYPE" in call("metrics")


def file(call, path):
    types = sys.modules[f"{call.package.__name__}.types"]
    return types.File(payload=io.BytesIO(path.read_bytes()), file_name=path.name)


def upload(call, path, **fields):
    return call("create_asset", body=call.models.UploadAsset(file=file(call, path), **fields))


def recordings(call, media):
    film = upload(call, media / "talk_and_music.mp4", meta=json.dumps({"take": {"number": 1}}), source_ref="film")
    assert film.meta["take"] == {"number": 1} and film.kind == "video"
    song, digits = upload(call, media / "music_120bpm.wav"), upload(call, media / "digits.wav")
    registered = call("create_asset", body=call.model("RegisterAsset", source_uri=song.source_uri, meta={"a": 1}))
    assert registered.meta["a"] == 1
    assert {asset.id for asset in call("list_assets").items} >= {film.id, song.id, digits.id}
    assert call("get_asset", film.id).asset == film
    assert call("get_asset_content", digits.id).payload.getvalue()[:4] == b"RIFF"
    assert call("get_asset_waveform", song.id).data
    hit = {"kind": "audio_hit", "uri": film.source_uri, "start_ms": 200, "end_ms": 400, "meta": {"by": "hand"}}
    made = call("create_artifact", film.id, body=call.model("RegisterArtifact", **hit))
    assert call("get_artifact", made.id).meta["by"] == "hand"
    assert made.id in {artifact.id for artifact in call("list_artifacts", film.id).items}
    assert made.id in {artifact.id for artifact in call("list_all_artifacts").items}
    path = f"/media-v2/assets/{digits.id}/content"
    assert path in call("create_link", body=call.model("CreateLink", path=path)).url
    form = call.models.CreateTranscription(file=file(call, media / "digits.wav"), model="whisper-1")
    assert type(call("create_transcription", body=form)).__name__ == "OpenAiTranscription"
    verbose = {"response_format": "verbose_json", "timestamp_granularities": ["word"]}
    form = call.models.CreateTranscription(file=file(call, media / "digits.wav"), model="whisper-1", **verbose)
    assert call("create_transcription", body=form).words[0].word == "three"
    return film, song, digits


def semantics(call, digits):
    made = call("analyze_recording", body=call.model("AnalyzeRequest", asset_id=digits.id))
    timeline = call("get_semantic_timeline", made.audio_semantic_artifact_id)
    words = [word.word for event in timeline.summary.events for word in event.meta.words or []]
    assert words[:2] == ["three", "one"], words
    assert timeline.summary.meta.audio_semantic_cache_key == timeline.artifact_meta["cache_key"]
    assert "<svg" in call("plot_semantic_timeline", timeline.artifact_id)
    assert call("get_transcript", timeline.artifact_id).words[0].word == "three"
    edits = [{"op": "split", "at_ms": timeline.summary.events[0].end_ms - 1}]
    version = timeline.artifact_meta["backend_version"]
    correction = call.model("CorrectionRequest", base_version=version, edits=edits)
    corrected = call("correct_timeline", timeline.artifact_id, body=correction)
    assert corrected.summary.meta.correction.revision == 1
    assert call("list_corrections", timeline.artifact_id).items[0].artifact_id == corrected.artifact_id
    call("undo_correction", timeline.artifact_id, corrected.artifact_id)
    missing = call("get_semantic_timeline", "none", expect=(404,))
    assert (missing.code, missing.errors) == ("semantics_not_found", [])


def samples(call, song, digits):
    made = call("cut_samples", body=call.model("SamplesRequest", asset_id=song.id))
    hit = made.hit_artifact_ids[0]
    assert hit in made.summary_meta.score_details["hits"]
    assert made.summary_meta.errors["phrases"].code == "words_not_found"
    for name, model in [("detect_hits", "HitsRequest"), ("detect_loops", "LoopsRequest")]:
        assert call(name, body=call.model(model, asset_id=song.id)).events
    assert call("detect_voice_phrases", body=call.model("PhrasesRequest", asset_id=digits.id)).asset_id == digits.id
    assert call("get_artifact_content", hit).payload.getvalue()[:4] == b"RIFF"
    archive = call("archive_samples", body=call.model("SampleArchiveRequest", artifact_ids=[hit]))
    assert archive.payload.getvalue()[:2] == b"PK"
    assert call("get_artifact_waveform", hit).data
    window = call.model("IdentifyRequest", asset_id=song.id, start_ms=2000, end_ms=5000, variation="none")
    found = call("identify_audio", body=window)
    # The same bytes were registered twice.
    assert any(match.twin for match in found.matches) and found.searched.assets > 0
    return hit


def editing(call, film):
    project = call("create_project", body=call.model("NewProjectRequest", title="p", meta={"deep": [{"er": 1}]}))
    assert project.meta["deep"] == [{"er": 1}]
    assert call("update_project", project.id, body=call.model("ProjectPatchRequest", meta={"b": 2})).meta["b"] == 2
    assert call("get_project", project.id).id in {item.id for item in call("list_projects").items}
    sequence = call("create_sequence", project.id, body=call.model("NewSequenceRequest", name="s"))
    assert call("update_sequence", sequence.id, body=call.model("SequencePatchRequest", name="t")).name == "t"
    assert call("get_sequence", sequence.id) in call("list_sequences", project.id).items
    track = call("create_track", sequence.id, body=call.model("NewTrackRequest", kind="video", label="v"))
    assert call("update_track", track.id, body=call.model("TrackPatchRequest", label="w")).label == "w"
    assert call("get_track", track.id) in call("list_tracks", sequence.id).items

    place = {"asset_id": film.id, "in_ms": 0, "out_ms": 1000, "start_ms_on_timeline": 0, "meta": {"c": 3}}
    clip = call("create_clip", track.id, body=call.model("NewClipRequest", **place))
    assert clip.meta["c"] == 3
    assert len(call("create_clips", track.id, body=call.model("NewClipsRequest", clips=[place, place]))) == 2
    assert call("update_clip", clip.id, body=call.model("ClipPatchRequest", opacity=0.5)).opacity == 0.5
    moved = call("move_clip", clip.id, body=call.model("MoveClipRequest", start_ms_on_timeline=5000))
    assert moved.start_ms_on_timeline == 5000
    assert call("trim_clip", clip.id, body=call.model("TrimClipRequest", out_ms=800)).out_ms == 800
    split = call("split_clip", clip.id, body=call.model("SplitClipRequest", at_ms=5400))
    assert (split.left.out_ms, split.right.in_ms) == (400, 400)
    assert call("get_clip", clip.id) in call("list_clips_of_track", track.id).items
    assert len(call("list_clips_of_sequence", sequence.id).items) == 4
    assert len(call("list_clips_using", asset_id=film.id).items) == 4
    window = {"asset_id": film.id, "start_ms": 0, "end_ms": 200, "render_profile": "draft_480p_fast"}
    render = call("render_window", body=call.model("RenderRequest", **window))
    assert render.plan.sources[0].asset_id == film.id and render.uri

    whole = {"project": {"new": {"title": "q"}}, "sequence": {"name": "s"}, "track": {"kind": "video", "label": "v"}}
    made = call("create_timeline", body=call.model("NewTimelineRequest", clips=[place], **whole))
    assert made.clips[0].meta["c"] == 3
    call("delete_clip", made.clips[0].id)
    call("delete_track", made.track.id)
    call("delete_sequence", made.sequence.id)
    call("delete_project", made.project.id)
    return track


def captions(call, digits, track):
    place = {"asset_id": digits.id, "in_ms": 0, "out_ms": 4000, "start_ms_on_timeline": 0}
    clip = call("create_clip", track.id, body=call.model("NewClipRequest", **place))
    timeline = call("get_semantic_timeline_of_clip", clip.id)
    assert timeline.summary.meta.clip_window_ms == [0, 4000] and timeline.summary.meta.clip_relative is True
    assert call("get_transcript_of_clip", clip.id).words[0].word == "three"


def origins(call, song, hit):
    put = {"parent_asset_id": song.id, "source_start_ms": 100, "source_end_ms": 300}
    call("put_origin_map", hit, body=call.model("PutOriginMap", **put))
    assert call("get_origin_map", hit).chain == [hit]
    assert call("list_origin_maps", parent_asset_id=song.id).items
    template = call("list_pattern_templates").items[0].template_id
    request = {"template_id": template, "sample_map": {"kick": hit, "snare": hit}}
    pattern = call("make_pattern", body=call.model("PatternRequest", **request))
    assert call("get_pattern", pattern.pattern_id).meta["template_id"] == template
    asked = call.model("ShotListRequest", pattern_id=pattern.pattern_id, alignment="none")
    shots = call("make_shot_list", body=asked)
    assert shots.shots[0].source_asset_id == song.id and shots.shots[0].meta["role"] in {"kick", "snare"}
    assert call("get_shot_list", shots.shot_list_artifact_id).shots == shots.shots


def edits(call, film, song):
    for asset in (film, song):
        call("analyze_recording", body=call.model("AnalyzeRequest", asset_id=asset.id))
    quiet = call("remove_silence", body=call.model("RemoveSilence", asset_id=film.id))
    assert quiet.meta.backend_version == "remove_silence_v1" and quiet.shots
    cuts = {"music_asset_id": song.id, "sources": [{"asset_id": film.id}], "every": "beat"}
    cuts = call("cut_to_music", body=call.model("CutToMusic", **cuts))
    assert cuts.shots[0].meta["music_asset_id"] == song.id
    windows = [{"asset_id": film.id, "start_ms": 0, "end_ms": 500}]
    excerpts = call("make_supercut", body=call.model("Supercut", windows=windows))
    assert excerpts.shots[0].source_end_ms == 500
    whole = call.model("NewShotListTimelineRequest", shot_list_artifact_id=excerpts.shot_list_artifact_id)
    assert call("create_timeline", body=whole).clip_count == 1


def snippets(call, film):
    sound = {"kind": "audio_hit", "uri": film.source_uri, "start_ms": 1000, "end_ms": 1200}
    sound = call("create_artifact", film.id, body=call.model("RegisterArtifact", **sound))
    items = [{"audio_artifact_id": sound.id, "padding_ms": 100, "max_duration_ms": 500}]
    batch = {"items": items, "mode": "render_clips", "render_profile": "draft_480p_fast"}
    made = call("make_origin_snippets", body=call.model("BatchRequest", **batch))
    snippet = made.snippets[0]
    assert call("list_origin_snippets", sound.id).snippets[0].video_clip_id == snippet.video_clip_id
    assert call("get_artifact_lineage", snippet.video_artifact_id).artifacts
    assert call("list_asset_usages", film.id, start_ms=0, end_ms=5000).items


def jobs(call):
    hook = call("create_webhook", body=call.model("WebhookRequest", url="http://127.0.0.1:9/", states=["succeeded"]))
    with tempfile.TemporaryDirectory() as folder:
        # Far longer than this program waits for the analysis, which is cancelled.
        long = pathlib.Path(folder) / "long.flac"
        source = "sine=frequency=440:duration=14400:sample_rate=8000"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, long], check=True)
        long = upload(call, long)
    later = {"prefer": "respond-async"}
    job = call("analyze_recording", body=call.model("AnalyzeRequest", asset_id=long.id), **later)
    assert job.kind == "analyze" and job.problem is None
    assert call("cancel_job", job.id).id == job.id
    assert call("get_job", job.id, wait=60).state == "cancelled"
    assert call("retry_job", job.id).id
    for state in (call.models.ListJobsState.RUNNING, call.models.ListJobsState.QUEUED):
        for item in call("list_jobs", state=state).items:
            call("cancel_job", item.id)

    asset = call("list_assets", source_ref="film").items[0]
    job = call("detect_hits", body=call.model("HitsRequest", asset_id=asset.id), **later)
    done = call("get_job", job.id, wait=60)
    assert done.state == "succeeded" and done.result.body["asset_id"] == asset.id, done
    assert call("get_job_result", job.id) == done.result.body.to_dict()
    assert "data:" in call.first_event("get_job_events", job.id)
    assert call.first_event("get_events_of_jobs")
    assert call("list_webhooks").items[0].id == hook.id
    assert call("list_webhook_deliveries", hook.id).items[0].job_id == job.id
    call("delete_webhook", hook.id)


def care(call, song):
    changed = call("update_asset", song.id, body=call.model("ChangeAsset", tags=["song"]))
    assert changed.tags == ["song"] and changed.source_ref == song.source_ref
    hit = {"kind": "audio_hit", "uri": song.source_uri, "start_ms": 0, "end_ms": 100}
    call("delete_artifact", call("create_artifact", song.id, body=call.model("RegisterArtifact", **hit)).id)
    before = call("get_usage").assets.total
    call("delete_asset", song.id, cascade=True)
    assert call("get_usage").assets.total < before


def voices(call, path):
    speech = upload(call, path)
    made = call("analyze_recording", body=call.model("AnalyzeRequest", asset_id=speech.id, speakers=True))
    found = call("get_semantic_timeline", made.audio_semantic_artifact_id).summary
    assert found.meta.speakers[0].name is None and found.meta.speaker_turns
    window = {"asset_id": speech.id, "start_ms": 0, "end_ms": int(speech.duration_ms)}
    voice = call("enrol_voice", body=call.model("VoiceRequest", name="Ada", window=window))
    assert voice.name == "Ada" and voice.id in {item.id for item in call("list_voices").items}
    call("delete_voice", voice.id)


if __name__ == "__main__":
    main()
