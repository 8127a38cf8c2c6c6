#!/usr/bin/env python3
"""Workers that are killed and frozen while they run jobs. `make chaos-jobs`.

Runs the same heavy calls twice: quietly on one process, then on two `--role api` and three `--role worker` processes
behind a TCP balancer, while a seeded sequence of SIGKILLs and SIGSTOPs hits the workers. Prints how many jobs ended, how
many answers differ from the quiet run's, how many results exist twice, how long takeovers and cancellations took; exits
with 1 unless every job ended once with the quiet answer and the bounds hold.

Needs a Postgres by TEST_DATABASE_URL (`tools/with-postgres.sh`), ffmpeg, and the fixtures.
"""

import argparse
import asyncio
import hashlib
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

from deployment import call, create, databases, form, free_port, query, service_of_role, upload

BOUND_TAKEOVER_S = 20.0
BOUND_CANCEL_S = 2.0
# Number of analysed recordings from which edits are jobs.
MANY = 9
# Jobs that are there before the first fault.
FIRST_JOBS = 6
FINAL = ("succeeded", "failed", "cancelled")


def patiently(port, method, path, body=None, headers=None):
    """A call that is sent again while no replica answers it."""
    until = time.monotonic() + 120
    while not 0 < (answer := call(port, method, path, body, headers, timeout=600)).status < 500:
        if time.monotonic() > until:
            raise RuntimeError(f"{method} {path}: {answer}")
        time.sleep(0.3)
    return answer


class Balancer:
    """Connections to one port, in turn to several."""

    def __init__(self, targets):
        self.targets, self.port, self.turn = targets, free_port(), 0
        started = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve(started)), daemon=True).start()
        started.wait()

    async def serve(self, started):
        server = await asyncio.start_server(self.connect, "127.0.0.1", self.port)
        started.set()
        async with server:
            await server.serve_forever()

    async def connect(self, reader, writer):
        for _ in self.targets:
            self.turn += 1
            target = self.targets[self.turn % len(self.targets)]
            try:
                other_reader, other_writer = await asyncio.open_connection("127.0.0.1", target)
                break
            except OSError:
                continue
        else:
            writer.close()
            return
        await asyncio.gather(copy(reader, other_writer), copy(other_reader, writer))


async def copy(reader, writer):
    try:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def recordings(directory, minutes):
    """A talk-like film of half a minute, and a long sweep: short and long work."""
    film, long = os.path.join(directory, "film.mp4"), os.path.join(directory, "long.flac")
    quiet = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y"]
    clicks = "aevalsrc='0.6*sin(880*2*PI*t)*lt(mod(t,0.5),0.03)+0.01*sin(97*t)':d=30:s=48000"
    subprocess.run(
        [*quiet, "-f", "lavfi", "-i", "testsrc2=d=30:r=25:s=320x180", "-f", "lavfi", "-i", clicks, "-c:v", "libx264",
         "-preset", "ultrafast", "-c:a", "aac", "-shortest", film], check=True)
    tone = f"aevalsrc='0.3*sin(2*PI*t*(200+mod(t,7)*40))':d={minutes * 60}:s=16000"
    subprocess.run([*quiet, "-f", "lavfi", "-i", tone, "-c:a", "flac", long], check=True)
    return film, long


def recording_with_a_word(port, file):
    """An analysed recording whose timeline, registered again, has a word: phrases and supercuts need no speech model."""
    asset = upload(port, file)
    made = create(port, "/audio/semantic-timeline/analyze", {"asset_id": asset["id"]})
    timeline = call(port, "GET", f"/media-v2/artifacts/{made['audio_semantic_artifact_id']}/content").json
    timeline["events"][0]["meta"]["words"] = [{"word": "tick", "start_ms": 0, "end_ms": 900, "confidence": 0.9}]
    document = create(port, "/media-v2/assets", *form(json.dumps(timeline).encode(), "timeline.json"))
    meta = {name: timeline["meta"][name] for name in ("backend_version", "model_used")}
    create(port, f"/media-v2/assets/{asset['id']}/artifacts", {
        "kind": "audio_semantic_timeline", "uri": document["source_uri"],
        "meta": {**meta, "cache_key": asset["id"], "duration_ms": timeline["duration_ms"]}})
    return asset["id"]


def requests(port, film, long, count, file):
    """`count` heavy calls, of every kind in turn; each does work of its own. `file` is that of `film`."""
    artifacts = f"/media-v2/assets/{film['id']}/artifacts"
    hit = create(port, artifacts, {"kind": "audio_hit", "uri": "mem:hit", "start_ms": 500, "end_ms": 700})
    spoken = [recording_with_a_word(port, file) for _ in range(MANY)]
    sources = [{"asset_id": asset, "start_ms": 100 * n} for n, asset in enumerate(spoken)]
    kick = create(port, "/audio/hits/detect", {"asset_id": spoken[0]})["artifact_ids"][0]
    calls = []
    for index in range(count):
        at = 10 * index
        clips = [{"artifact_id": hit["id"], "start_ms": 40 * n, "duration_ms": 30} for n in range(1_001 + index)]
        pattern = create(port, "/audio/patterns", {
            "template_id": "four_on_the_floor", "sample_map": {"kick": kick}, "bpm": 90 + index})["pattern_id"]
        kinds = [
            ("/audio/semantic-timeline/analyze", {"asset_id": long["id"], "user_id": f"u{index}"}),
            ("/audio/hits/detect", {"asset_id": film["id"], "hit_params": {"min_interval_ms": 50 + index}}),
            ("/audio/loops/detect", {"asset_id": film["id"], "loop_params": {"min_confidence": 0.3 + index / 1000}}),
            ("/audio/field-to-samples", {"asset_id": film["id"], "hit_params": {"min_interval_ms": 60 + index}}),
            ("/audio/to-video-origin", {"sequence": {"tracks": [{"name": "a", "clips": clips}]}}),
            ("/video/render", {"asset_id": film["id"], "start_ms": at, "end_ms": at + 4_000,
                               "render_profile": "draft_480p_fast"}),
            ("/origin-snippets/batch", {"mode": "render_clips", "render_profile": "draft_480p_fast",
                                        "items": [{"audio_artifact_id": hit["id"], "padding_ms": 100 + index}]}),
            ("/audio/voice-phrases/detect", {"asset_id": spoken[0], "phrase_params": {"max_gap_ms": 200 + index}}),
            (f"/audio/patterns/{pattern}/render", {}),
            ("/edits/cut-to-music", {"music_asset_id": spoken[0], "sources": sources, "order": "energy", "every": "2beats",
                                     "start_ms": at, "end_ms": at + 15_000}),
            ("/edits/supercut", {"q": "tick", "asset_ids": spoken, "padding_ms": index}),
        ]
        calls.append(kinds[index % len(kinds)])
    return calls


# The id of a pattern is a hash over the ids of its samples.
ID = re.compile(r"\b((?:[a-z]+_)+)([0-9a-f]{64}|[0-9a-f]{32})\b")
# Instants, what was found, and hashes over ids of the deployment.
CHANGING = {"created_at", "request_id", "cache_hit", "render_ms", "elapsed_ms", "pipeline_hash", "shot_list_hash"}


def comparable(port, answer):
    """An answer with what it names, without what differs between two deployments: ids are numbered by first occurrence."""
    whole = [answer]
    if timeline := answer.get("audio_semantic_artifact_id"):
        whole.append(patiently(port, "GET", f"/audio/semantic-timeline/{timeline}").json)
        for document in whole:
            document.pop("uri", None)  # The hash of bytes that hold ids.
    for artifact in answer.get("artifact_ids", []):
        whole.append(samples_sha256(patiently(port, "GET", f"/media-v2/artifacts/{artifact}/content").body))
    names = {}
    text = json.dumps(without_changing(whole), sort_keys=True)
    return ID.sub(lambda match: f"{match[1]}{names.setdefault(match[2], len(names))}", text)


def samples_sha256(file):
    """Hash of the samples of a WAVE file, without its header, which names the asset."""
    position = 12
    while file[position:position + 4] not in (b"data", b""):
        size = int.from_bytes(file[position + 4:position + 8], "little")
        position += 8 + size + size % 2
    return hashlib.sha256(file[position:]).hexdigest()


def without_changing(value):
    if isinstance(value, dict):
        return {name: without_changing(member) for name, member in value.items() if name not in CHANGING}
    if isinstance(value, list):
        return [without_changing(item) for item in value]
    return value


def artifact_count(database):
    same = "(parent_asset_id, kind, start_us, end_us, meta->>'pipeline_hash', uri)"
    ((rows, distinct),) = query(database, f"SELECT count(*), count(DISTINCT {same}) FROM artifacts")
    return int(rows), int(distinct)


def quiet_run(arguments, database, directory, media):
    process = service_of_role(arguments.binary, f"{directory}/quiet", "all", database, storage(arguments, directory, "quiet"))
    process.start()
    process.require_ready()
    film, long = (upload(process.port, path) for path in media)
    calls = requests(process.port, film, long, arguments.jobs, media[0])
    answers = []
    for path, body in calls:
        answer = call(process.port, "POST", path, body, timeout=600)
        if answer.status not in (200, 201):
            raise RuntimeError(f"{path}: {answer} {answer.body[:500]}")
        answers.append(comparable(process.port, answer.json))
    process.kill()
    return answers


def storage(arguments, directory, name):
    if arguments.s3:
        return f"s3://{arguments.s3}/{name}"
    os.makedirs(f"{directory}/blobs-{name}", exist_ok=True)
    return f"file://{directory}/blobs-{name}/"


def settle(port, running, fault_at, worst):
    """Waits until every job that ran when the fault came has moved on; the longest takeover."""
    for job_id, attempts, progress in running:
        while True:
            job = patiently(port, "GET", f"/jobs/{job_id}").json
            if job["state"] in FINAL or job["attempts"] > attempts or job["progress"] > progress + 0.02:
                break
            if time.monotonic() - fault_at > 60:
                break
            time.sleep(0.1)
        if job["attempts"] > attempts or job["state"] not in FINAL and time.monotonic() - fault_at > 60:
            worst.append(time.monotonic() - fault_at)


def chaos_run(arguments, database, directory, media):
    place = storage(arguments, directory, "chaos")

    def started(role, number):
        process = service_of_role(arguments.binary, f"{directory}/{role}{number}", role, database, place)
        process.start()
        return process

    first = started("api", 0)
    first.require_ready()
    apis = [first, started("api", 1)]
    workers = [started("worker", number) for number in range(3)]
    for process in apis + workers:
        process.require_ready()
    port = Balancer([process.port for process in apis]).port
    film, long = (upload(port, path) for path in media)
    calls = requests(port, film, long, arguments.jobs, media[0])
    jobs = []

    def arrive(count):
        """So many jobs are there, or more."""
        for path, body in calls[len(jobs):count]:
            answer = patiently(port, "POST", path, body, {"Prefer": "respond-async"})
            if answer.status != 202:
                raise RuntimeError(f"{path}: {answer} {answer.body[:500]}")
            jobs.append(answer.json["id"])

    takeovers, faults, moment = [], 0, random.Random(arguments.seed)
    while faults < arguments.faults:
        # Jobs arrive as long as faults do.
        arrive(FIRST_JOBS + math.ceil(max(0, len(calls) - FIRST_JOBS) * (faults + 1) / arguments.faults))
        active = [patiently(port, "GET", f"/jobs/{job}").json for job in jobs]
        running = [(job["id"], job["attempts"], job["progress"]) for job in active if job["state"] == "running"]
        worker = moment.choice(workers)
        fault_at, faults = time.monotonic(), faults + 1
        if moment.random() < 0.5:
            worker.kill()
            settle(port, running, fault_at, takeovers)
            worker.start()
        else:
            worker.process.send_signal(signal.SIGSTOP)
            settle(port, running, fault_at, takeovers)
            worker.process.send_signal(signal.SIGCONT)
        time.sleep(moment.uniform(0.2, 2.0))
    arrive(len(calls))
    states = settled(port, jobs)
    lost = [job["id"] for job in states if (job["problem"] or {}).get("code") == "worker_lost"]
    for job in lost:
        patiently(port, "POST", f"/jobs/{job}/retry")
    states = settled(port, jobs)
    answers = []
    for job in states:
        answer = patiently(port, "GET", f"/jobs/{job['id']}/result")
        answers.append(comparable(port, answer.json) if answer.status < 300 else f"{job['state']}: {job['problem']}")
    cancels = [cancel(port, long, index) for index in range(arguments.cancels)]
    for process in apis + workers:
        process.process.send_signal(signal.SIGCONT)
        process.kill()
    return states, answers, takeovers, faults, cancels, lost


def settled(port, jobs):
    """The jobs once all have ended, or after half an hour."""
    until = time.monotonic() + 1_800
    while True:
        states = [patiently(port, "GET", f"/jobs/{job}").json for job in jobs]
        if all(job["state"] in FINAL for job in states) or time.monotonic() > until:
            return states
        time.sleep(0.5)


def cancel(port, asset, index):
    """Seconds from DELETE to `cancelled`, of an analysis that runs."""
    body = {"asset_id": asset["id"], "user_id": f"cancel{index}"}
    job = patiently(port, "POST", "/audio/semantic-timeline/analyze", body, {"Prefer": "respond-async"}).json
    while patiently(port, "GET", f"/jobs/{job['id']}").json["state"] == "queued":
        time.sleep(0.02)
    time.sleep(0.2)
    began = time.monotonic()
    patiently(port, "DELETE", f"/jobs/{job['id']}")
    patiently(port, "GET", f"/jobs/{job['id']}?wait=30")
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--cancels", type=int, default=50)
    parser.add_argument("--minutes", type=int, default=60, help="length of the long recording")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--s3", help="the bucket of an object store that AWS_* variables describe")
    arguments = parser.parse_args()
    url = os.environ["TEST_DATABASE_URL"]
    with tempfile.TemporaryDirectory(prefix="chaos-jobs-") as directory:
        names = [f"chaos_{os.getpid()}_{name}" for name in ("quiet", "chaos")]
        quiet, chaos = databases(url, names)
        media = recordings(directory, arguments.minutes)
        expected = quiet_run(arguments, quiet, directory, media)
        states, answers, takeovers, faults, cancels, lost = chaos_run(arguments, chaos, directory, media)
        rows, distinct = artifact_count(chaos)
    ended = sum(job["state"] == "succeeded" for job in states)
    different = [index for index, pair in enumerate(zip(expected, answers)) if pair[0] != pair[1]]
    cancels.sort()
    print("| measured | value | bound |\n|---|---|---|")
    print(f"| jobs that succeeded, of {len(states)} | {ended} | {len(states)} |")
    print(f"| faults of workers | {faults} | |")
    print(f"| jobs that lost three workers in a row, and were retried | {len(lost)} | |")
    print(f"| starts of jobs | {sum(job['attempts'] for job in states)} | |")
    print(f"| answers that differ from the quiet run's | {len(different)} | 0 |")
    print(f"| artifacts that exist twice | {rows - distinct} | 0 |")
    print(f"| takeovers; the longest (s) | {len(takeovers)}; {max(takeovers, default=0):.1f} | {BOUND_TAKEOVER_S:.0f} |")
    slowest = cancels[int(len(cancels) * 0.99)] if cancels else 0
    print(f"| cancellations of running work; 99th percentile (s) | {len(cancels)}; {slowest:.2f} | {BOUND_CANCEL_S:.0f} |")
    for index in different[:3]:
        at = next((n for n, pair in enumerate(zip(expected[index], answers[index])) if pair[0] != pair[1]), 0)
        part = slice(max(0, at - 100), at + 200)
        print(f"job {index}: expected … {expected[index][part]}\n  got … {answers[index][part]}", file=sys.stderr)
    holds = ended == arguments.jobs and not different and rows == distinct
    holds = holds and max(takeovers, default=0) <= BOUND_TAKEOVER_S and slowest <= BOUND_CANCEL_S
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
