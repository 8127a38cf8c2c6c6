#!/usr/bin/env python3
"""Kills a `harkback serve` under load, again and again, and counts what was lost. `make chaos`.

Several clients write at once, half of them under an `Idempotency-Key`, which they send again after a crash. Meanwhile the
service, its Postgres, and the whole tree of processes are killed in turn (SIGKILL) at random moments. At the end every
acknowledged write is looked up, every marker counted, every accepted job awaited, and what no row explains searched for.
Exits with 1 unless all of that is as promised.
"""

import argparse
import collections
import hashlib
import itertools
import os
import pathlib
import random
import struct
import sys
import tempfile
import threading
import time

from deployment import MEDIA, Service, alive, call, create, form, kill, name_of, status_of, tree

FLAGS = ["--audio-semantic-backend", "signal"]
PROFILE = "draft_480p_fast"
RETRY_S = 2.0
DRAIN_S = 300
ENDED = ("succeeded", "failed", "cancelled")


class Write:
    """A call that makes something. `marker` is written into what it makes, `path` is where that is read again."""

    def __init__(self, kind, tenant, path, body, marker, key, headers=None):
        self.kind, self.tenant, self.path, self.body, self.marker, self.key = kind, tenant, path, body, marker, key
        self.headers = {**(headers or {}), **({"Idempotency-Key": key} if key else {})}
        self.answer = self.job = self.result = None
        self.after = 0.0

    def send(self, port):
        return call(port, "POST", self.path, self.body, self.headers, self.tenant)


def recording(number, seconds):
    """A short WAVE file that no other number has."""
    noise = random.Random(number)
    tone = [int(8000 * noise.uniform(0.2, 1)) if index % 40 < 20 else -6000 for index in range(int(8000 * seconds))]
    samples = struct.pack(f"<{len(tone)}h", *tone)
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16,
                       b"data", len(samples))
    return head + samples


class Owner:
    """What a tenant has to make other things of."""

    def __init__(self, port, tenant):
        self.tenant = tenant
        body, headers = form((MEDIA / "talk_and_music.mp4").read_bytes(), "talk.mp4")
        self.video = create(port, "/media-v2/assets", body, headers, tenant)["id"]
        hit = {"kind": "audio_hit", "uri": "mem:hit", "start_ms": 1000, "end_ms": 1400}
        self.hit = create(port, f"/media-v2/assets/{self.video}/artifacts", hit, tenant=tenant)["id"]
        timeline = {"project": {"new": {"title": "base"}}, "sequence": {"name": "s"},
                    "track": {"kind": "video", "label": "t"}, "clips": []}
        made = create(port, "/video/timelines", timeline, tenant=tenant)
        self.project, self.sequence, self.track = (made[of]["id"] for of in ("project", "sequence", "track"))
        self.recordings = [self.video]
        self.projects = []


def clip(asset, marker):
    return {"asset_id": asset, "in_ms": 0, "out_ms": 500, "start_ms_on_timeline": 0, "meta": {"chaos": marker}}


def shot_list(owner, number):
    clips = [{"artifact_id": owner.hit, "start_ms": 10 * number + step, "duration_ms": 200} for step in (0, 500)]
    return {"alignment": "none", "sequence": {"tracks": [{"name": f"n{number}", "clips": clips}]}}


def new_write(owner, number, choice):
    """The write of this number; `choice` draws which."""
    tenant, marker = owner.tenant, f"chaos-{number}"
    key = f"key-{number}" if number % 2 else None

    def write(kind, path, body, headers=None):
        return Write(kind, tenant, path, body, marker, key, headers)

    def upload():
        body, headers = form(recording(number, choice.uniform(0.3, 2)), "a.wav", source_ref=marker)
        return write("upload", "/media-v2/assets", body, headers)

    def artifact():
        body = {"kind": "audio_hit", "uri": f"mem:{number}", "start_ms": 0, "end_ms": 500, "meta": {"chaos": marker}}
        return write("artifact", f"/media-v2/assets/{owner.video}/artifacts", body)

    def timeline():
        body = {"project": {"new": {"title": marker}}, "sequence": {"name": marker},
                "track": {"kind": "video", "label": marker}, "clips": [clip(owner.video, marker)] * 3}
        return write("timeline", "/video/timelines", body)

    def analysis(headers=None):
        body = {"asset_id": choice.choice(owner.recordings), "min_silence_ms": 100 + number}
        return write("analysis", "/audio/semantic-timeline/analyze", body, headers)

    def shots(headers=None):
        return write("shot list", "/audio/to-video-origin", shot_list(owner, number), headers)

    def snippets(headers=None):
        try:
            project = owner.projects.pop()
        except IndexError:
            return write("project", "/video/projects", {"title": marker})
        mode = choice.choice(("timeline_only", "timeline_only", "render_clips"))
        items = [{"audio_artifact_id": owner.hit, "padding_ms": padding} for padding in (0, number % 50)]
        body = {"items": items, "mode": mode, "attach_to_project_id": project, "render_profile": PROFILE}
        made = write("snippets", "/origin-snippets/batch", body, headers)
        made.marker = project
        return made

    def pattern():
        return write("pattern", "/audio/patterns", {
            "template_id": "four_on_the_floor", "sample_map": {"kick": owner.hit}, "seed": number})

    later = {"Prefer": "respond-async"}
    return choice.choice([
        upload, upload, artifact, timeline, analysis, shots, snippets, snippets, pattern,
        lambda: write("project", "/video/projects", {"title": marker}),
        lambda: write("sequence", f"/video/projects/{owner.project}/sequences", {"name": marker}),
        lambda: write("track", f"/video/sequences/{owner.sequence}/tracks", {"kind": "video", "label": marker}),
        lambda: write("clip", f"/video/tracks/{owner.track}/clips", clip(owner.video, marker)),
        lambda: write("clips", f"/video/tracks/{owner.track}/clips/batch", {"clips": [clip(owner.video, marker)] * 4}),
        lambda: analysis(later), lambda: shots(later), lambda: snippets(later),
    ])()


class Client(threading.Thread):
    """Writes one thing after another, and sends again what has a key and no answer yet."""

    def __init__(self, service, owner, numbers, choice, closing):
        super().__init__()
        self.service, self.owner, self.numbers, self.choice, self.closing = service, owner, numbers, choice, closing
        self.writes, self.waiting, self.given_up, self.answers, self.failure = [], [], [], collections.Counter(), None

    def run(self):
        try:
            while not self.closing.is_set():
                self.step(self.next())
            deadline = time.monotonic() + DRAIN_S
            while self.waiting and self.service.is_running() and time.monotonic() < deadline:
                self.step(self.next())
        except Exception as failure:  # Whatever it is, the main thread raises it.
            self.failure = failure

    def next(self):
        if self.waiting and self.waiting[0].after <= time.monotonic():
            return self.waiting.pop(0)
        if self.closing.is_set():
            time.sleep(0.1)
            return None
        write = new_write(self.owner, next(self.numbers), self.choice)
        self.writes.append(write)
        return write

    def step(self, write):
        if write is None:
            return
        answer = write.send(self.service.port)
        self.answers[f"{write.kind}: {answer}" if answer.status in (400, 404, 422, 500) else str(answer)] += 1
        if answer.status in (200, 201, 202):
            write.answer = answer
            if answer.status == 202:
                write.job = answer.json["id"]
            self.note(write)
        elif answer.json.get("code") == "worker_lost":
            # Three workers in a row were killed while they ran it: a final answer.
            self.given_up.append(write)
        elif write.key:
            write.after = time.monotonic() + RETRY_S
            self.waiting.append(write)
        if answer.status == 0:
            time.sleep(0.1)

    def note(self, write):
        if write.kind == "upload":
            self.owner.recordings.append(write.answer.json["id"])
        elif write.kind == "project":
            self.owner.projects.append(write.answer.json["id"])


class Killer:
    """Kills what is next in turn, at a moment that `choice` draws, and starts the service again."""

    def __init__(self, service, choice):
        self.service, self.choice = service, choice
        self.kills, self.failed_starts, self.killed = collections.Counter(), [], {}

    def kill_once(self, what):
        service = self.service
        is_early = what != "postmaster" and self.choice.random() < 0.2
        if not is_early:
            self.require_ready()
        time.sleep(self.choice.uniform(0.0, 0.6) if is_early else self.choice.uniform(0.1, 4.0))
        processes = tree(service.process.pid)
        self.kills[what] += 1
        if what == "postmaster":
            kill(service.postmaster())
            return
        for pid in [service.process.pid] if what == "service" else processes:
            kill(pid)
        service.process.wait()
        # Postgres shuts down in order when its service is gone.
        self.killed.update({pid: began for pid, began in processes.items() if name_of(pid) != "postgres"})
        service.start()

    def require_ready(self, tries=5):
        """Waits until it is ready. A start that fails is a fault; the next may succeed."""
        for _ in range(tries):
            if self.service.wait_until_ready():
                return
            self.failed_starts.append(f"a start failed: {self.service.tail().splitlines()[-1][:400]}")
            self.service.start()
        raise RuntimeError("harkback does not start:\n" + self.service.tail())

    def stray(self):
        """Programs that a killed service ran, and that still run."""
        return [f"process {pid} {name_of(pid)}" for pid in alive(self.killed)]


READ = {
    "upload": "/media-v2/assets/{id}", "artifact": "/media-v2/artifacts/{id}", "project": "/video/projects/{id}",
    "sequence": "/video/sequences/{id}", "track": "/video/tracks/{id}", "clip": "/video/clips/{id}",
    "pattern": "/audio/patterns/{pattern_id}", "analysis": "/audio/semantic-timeline/{audio_semantic_artifact_id}",
    "shot list": "/audio/to-video-origin/{shot_list_artifact_id}",
}


def places(write, made):
    """Where what was answered is read."""
    if write.kind == "clips":
        return [f"/video/clips/{one['id']}" for one in made]
    if write.kind == "timeline":
        clips = [f"/video/clips/{one['id']}" for one in made["clips"]]
        return [f"/video/projects/{made['project']['id']}", *clips]
    if write.kind == "snippets":
        clips = [f"/video/clips/{one['video_clip_id']}" for one in made["snippets"]]
        renders = [one["video_artifact_id"] for one in made["snippets"] if one["video_artifact_id"]]
        return clips + [f"/media-v2/artifacts/{render}/content" for render in renders]
    return [READ[write.kind].format(**made)]


def find_lost(port, write):
    """What is no longer there of an acknowledged write."""
    made = write.result if write.job else write.answer.json
    if made is None:
        return []
    lost = [path for path in places(write, made) if call(port, "GET", path, tenant=write.tenant).status != 200]
    if write.kind == "upload":
        content = call(port, "GET", f"/media-v2/assets/{made['id']}/content", tenant=write.tenant)
        if hashlib.sha256(content.body).hexdigest() != made["content_sha256"]:
            lost.append(f"bytes of {made['id']}")
    if write.key:
        again = write.send(port)
        if again.status not in (200, 201, 202) or identity(write, again) != identity(write, write.answer):
            lost.append(f"{write.kind} {write.key}: again {again} {identity(write, again)}")
    return lost


def identity(write, answer):
    return answer.json.get("id") if write.job else sorted(places(write, answer.json))


def await_jobs(port, writes):
    """The jobs that do not end, those that end without a result, and how many reached each state.

    Only `worker_lost` is an expected failure: three workers in a row were killed. Results are kept with their writes.
    """
    stuck, lost, states, deadline = [], [], collections.Counter(), time.monotonic() + DRAIN_S
    for write in writes:
        job = {}
        while job.get("state") not in ENDED and time.monotonic() < deadline:
            job = call(port, "GET", f"/jobs/{write.job}?wait=5", tenant=write.tenant).json
        states[job.get("state", "unknown")] += 1
        if job.get("state") not in ENDED:
            stuck.append(f"{write.job} {job.get('state')}")
        elif job["state"] == "succeeded":
            answer = call(port, "GET", f"/jobs/{write.job}/result", tenant=write.tenant)
            if answer.status in (200, 201):
                write.result = answer.json
            else:
                lost.append(f"result of job {write.job} ({write.kind}): {answer}")
        else:
            code = (job.get("problem") or {}).get("code", "no problem")
            states[code] += 1
            if job["state"] != "failed" or code != "worker_lost":
                lost.append(f"job {write.job} ({write.kind}): {job['state']}, {code}")
    return stuck, lost, states


# What more than one row of a marker, or less than all rows of a whole, says: rows of the marker, and how many.
MARKERS = [
    ("upload", 1, "SELECT source_ref, count(*) FROM media_assets WHERE source_ref LIKE 'chaos-%' GROUP BY 1"),
    ("artifact", 1, "SELECT meta ->> 'chaos', count(*) FROM artifacts WHERE meta ? 'chaos' GROUP BY 1"),
    ("project", 1, "SELECT title, count(*) FROM video_projects WHERE title LIKE 'chaos-%' GROUP BY 1"),
    ("sequence", 1, "SELECT name, count(*) FROM video_sequences WHERE name LIKE 'chaos-%' GROUP BY 1"),
    ("track", 1, "SELECT label, count(*) FROM video_tracks WHERE label LIKE 'chaos-%' GROUP BY 1"),
    ("clip", 1, "SELECT meta ->> 'chaos', count(*) FROM video_clips WHERE meta ? 'chaos' GROUP BY 1"),
    ("clips", 4, None), ("timeline", 3, None),
    ("snippets", 2, "SELECT project_id, count(*) FROM origin_snippets GROUP BY 1"),
]
DUPLICATES = [
    "SELECT 'job', body, count(*) FROM jobs GROUP BY tenant_id, env, kind, body HAVING count(*) > 1",
    "SELECT 'sequences', s.project_id, count(*) FROM video_sequences s JOIN video_projects p USING (tenant_id, env) "
    "WHERE p.id = s.project_id AND p.title LIKE 'chaos-%' GROUP BY tenant_id, env, s.project_id HAVING count(*) > 1",
]
HALF_MADE = [
    "SELECT 'sequence without snippets', s.id FROM video_sequences s JOIN video_projects p USING (tenant_id, env) "
    "WHERE p.id = s.project_id AND p.title LIKE 'chaos-%' AND s.name NOT LIKE 'chaos-%' AND NOT EXISTS "
    "(SELECT FROM origin_snippets o WHERE (o.tenant_id, o.env, o.sequence_id) = (s.tenant_id, s.env, s.id))",
    "SELECT 'project without its sequence', sequence.project_id FROM video_clips c JOIN video_tracks t ON t.id = c.track_id "
    "JOIN video_sequences sequence ON sequence.id = t.sequence_id LEFT JOIN video_projects p ON p.id = sequence.project_id "
    "WHERE p.id IS NULL",
    "SELECT 'job without its result', id FROM jobs WHERE state = 'succeeded' AND NOT EXISTS "
    "(SELECT FROM job_results r WHERE (r.tenant_id, r.env, r.job_id) = (jobs.tenant_id, jobs.env, jobs.id))",
    "SELECT 'shot list without sources', artifact_id FROM shot_lists l WHERE NOT EXISTS "
    "(SELECT FROM shot_list_sources s WHERE (s.tenant_id, s.env, s.artifact_id) = (l.tenant_id, l.env, l.artifact_id))",
]
STUCK = [
    "SELECT 'key held', key FROM idempotency_keys WHERE status IS NULL AND expires_at > now()",
    "SELECT 'lock held', count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid() "
    "AND (objsubid, mode) = (1, 'ExclusiveLock') HAVING count(*) > 0",
]
ORPHANS = [
    "SELECT 'snippet without its clip', clip_id FROM origin_snippets o WHERE NOT EXISTS "
    "(SELECT FROM video_clips c WHERE (c.tenant_id, c.env, c.id) = (o.tenant_id, o.env, o.clip_id))",
    "SELECT 'queued work without a job', id FROM graphile_worker._private_jobs q WHERE q.payload::jsonb ? 'job_id' AND NOT EXISTS "
    "(SELECT FROM jobs WHERE jobs.id = q.payload ->> 'job_id' AND state IN ('queued', 'running'))",
    "SELECT 'rendered file without its render', id FROM media_assets a WHERE meta ? 'render_key' AND NOT EXISTS "
    "(SELECT FROM renders r WHERE (r.tenant_id, r.env, r.render_asset_id) = (a.tenant_id, a.env, a.id))",
]


def found(service, statements):
    return [" ".join(row) for statement in statements for row in service.rows(statement)]


def count_markers(service, writes):
    """What was made more than once, and what was made in part."""
    duplicated, half_made, rows = [], [], {}
    for kind, whole, statement in MARKERS:
        if statement:
            rows = dict(service.rows(statement))
        for write in (write for write in writes if write.kind == kind):
            count = int(rows.get(write.marker, 0))
            if count > whole:
                duplicated.append(f"{kind} {write.marker}: {count} rows in place of {whole}")
            elif 0 < count < whole:
                half_made.append(f"{kind} {write.marker}: {count} rows in place of {whole}")
    return duplicated, half_made


def backdate(directory):
    """Makes every file two days old, as what `gc` and the sweep of staging files look at."""
    past = time.time() - 2 * 86_400
    for folder, _, files in os.walk(directory):
        for file in files:
            os.utime(pathlib.Path(folder, file), (past, past))


def verify_stopped(service):
    """Findings in the files and processes of a stopped service: half made, orphaned, explained by gc."""
    half_made, orphaned = [], []
    if service.stop() != 0:
        orphaned.append("the service did not end in order")
    status, output = service.command("verify")
    if status != 0:
        half_made.append(f"verify: {output}")
    backdate(service.data / "blobs")
    explained = service.command("gc", "--delete")[1].splitlines()[0]
    if "found: 0 blobs" not in (again := service.command("gc")[1]):
        orphaned.append(again)
    for place in ("blobs/staging", "staging", "tmp"):
        left = service.data / place
        orphaned += [str(one) for one in left.rglob("*") if one.is_file()] if left.exists() else []
    orphaned += [f"process {pid} {name_of(pid)}" for pid in left_over(service.data)]
    return half_made, orphaned, explained


def left_over(data):
    """Processes that work below `data`, or were started with its path."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            place = os.readlink(f"/proc/{name}/cwd")
            arguments = pathlib.Path(f"/proc/{name}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        is_below = place.startswith(str(data)) or str(data) in arguments
        if int(name) != os.getpid() and is_below and status_of(int(name)):
            yield int(name)


def storm(service, options):
    """The load and the kills; every write, and the answers."""
    choice = random.Random(options.seed)
    owners = [Owner(service.port, f"t{number}") for number in range(2)]
    numbers, closing = itertools.count(), threading.Event()
    clients = [Client(service, owners[index % 2], numbers, random.Random(options.seed + index), closing)
               for index in range(options.clients)]
    for client in clients:
        client.start()
    killer = Killer(service, choice)
    try:
        for count, what in zip(range(options.kills), itertools.cycle(("service", "postmaster", "tree"))):
            killer.kill_once(what)
            print(f"kill {count + 1}: {what}; {sum(len(client.writes) for client in clients)} writes so far",
                  file=sys.stderr, flush=True)
        killer.require_ready()
        time.sleep(3)
    finally:
        closing.set()
        for client in clients:
            client.join()
    for client in clients:
        if client.failure:
            raise client.failure
    return clients, killer


def evaluate(service, clients, killer):
    """Prints what was lost, duplicated, half made, stuck or orphaned; whether all is as promised."""
    writes = [write for client in clients for write in client.writes]
    done = [write for write in writes if write.answer]
    stuck = killer.failed_starts + [f"{write.kind} {write.key} is not answered" for client in clients for write in client.waiting]
    unended, lost, states = await_jobs(service.port, [write for write in done if write.job])
    lost += [one for write in done for one in find_lost(service.port, write)]
    duplicated, half_made = count_markers(service, writes)
    duplicated += found(service, DUPLICATES)
    half_made += found(service, HALF_MADE)
    stuck += unended + found(service, STUCK)
    orphaned = found(service, ORPHANS)
    orphaned += killer.stray()
    more_half_made, more_orphaned, explained = verify_stopped(service)
    counts = {"lost": lost, "duplicated": duplicated, "half-made": half_made + more_half_made, "stuck": stuck,
              "orphaned": orphaned + more_orphaned}
    print("| kills | acknowledged writes | " + " | ".join(counts) + " |\n|" + "---|" * (len(counts) + 2))
    numbers = [sum(killer.kills.values()), len(done), *(len(one) for one in counts.values())]
    print("| " + " | ".join(map(str, numbers)) + " |\n")
    keyed = sum(1 for write in done if write.key)
    print(f"kills: {dict(killer.kills)}")
    print(f"writes: {len(writes)}, of the acknowledged {keyed} under a key; jobs: {dict(states)}")
    given_up = sum(len(client.given_up) for client in clients)
    print(f"calls that were answered worker_lost, as three workers in a row were killed while they ran them: {given_up}")
    print(f"of writes without an answer: {explained}")
    answers = sum((client.answers for client in clients), collections.Counter())
    print("answers: " + ", ".join(f"{count} × {answer}" for answer, count in answers.most_common()))
    for name, things in counts.items():
        for thing in things[:20]:
            print(f"{name}: {thing}")
    failed = [answer for answer in answers if " 500" in answer and "worker_lost" not in answer or " 422" in answer or " 404" in answer]
    if failed:
        lines = (service.data / "service.log").read_text(errors="replace").splitlines()
        print("\n".join(line for line in lines if "request failed" in line and "status=500" in line))
    return not any(counts.values()) and not failed


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("harkback", help="the program")
    arguments.add_argument("--kills", type=int, default=int(os.environ.get("KILLS") or 20))
    arguments.add_argument("--clients", type=int, default=6)
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or 1))
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="harkback-chaos-") as data:
        service = Service(options.harkback, data, FLAGS)
        service.start()
        try:
            service.require_ready()
            is_whole = evaluate(service, *storm(service, options))
        except BaseException:
            print(service.tail(), file=sys.stderr)
            raise
        finally:
            if service.is_running():
                service.stop()
    sys.exit(0 if is_whole else 1)


if __name__ == "__main__":
    main()
