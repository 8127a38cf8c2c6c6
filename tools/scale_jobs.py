#!/usr/bin/env python3
"""How the work of a batch scales with workers. `make scale-jobs`.

One `--role api` process, and one, two and three `--role worker` processes, each with one slot and half a core (a control
group's quota), run the same number of analyses. Prints the time, the speed as a multiple of one worker's, and the part of
the ideal. Exits with 1 below the aim.

Needs root for the control groups, a Postgres by TEST_DATABASE_URL (`tools/with-postgres.sh`), and ffmpeg.
"""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from deployment import call, databases, query, service_of_role, upload

ANALYZE = "/audio/semantic-timeline/analyze"
PERIOD_US = 100_000
CORES = 0.5
AIM = 0.9
PATIENCE_S = 3_600
GROUPS = pathlib.Path("/sys/fs/cgroup")


@contextlib.contextmanager
def limited(service, number):
    """The service's processes have `CORES` cores, in a control group of version 1 or 2."""
    is_v1 = (GROUPS / "cpu").is_dir()
    group = (GROUPS / "cpu" if is_v1 else GROUPS) / f"harkback-scale-{os.getpid()}-{number}"
    group.mkdir()
    quota = int(PERIOD_US * CORES)
    if is_v1:
        (group / "cpu.cfs_quota_us").write_text(str(quota))
    else:
        (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
    try:
        service.start()
        (group / "cgroup.procs").write_text(str(service.process.pid))
        yield
    finally:
        service.kill()
        group.rmdir()


def run(arguments, url, workers):
    """Seconds for all jobs."""
    (database,) = databases(url, [f"scale_{os.getpid()}_{workers}"])
    with tempfile.TemporaryDirectory(prefix="harkback-scale-") as directory, contextlib.ExitStack() as stack:
        os.chmod(directory, 0o755)
        os.makedirs(f"{directory}/blobs")
        environment = {"HARKBACK_ANALYSIS_WORKERS": "1", "HARKBACK_RENDER_WORKERS": "1"}

        def service(role, number=0):
            return service_of_role(arguments.binary, f"{directory}/{role}{number}", role, database,
                                   f"file://{directory}/blobs/", environment)

        api = service("api")
        api.start()
        stack.callback(api.kill)
        api.require_ready()
        recording = f"{directory}/recording.flac"
        tone = f"aevalsrc='0.3*sin(2*PI*t*(200+mod(t,7)*40))':d={arguments.minutes * 60}:s=44100"
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", tone, recording], check=True)
        asset = upload(api.port, recording)["id"]
        for index in range(arguments.jobs):
            answer = call(api.port, "POST", ANALYZE, {"asset_id": asset, "user_id": f"u{index}"}, {"Prefer": "respond-async"})
            if answer.status != 202:
                raise RuntimeError(f"{answer} {answer.body[:500]}")
        started = [service("worker", number) for number in range(workers)]
        for number, worker in enumerate(started):
            stack.enter_context(limited(worker, number))
        for worker in started:
            worker.require_ready()
        until = time.monotonic() + PATIENCE_S
        while (states := dict(query(database, "SELECT state, count(*) FROM jobs GROUP BY state"))) != {"succeeded": str(arguments.jobs)}:
            if "failed" in states or time.monotonic() > until:
                raise RuntimeError(f"jobs: {states}")
            time.sleep(0.2)
        # From the first start on: processes do not come up at once.
        ((seconds,),) = query(database, "SELECT extract(epoch FROM max(finished_at) - min(started_at)) FROM jobs")
        return float(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--minutes", type=int, default=5, help="length of the recording")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("control groups need root")
    print("| workers of half a core | time (s) | speed | of the ideal |\n|---|---|---|---|")
    one, parts = None, []
    for workers in (1, 2, 3):
        seconds = run(arguments, os.environ["TEST_DATABASE_URL"], workers)
        one = one or seconds
        parts.append(one / seconds / workers)
        print(f"| {workers} | {seconds:.1f} | {one / seconds:.2f} | {parts[-1]:.2f} |", flush=True)
    sys.exit(0 if min(parts) >= AIM else 1)


if __name__ == "__main__":
    main()
