#!/usr/bin/env python3
"""Many queued jobs of many tenants. `make load-jobs`.

One `--role api` and one `--role worker` process with one slot of each lane on one Postgres. Prints: the rate and latency of
acceptance, the time between the end of a job and the start of the next while others wait, the shares of tenants, how many
jobs are started before the single job of a newcomer, whether interactive jobs pass batch ones, the latency of calls that
are answered from the cache meanwhile, and resident memory.

Needs a Postgres by TEST_DATABASE_URL (`tools/with-postgres.sh`).
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import wave

from chaos_jobs import Process, call, databases, upload

HITS = "/audio/hits/detect"
ANALYZE = "/audio/semantic-timeline/analyze"


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def rss_mb(process):
    with open(f"/proc/{process.child.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def query(database, text):
    out = subprocess.run(["psql", database, "-Atqc", text], check=True, capture_output=True, text=True).stdout
    return [line.split("|") for line in out.splitlines()]


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
        self.headers = {"X-Tenant-Id": tenant, "X-Env": "dev", "Content-Type": "application/json"}

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


def enqueue(port, tenant, asset, numbers, **headers):
    caller, times = Caller(port, tenant), []
    for number in numbers:
        body = {"asset_id": asset, "hit_params": {"min_interval_ms": 20 + number / 16}}
        status, answer, elapsed = caller.post(HITS, body, Prefer="respond-async" + headers.get("more", ""))
        assert status == 202, (status, answer)
        times.append(elapsed)
    return times


def as_tenant(tenant):
    return {"X-Tenant-Id": tenant}


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


def cached_calls(api, asset):
    """Callers of an analysis and of a clip that are there already."""
    headers = as_tenant("cache")
    call(api.port, "POST", ANALYZE, {"asset_id": asset}, headers)
    def made(path, body):
        status, answer = call(api.port, "POST", path, body, headers)
        assert status == 201, (path, status, answer)
        return answer["id"]
    project = made("/video/projects", {"title": "load"})
    sequence = made(f"/video/projects/{project}/sequences", {"name": "main"})
    track = made(f"/video/sequences/{sequence}/tracks", {"kind": "video", "label": "v1"})
    clip = made(f"/video/tracks/{track}/clips", {
        "asset_id": asset, "in_ms": 0, "out_ms": 500, "start_ms_on_timeline": 0, "speed": 1})
    def analyze(_):
        caller = Caller(api.port, "cache")
        return lambda: caller.post(ANALYZE, {"asset_id": asset})[:2]
    def by_clip(_):
        caller = Caller(api.port, "cache")
        return lambda: caller.get(f"/audio/semantic-timeline/by-clip/{clip}")[:2]
    return analyze, by_clip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--tenants", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=30, help="how long the queue is watched")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="load-jobs-") as directory:
        (database,) = databases(os.environ["TEST_DATABASE_URL"], [f"load_{os.getpid()}"])
        os.environ.update(HARKBACK_ANALYSIS_WORKERS="1", HARKBACK_RENDER_WORKERS="1")
        os.makedirs(f"{directory}/blobs")
        place = f"file://{directory}/blobs/"
        api = Process(arguments.binary, "api", database, place, f"{directory}/api")
        api.wait_until_ready()
        recording = short_recording(directory)
        tenants = [f"t{n}" for n in range(arguments.tenants)]
        def own_asset(tenant):
            with open(recording, "rb") as file:
                content = file.read()
            boundary = "load"
            body = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'.encode()
            body += content + f"\r\n--{boundary}--\r\n".encode()
            headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", **as_tenant(tenant)}
            return call(api.port, "POST", "/media-v2/assets", body, headers)[1]["id"]
        assets = {tenant: own_asset(tenant) for tenant in [*tenants, "cache", "newcomer", "batch"]}
        print("| measured | value | aim |\n|---|---|---|", flush=True)

        of_each = arguments.jobs // arguments.tenants
        memory = rss_mb(api)
        began = time.monotonic()
        times = in_threads(arguments.tenants, lambda n: enqueue(api.port, tenants[n], assets[tenants[n]], range(of_each)))
        rate = of_each * arguments.tenants / (time.monotonic() - began)
        times = [time_ for some in times for time_ in some]
        print(f"| accepted jobs a second, of {of_each * arguments.tenants} | {rate:.0f} | 500 |")
        print(f"| … one call, median and 99th percentile (ms), {arguments.tenants} at once | "
              f"{percentile(times, .5) * 1e3:.1f}, {percentile(times, .99) * 1e3:.1f} | |")
        print(f"| resident memory of the api process before and after (MB) | {memory:.0f}, {rss_mb(api):.0f} | flat |", flush=True)

        batch = enqueue(api.port, "batch", assets["batch"], range(1), more=", priority=batch")
        assert len(batch) == 1
        worker = Process(arguments.binary, "worker", database, place, f"{directory}/worker")
        worker.wait_until_ready()
        time.sleep(3)
        memory = rss_mb(worker)
        enqueue(api.port, "newcomer", assets["newcomer"], range(1))
        time.sleep(arguments.seconds)
        ended = query(database, "SELECT tenant_id, count(*) FROM jobs WHERE state = 'succeeded' AND tenant_id ~ '^t[0-9]+$' GROUP BY 1")
        counts = [int(count) for _, count in ended] + [0] * (len(tenants) - len(ended))
        mean = sum(counts) / len(counts)
        before = query(database, """
            SELECT count(*) FROM jobs j, jobs n
            WHERE n.tenant_id = 'newcomer' AND j.id <> n.id AND j.started_at > n.created_at AND j.started_at < n.started_at""")
        gaps = [float(gap) for (gap,) in query(database, """
            SELECT extract(epoch FROM started_at - previous) FROM (
                SELECT started_at, lag(finished_at) OVER (ORDER BY started_at) AS previous FROM jobs WHERE state = 'succeeded'
            ) AS pairs WHERE previous IS NOT NULL""")]
        batch_ended = query(database, "SELECT count(*) FROM jobs WHERE tenant_id = 'batch' AND state <> 'queued'")
        print(f"| jobs ended a second, one slot | {sum(counts) / (arguments.seconds + 3):.0f} | |")
        print(f"| from the end of a job to the start of the next, median and 99th percentile (ms) | "
              f"{percentile(gaps, .5) * 1e3:.1f}, {percentile(gaps, .99) * 1e3:.1f} | 20 |")
        print(f"| shares of {len(counts)} tenants, fewest and most of the mean | {min(counts) / mean:.2f}, {max(counts) / mean:.2f} | 0.90, 1.10 |")
        print(f"| jobs started before the newcomer's one | {before[0][0]} | {arguments.tenants} |")
        print(f"| batch jobs started while interactive ones wait | {batch_ended[0][0]} | 0 |")
        print(f"| resident memory of the worker before and after (MB) | {memory:.0f}, {rss_mb(worker):.0f} | flat |", flush=True)

        # The analysis goes through the queue once, and is found after.
        worker.kill()
        quick = Process(arguments.binary, "all", database, place, f"{directory}/quick")
        quick.wait_until_ready()
        analyze, by_clip = cached_calls(quick, assets["cache"])
        for name, caller_of in [("analyze, found", analyze), ("by-clip", by_clip)]:
            times = paced(caller_of, 200, 15)
            print(f"| {name}, at 200 a second beside saturated workers, median and 99th percentile (ms) | "
                  f"{percentile(times, .5) * 1e3:.1f}, {percentile(times, .99) * 1e3:.1f} | 20 |", flush=True)
        waiting = query(database, "SELECT count(*) FROM jobs WHERE state = 'queued'")
        print(f"| jobs that waited meanwhile | {waiting[0][0]} | > 0 |")
        for process in (api, quick):
            process.kill()


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(__file__))
    main()
