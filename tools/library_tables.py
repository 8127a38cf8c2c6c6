#!/usr/bin/env python3
"""Latency of lists and queries of an owner with very many rows. `make library`.

Fills the database of a service with recordings, ten times as many artifacts, and jobs (`tools/library/*.sql`), and asks each question
over HTTP on one connection. Prints p50, p99 and maximum. TEST_DATABASE_URL is the Postgres in which it makes a database.
"""

import argparse
import glob
import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from deployment import Service, context, databases, query

SEEDS = pathlib.Path(__file__).with_name("library")
#: Rows that are made in one statement.
BATCH = 100_000
#: 99th percentile in ms that lists should stay below; figures are an overview, and have none.
AIM_MS = 30


def seed(database, name, rows, assets):
    """Makes the rows 0 to `rows` of a table."""
    psql = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1:] or ["psql"]
    began = time.monotonic()
    for first in range(0, rows, BATCH):
        last = min(first + BATCH, rows) - 1
        variables = [f"--set={key}={value}" for key, value in (("first", first), ("last", last), ("assets", assets))]
        subprocess.run([*psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", *variables, "-f", SEEDS / f"{name}.sql", database], check=True)
        if first == 0:
            # Without statistics, the rows that foreign keys refer to are looked up by plans for empty tables.
            query(database, "ANALYZE")
        print(f"{last + 1} of {rows} {name}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def questions(rows):
    """Names and paths of what is asked."""
    asset, artifact = f"asset_{rows // 20 * 10:08}", f"artifact_{rows // 20 * 10 + 9 * rows:010}"
    hit = f"artifact_{rows // 200 * 100:010}"
    return {
        "recordings": "/media-v2/assets",
        "recordings of a common kind": "/media-v2/assets?kind=video",
        "recordings of a rare kind": "/media-v2/assets?kind=image",
        "recordings of an absent kind": "/media-v2/assets?kind=other",
        "recordings of a common tag": "/media-v2/assets?tag=common",
        "recordings of a rare tag": "/media-v2/assets?tag=rare",
        "recordings of a tag and kind": "/media-v2/assets?tag=common&kind=image",
        "recordings of a reference": "/media-v2/assets?source_ref=take%205",
        "artifacts": "/media-v2/artifacts",
        "artifacts of a common kind": "/media-v2/artifacts?kind=audio_resampled",
        "artifacts of an absent kind": "/media-v2/artifacts?kind=render",
        "artifacts of a recording": f"/media-v2/assets/{asset}/artifacts",
        "artifacts of a recording and kind": f"/media-v2/assets/{asset}/artifacts?kind=audio_hit",
        "usages of a recording": f"/media-v2/assets/{asset}/usages",
        "lineage up": f"/media-v2/artifacts/{artifact}/lineage?direction=up",
        "lineage down": f"/media-v2/artifacts/{asset.replace('asset_', 'artifact_00')}/lineage?direction=down",
        "samples": "/audio/samples",
        "samples by score": "/audio/samples?sort=score",
        "hits by duration": "/audio/samples?kind=audio_hit&sort=duration",
        "snares of a score": "/audio/samples?role=snare&min_score=0.99",
        "loops of a tempo": "/audio/samples?bpm_min=120&bpm_max=120.2",
        "samples of a rare tag": "/audio/samples?tag=rare&sort=score",
        "samples of a common tag": "/audio/samples?tag=common&sort=score",
        "phrases with a word": "/audio/samples?text=word8",
        "samples of a recording": f"/audio/samples?asset_id={asset}",
        "similar hits": f"/audio/samples?similar_to={hit}",
        "jobs": "/jobs",
        "jobs of a rare state": "/jobs?state=cancelled",
        "jobs of an absent state": "/jobs?state=running",
        "jobs of a kind": "/jobs?kind=analyze",
        "figures of the owner": "/usage",
    }


def ask(connection, path):
    """The time of a request in ms, and its answer."""
    began = time.perf_counter()
    connection.request("GET", path, headers=context())
    response = connection.getresponse()
    body = response.read()
    took_ms = 1_000 * (time.perf_counter() - began)
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {body[:300]}")
    return took_ms, json.loads(body)


def page_in_depth(connection, path, pages=20):
    """Path of a page further on in a list."""
    separator = "&" if "?" in path else "?"
    page, cursor = path, None
    for _ in range(pages):
        cursor = ask(connection, page)[1].get("next_cursor")
        if cursor is None:
            return page
        page = f"{path}{separator}cursor={cursor}"
    return page


def report(name, times):
    times.sort()
    at = [times[min(len(times) * permille // 1_000, len(times) - 1)] for permille in (500, 990, 1_000)]
    print(f"  {name:38}{at[0]:8.1f}{at[1]:8.1f}{at[2]:8.1f}", flush=True)
    return at[1]


def measure(port, rows, rounds):
    """The questions whose p99 exceeds the aim."""
    connection, slow = http.client.HTTPConnection("127.0.0.1", port, timeout=120), []
    print(f"\n{'':40}{'p50 ms':>8}{'p99 ms':>8}{'max ms':>8}")
    asked = questions(rows)
    for name in ("recordings", "recordings of a common tag", "artifacts", "samples by score", "jobs"):
        asked[f"{name}, page 21"] = page_in_depth(connection, asked[name])
    for name, path in asked.items():
        is_overview = path == "/usage"
        ask(connection, path)
        times = [ask(connection, path)[0] for _ in range(3 if is_overview else rounds)]
        if report(name, times) > AIM_MS and not is_overview:
            slow.append(name)
    return slow


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--assets", type=int, default=1_000_000, help="recordings; ten times as many artifacts")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    (database,) = databases(os.environ["TEST_DATABASE_URL"], ["library_tables"])
    with tempfile.TemporaryDirectory(prefix="harkback-tables-") as folder:
        flags = ["--audio-semantic-backend", "stub"]
        service = Service(options.program, folder, flags, {"DATABASE_URL": database})
        service.start()
        try:
            service.require_ready()
            for name, rows in (("assets", options.assets), ("artifacts", 10 * options.assets), ("jobs", options.jobs)):
                seed(database, name, rows, options.assets)
            query(database, "VACUUM ANALYZE")
            print(f"{options.assets} recordings, {10 * options.assets} artifacts, {options.jobs} jobs of one owner")
            slow = measure(service.port, options.assets, options.rounds)
        finally:
            service.stop()
    print(f"\nover {AIM_MS} ms: {', '.join(slow) or 'none'}")


if __name__ == "__main__":
    main()
