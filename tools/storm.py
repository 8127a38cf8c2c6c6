#!/usr/bin/env python3
"""Hostile requests against a running `harkback serve`: what they cost, and what others notice. `make storm`.

Prints, for each kind of request, the answers, the peak of the resident memory while it ran and the memory after, and the
slowest answer of /healthz meanwhile. Then what is answered while stores fail, clients are slow and a tenant is greedy.
"""

import argparse
import collections
import http.client
import json
import select
import socket
import sys
import tempfile
import threading
import time

import failing
from deployment import Service, call, context, rss_mb


def kept(work, failures):
    """Runs the work of a thread; what it raises would end the thread alone."""
    try:
        return work()
    except Exception as failure:  # Whatever it is, the main thread raises it.
        failures.append(failure)
        return None


def fail_as(failures):
    if failures:
        raise failures[0]


class Watch:
    """Peak memory of a process, and the slowest answer of its /healthz, while the block runs."""

    def __init__(self, pid, port):
        self.pid, self.port = pid, port
        self.peak_mb = self.slowest_ms = 0.0
        self.over = threading.Event()
        self.failures = []

    def __enter__(self):
        works = [self.memory, self.health]
        self.threads = [threading.Thread(target=kept, args=(work, self.failures)) for work in works]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()
        fail_as(self.failures)

    def memory(self):
        while not self.over.is_set():
            self.peak_mb = max(self.peak_mb, rss_mb(self.pid))
            time.sleep(0.005)

    def health(self):
        while not self.over.is_set():
            began = time.monotonic()
            answer = call(self.port, "GET", "/healthz")
            # Status 0: no connection was free; the time counts.
            if answer.status not in (0, 200):
                raise RuntimeError(f"/healthz answered {answer}")
            self.slowest_ms = max(self.slowest_ms, (time.monotonic() - began) * 1000)
            time.sleep(0.02)


def post(port, path, body):
    """Sends the body until the server answers, as a careful client does."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=120)
    headers = {**context(), "Host": "localhost", "Content-Type": "application/json", "Content-Length": len(body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode())
    try:
        for start in range(0, len(body), 1 << 16):
            if select.select([connection], [], [], 0)[0]:
                break
            connection.sendall(body[start:start + (1 << 16)])
        response = http.client.HTTPResponse(connection)
        response.begin()
        status, answer = response.status, response.read()
    except OSError:
        return "closed"
    finally:
        connection.close()
    try:
        code = json.loads(answer).get("code", "")
    except ValueError:
        code = ""
    return f"{status} {code}".strip()


def row(name, answers, watch, after_mb):
    answers = ", ".join(f"{count} × {answer}" for answer, count in collections.Counter(answers).most_common())
    print(f"| {name} | {answers} | {watch.peak_mb:.0f} | {after_mb:.0f} | {watch.slowest_ms:.0f} |", flush=True)


def at_once(count, work):
    answers, failures = [], []
    threads = [
        threading.Thread(target=lambda: answers.append(kept(work, failures))) for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fail_as(failures)
    return answers


def of_size(piece, megabytes):
    return piece * (megabytes * 1_000_000 // len(piece))


def bodies(megabytes):
    """Bodies that take many times their size when they are read into memory."""
    free = of_size('{"":0},', megabytes) + "0"
    yield "meta of small objects", "/video/projects", f'{{"title": "a", "meta": {{"a": [{free}]}}}}'
    yield "track meta of small objects", "/audio/to-video-origin", (
        f'{{"sequence": {{"tracks": [{{"name": "a", "meta": {{"a": [{free}]}}, "clips": []}}]}}}}'
    )
    tracks = of_size('{"name":"","clips":[]},', megabytes)[:-1]
    yield "small tracks", "/audio/to-video-origin", f'{{"sequence": {{"tracks": [{tracks}]}}}}'
    clips = of_size('{"asset_id":"a","start_ms":0,"duration_ms":1},', megabytes)[:-1]
    yield "small clips", "/audio/to-video-origin", (
        f'{{"sequence": {{"tracks": [{{"name": "a", "clips": [{clips}]}}]}}}}'
    )


def connections(port, count, sent):
    opened = []
    for number in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=120)
        # A tenant alone may have half of them.
        connection.sendall(sent.replace(b"X-Tenant-Id: t1", b"X-Tenant-Id: t%d" % (number % 4)))
        opened.append(connection)
    return opened


def until_closed(opened):
    """Waits until the server closed them; the first line of what each got last."""
    answers = []
    for connection in opened:
        line = "closed"
        try:
            while piece := connection.recv(65536):
                line = piece.split(b"\r\n")[0].decode(errors="replace")
        except OSError:
            line = "reset"
        answers.append(line)
        connection.close()
    return answers


def storm(pid, port, count):
    print("| requests | answers | peak RSS (MB) | RSS after (MB) | slowest /healthz (ms) |\n|---|---|---|---|---|")
    for megabytes in (14, 56):
        for name, path, body in bodies(megabytes):
            for times in (1, 4):
                with Watch(pid, port) as watch:
                    answers = at_once(times, lambda: post(port, path, body.encode()))
                time.sleep(12)
                row(f"{times} × {megabytes} MB, {name}", answers, watch, rss_mb(pid))
    head = b"GET /media-v2/assets HTTP/1.1\r\nHost: localhost\r\nX-Tenant-Id: t1\r\n"
    body = b"POST /video/projects HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Tenant-Id: t1\r\nX-Env: dev\r\n"
    for name, sent in [
        ("heads that do not end", head),
        ("bodies that do not come", body + b"Content-Length: 100000\r\n\r\n" + b" " * 50_000),
        ("idle after an answer", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ]:
        before_mb = rss_mb(pid)
        with Watch(pid, port) as watch:
            opened = connections(port, count, sent)
            answers = until_closed(opened)
        time.sleep(12)
        name = f"{count} connections: {name} (before: {before_mb:.0f} MB)"
        row(name, answers, watch, rss_mb(pid))


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("harkback", help="the program")
    arguments.add_argument("--connections", type=int, default=990)
    arguments.add_argument("--io-timeout-s", type=int, default=5)
    arguments.add_argument("--moto", help="moto_server, a local S3")
    arguments.add_argument("--only", choices=["hostile", "failing"], help="a part of it")
    options = arguments.parse_args()
    if options.only != "failing":
        hostile(options)
    is_well = options.only == "hostile" or failing.run(options.harkback, options.moto)
    sys.exit(0 if is_well else 1)


def hostile(options):
    """Bodies and connections that are made to cost."""
    with tempfile.TemporaryDirectory(prefix="harkback-storm-") as data:
        flags = ["--audio-semantic-backend", "stub", "--io-timeout-s", str(options.io_timeout_s)]
        service = Service(options.harkback, data, flags)
        service.start()
        try:
            service.require_ready()
            pid = service.process.pid
            print(f"at rest: {rss_mb(pid):.0f} MB\n")
            storm(pid, service.port, options.connections)
            print(f"\nhigh-water mark: {rss_mb(pid, 'VmHWM'):.0f} MB")
        finally:
            service.stop()


if __name__ == "__main__":
    main()
