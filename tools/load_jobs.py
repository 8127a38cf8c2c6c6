#!/usr/bin/env python3
"""Many queued jobs of many tenants. `make load-jobs`.

One `--role api` and one `--role worker` process with one slot of each lane on one Postgres. Prints: the rate and latency of
acceptance, the time between the end of a job and the start of the next while others wait, the shares of tenants, how many
jobs are started before the single job of a newcomer, whether interactive jobs pass batch ones, the latency of calls that
are answered from the cache meanwhile, and resident memory. Jobs are added where the queue would run empty before a part
ends. In a second installation, a tenant with 5 000 waiting jobs competes with 19 that keep adding: its share, and what runs
before a newcomer's job. Exits with 1 when a value misses its aim.

Needs a Postgres by TEST_DATABASE_URL (`tools/with-postgres.sh`).
"""

import argparse
import http.client
import json
import math
import os
import pathlib
import sys
import tempfile
import threading
import time
import wave

from deployment import call, context, create, databases, postgres_cpu_s, query, rss_mb, service_of_role, upload

HITS = "/audio/hits/detect"
ANALYZE = "/audio/semantic-timeline/analyze"
ONE_SLOT = {"HARKBACK_ANALYSIS_WORKERS": "1", "HARKBACK_RENDER_WORKERS": "1"}
ACCEPTED_PER_S = 500
# Of 99 in 100 starts and calls.
LATENCY_MS = 20
FEWEST_SHARE, MOST_SHARE = 0.90, 1.10
# Memory that is called flat grows by no more than this, of what it was.
FLAT = 1.25
WARM_UP_S = 3
CACHED_S = 15
CACHED_PER_S = 200
# Jobs of the tenant with the long backlog, and number of the others, each of which always has some waiting.
BIG_BACKLOG = 5_000
OTHERS = 19
KEPT_WAITING = 40
# Matches the tenants whose jobs are the load.
TENANTS = "tenant_id ~ '^t[0-9]+$'"


class Table:
    """Prints measured values beside their aims, and keeps the names of those that miss."""

    def __init__(self):
        self.missed = []
        print("| measured | value | aim |\n|---|---|---|", flush=True)

    def row(self, name, value, aim="", holds=True):
        print(f"| {name} | {value} | {aim} |", flush=True)
        if not holds:
            self.missed.append(name)

    def latencies(self, name, seconds):
        """Median and 99th percentile, which has the aim. No sample misses it."""
        median, slow = percentile(seconds, 0.5) * 1e3, percentile(seconds, 0.99) * 1e3
        self.row(f"{name}, median and 99th percentile (ms)", f"{median:.1f}, {slow:.1f}", f"99th ≤ {LATENCY_MS}",
                 slow <= LATENCY_MS)

    def memory(self, name, before_mb, after_mb):
        most_mb = before_mb * FLAT
        self.row(f"resident memory of {name}, before and after (MB)", f"{before_mb:.0f}, {after_mb:.0f}", f"≤ {most_mb:.0f}",
                 after_mb <= most_mb)

    def still_waiting(self, part, count):
        self.row(f"jobs that still wait {part}", count, "> 0", count > 0)


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else math.inf


def count(database, condition):
    ((found,),) = query(database, f"SELECT count(*) FROM jobs WHERE {condition}")
    return int(found)


def waiting(database):
    return count(database, f"state = 'queued' AND {TENANTS}")


def short_recording(directory):
    path = os.path.join(directory, "short.wav")
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(b"".join((8_000 if n % 4_000 < 400 and n % 20 < 10 else 0).to_bytes(2, "little") for n in range(16_000)))
    return path


class Caller:
    """One connection that stays open."""

    def __init__(self, port, tenant):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {**context(tenant), "Content-Type": "application/json"}

    def post(self, path, body, **headers):
        began = time.monotonic()
        self.connection.request("POST", path, json.dumps(body), {**self.headers, **headers})
        response = self.connection.getresponse()
        answer = response.read()
        return response.status, answer, time.monotonic() - began

    def get(self, path):
        began = time.monotonic()
        self.connection.request("GET", path, headers=self.headers)
        response = self.connection.getresponse()
        return response.status, response.read(), time.monotonic() - began


def in_threads(count, work):
    results = [None] * count
    def run(index):
        results[index] = work(index)
    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert None not in results, "a thread failed"
    return results


def enqueue(port, tenant, asset, numbers, prefer="respond-async"):
    """Adds a job for each number; each does work of its own. How long each call took."""
    caller, times = Caller(port, tenant), []
    for number in numbers:
        body = {"asset_id": asset, "hit_params": {"min_interval_ms": 20 + number / 16}}
        status, answer, elapsed = caller.post(HITS, body, Prefer=prefer)
        assert status == 202, (status, answer)
        times.append(elapsed)
    return times


class Backlog:
    """The jobs of the tenants: as many of each."""

    def __init__(self, port, database, assets):
        self.port, self.database, self.assets, self.of_each = port, database, assets, 0

    def add(self, of_each):
        """How long each call took."""
        numbers = range(self.of_each, self.of_each + of_each)
        self.of_each += of_each
        tenants = list(self.assets.items())
        times = in_threads(len(tenants), lambda index: enqueue(self.port, *tenants[index], numbers))
        return [time_ for some in times for time_ in some]

    def fill(self, needed):
        """Has at least `needed` jobs wait."""
        if (lacking := needed - waiting(self.database)) > 0:
            self.add(math.ceil(lacking / len(self.assets)))


def paced(caller_of, calls_per_s, seconds):
    """Latencies of calls at a fixed rate, from the instant at which each was due."""
    begin, threads, share = time.monotonic(), 8, calls_per_s / 8
    def run(index):
        send, times = caller_of(index), []
        for number in range(int(seconds * share)):
            due = begin + number / share + index / calls_per_s
            time.sleep(max(0.0, due - time.monotonic()))
            status, answer = send()
            assert status == 200, (status, answer)
            times.append(time.monotonic() - due)
        return times
    return [time_ for times in in_threads(threads, run) for time_ in times]


def cached_calls(port, asset):
    """Callers of an analysis and of a clip that are there already."""
    # It goes through the queue once, and is found after.
    analyzed = call(port, "POST", ANALYZE, {"asset_id": asset}, tenant="cache", timeout=600)
    assert analyzed.status in (200, 201), str(analyzed)

    def made(path, body):
        return create(port, path, body, tenant="cache")["id"]

    project = made("/video/projects", {"title": "load"})
    sequence = made(f"/video/projects/{project}/sequences", {"name": "main"})
    track = made(f"/video/sequences/{sequence}/tracks", {"kind": "video", "label": "v1"})
    clip = made(f"/video/tracks/{track}/clips", {
        "asset_id": asset, "in_ms": 0, "out_ms": 500, "start_ms_on_timeline": 0, "speed": 1})

    def analyze(_):
        caller = Caller(port, "cache")
        return lambda: caller.post(ANALYZE, {"asset_id": asset})[:2]

    def by_clip(_):
        caller = Caller(port, "cache")
        return lambda: caller.get(f"/audio/semantic-timeline/by-clip/{clip}")[:2]

    return analyze, by_clip


def measure_acceptance(table, api, backlog, of_each):
    before_mb = rss_mb(api.process.pid)
    began, cpu_s = time.monotonic(), postgres_cpu_s(backlog.database)
    times = backlog.add(of_each)
    rate = len(times) / (time.monotonic() - began)
    table.row(f"accepted jobs a second, of {len(times)}", f"{rate:.0f}", f"≥ {ACCEPTED_PER_S}", rate >= ACCEPTED_PER_S)
    table.row(f"… one call, median and 99th percentile (ms), {len(backlog.assets)} at once",
              f"{percentile(times, .5) * 1e3:.1f}, {percentile(times, .99) * 1e3:.1f}")
    table.row("… processor time of Postgres for each (ms)",
              f"{(postgres_cpu_s(backlog.database) - cpu_s) * 1e3 / len(times):.1f}")
    table.memory("the api process", before_mb, rss_mb(api.process.pid))


def measure_queue(table, worker, backlog, assets, seconds):
    """Rates and order while the worker is saturated; jobs that end a second."""
    database, port = backlog.database, backlog.port
    enqueue(port, "batch", assets["batch"], range(1), "respond-async, priority=batch")
    worker.start()
    worker.require_ready()
    began = time.monotonic()
    time.sleep(WARM_UP_S)
    before_mb = rss_mb(worker.process.pid)
    backlog.fill(2 * seconds * count(database, f"state = 'succeeded' AND {TENANTS}") // WARM_UP_S)
    enqueue(port, "newcomer", assets["newcomer"], range(1))
    ended_before, cpu_s = count(database, "state = 'succeeded'"), postgres_cpu_s(database)
    time.sleep(seconds)
    cpu_ms = (postgres_cpu_s(database) - cpu_s) * 1e3 / max(1, count(database, "state = 'succeeded'") - ended_before)
    ended = query(database, f"SELECT count(*) FROM jobs WHERE state = 'succeeded' AND {TENANTS} GROUP BY tenant_id")
    elapsed_s = time.monotonic() - began
    # A newcomer's job that has not started has let all others pass.
    ((passed,),) = query(database, """
        SELECT count(*) FROM jobs j, jobs n WHERE n.tenant_id = 'newcomer' AND j.id <> n.id
        AND j.started_at > n.created_at AND j.started_at < coalesce(n.started_at, now())""")
    has_started = count(database, "tenant_id = 'newcomer' AND started_at IS NOT NULL") == 1
    batch = count(database, "tenant_id = 'batch' AND state <> 'queued'")
    still_waiting = waiting(database)
    gaps = [float(gap) for (gap,) in query(database, """
        SELECT extract(epoch FROM started_at - previous) FROM (
            SELECT started_at, lag(finished_at) OVER (ORDER BY started_at) AS previous FROM jobs WHERE state = 'succeeded'
        ) AS pairs WHERE previous IS NOT NULL""")]
    counts = [int(one) for (one,) in ended] + [0] * (len(backlog.assets) - len(ended))
    mean = sum(counts) / len(counts)
    fewest, most = (min(counts) / mean, max(counts) / mean) if mean else (0.0, 0.0)
    rate = sum(counts) / elapsed_s
    table.row("jobs ended a second, one slot", f"{rate:.0f}")
    table.row("… processor time of Postgres for each (ms)", f"{cpu_ms:.1f}")
    table.latencies("from the end of a job to the start of the next", gaps)
    table.row(f"shares of {len(counts)} tenants, fewest and most of the mean", f"{fewest:.2f}, {most:.2f}",
              f"≥ {FEWEST_SHARE:.2f}, ≤ {MOST_SHARE:.2f}", fewest >= FEWEST_SHARE and most <= MOST_SHARE)
    table.row("jobs started before the newcomer's one", passed if has_started else f"{passed}, and it has not started",
              f"≤ {len(counts)}", has_started and int(passed) <= len(counts))
    table.row("batch jobs started while interactive ones wait", batch, 0, batch == 0)
    table.memory("the worker", before_mb, rss_mb(worker.process.pid))
    table.still_waiting("after it", still_waiting)
    return rate


def measure_cached(table, quick, backlog, asset, rate):
    """Latency of calls whose answer is there, in a process whose worker is saturated."""
    quick.start()
    quick.require_ready()
    backlog.fill(math.ceil(3 * rate * 2 * CACHED_S))
    analyze, by_clip = cached_calls(quick.port, asset)
    for name, caller_of in [("analyze, found", analyze), ("by-clip", by_clip)]:
        backlog.fill(math.ceil(3 * rate * CACHED_S))
        ended = count(backlog.database, "state = 'succeeded'")
        times = paced(caller_of, CACHED_PER_S, CACHED_S)
        ended = count(backlog.database, "state = 'succeeded'") - ended
        table.latencies(f"{name}, at {CACHED_PER_S} a second beside a saturated worker", times)
        table.row("… jobs that ended meanwhile", ended, "> 0", ended > 0)
        table.still_waiting("after it", waiting(backlog.database))


class KeptWaiting(threading.Thread):
    """Adds jobs of tenants, so that each always has some that wait, until it is stopped."""

    def __init__(self, port, database, assets):
        super().__init__(daemon=True)
        self.port, self.database, self.assets = port, database, assets
        self.added, self.failure, self.stopped = dict.fromkeys(assets, 0), None, threading.Event()

    def top_up(self):
        rows = query(self.database, f"SELECT tenant_id, count(*) FROM jobs WHERE state = 'queued' AND {TENANTS} GROUP BY 1")
        waits = {tenant: int(number) for tenant, number in rows}
        for tenant, asset in self.assets.items():
            begin, lacking = self.added[tenant], max(0, KEPT_WAITING - waits.get(tenant, 0))
            enqueue(self.port, tenant, asset, range(begin, begin + lacking))
            self.added[tenant] = begin + lacking

    def run(self):
        try:
            while not self.stopped.wait(0.2):
                self.top_up()
        except Exception as error:  # Reported by `end`.
            self.failure = error

    def end(self):
        self.stopped.set()
        self.join()
        if self.failure:
            raise self.failure


def measure_backlog(table, api, worker, database, recording, seconds):
    """The share of a tenant with a long backlog among others that keep adding, and the wait of a newcomer."""
    api.start()
    api.require_ready()
    others = [f"t{number}" for number in range(OTHERS)]
    assets = {tenant: upload(api.port, recording, tenant)["id"] for tenant in [*others, "big", "newcomer"]}
    threads = 10
    in_threads(threads, lambda index: enqueue(
        api.port, "big", assets["big"], range(index, BIG_BACKLOG, threads)))
    adding = KeptWaiting(api.port, database, {tenant: assets[tenant] for tenant in others})
    adding.top_up()
    adding.start()
    worker.start()
    worker.require_ready()
    time.sleep(WARM_UP_S)
    ((since,),) = query(database, "SELECT now()")
    enqueue(api.port, "newcomer", assets["newcomer"], range(1))
    time.sleep(seconds)
    adding.end()
    started = dict(query(database, f"""
        SELECT tenant_id, count(*) FROM jobs WHERE started_at > '{since}' AND tenant_id <> 'newcomer' GROUP BY tenant_id"""))
    before = dict(query(database, """
        SELECT j.tenant_id, count(*) FROM jobs j, jobs n WHERE n.tenant_id = 'newcomer' AND j.id <> n.id
        AND j.started_at > n.created_at AND j.started_at < coalesce(n.started_at, now()) GROUP BY j.tenant_id"""))
    has_started = count(database, "tenant_id = 'newcomer' AND started_at IS NOT NULL") == 1
    of_big = int(started.get("big", 0)) * (OTHERS + 1) / max(1, sum(map(int, started.values())))
    passed, passed_big = sum(map(int, before.values())), int(before.get("big", 0))
    beside = f"beside a backlog of {BIG_BACKLOG}"
    table.row(f"share of big, {beside}, of one in {OTHERS + 1}", f"{of_big:.2f}",
              f"≥ {FEWEST_SHARE:.2f}, ≤ {MOST_SHARE:.2f}", FEWEST_SHARE <= of_big <= MOST_SHARE)
    table.row(f"jobs started before the newcomer's, {beside}", passed if has_started else f"{passed}, and it has not started",
              f"≤ {OTHERS + 1}", has_started and passed <= OTHERS + 1)
    table.row("… of big", passed_big, "≤ 1", passed_big <= 1)
    table.still_waiting("of big after it", count(database, "state = 'queued' AND tenant_id = 'big'"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--tenants", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=30, help="how long the queue is watched")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="load-jobs-") as directory:
        names = [f"load_{os.getpid()}", f"backlog_{os.getpid()}"]
        database, second = databases(os.environ["TEST_DATABASE_URL"], names)

        def service(name, role, of):
            store = pathlib.Path(directory, "blobs" if of == database else "second_blobs")
            store.mkdir(exist_ok=True)
            return service_of_role(arguments.binary, f"{directory}/{name}", role, of, f"file://{store}/", ONE_SLOT)

        roles = [("api", "api"), ("worker", "worker"), ("quick", "all")]
        api, worker, quick = [service(name, role, database) for name, role in roles]
        beside = [service(f"second_{role}", role, second) for role in ("api", "worker")]
        services = [api, worker, quick, *beside]
        try:
            api.start()
            api.require_ready()
            recording = short_recording(directory)
            tenants = [f"t{number}" for number in range(arguments.tenants)]
            assets = {tenant: upload(api.port, recording, tenant)["id"] for tenant in [*tenants, "cache", "newcomer", "batch"]}
            backlog = Backlog(api.port, database, {tenant: assets[tenant] for tenant in tenants})
            table = Table()
            measure_acceptance(table, api, backlog, arguments.jobs // arguments.tenants)
            rate = measure_queue(table, worker, backlog, assets, arguments.seconds)
            worker.kill()
            measure_cached(table, quick, backlog, assets["cache"], rate)
            quick.kill()
            api.kill()
            measure_backlog(table, *beside, second, recording, arguments.seconds)
        finally:
            for service in services:
                if service.is_running():
                    service.kill()
    if table.missed:
        print("missed: " + "; ".join(table.missed), file=sys.stderr)
    sys.exit(1 if table.missed else 0)


if __name__ == "__main__":
    main()
