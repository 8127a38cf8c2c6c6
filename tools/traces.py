#!/usr/bin/env python3
"""One call through queue, worker and ffmpeg is one trace. `make traces`.

Starts a collector, one `--role api` and one `--role worker` process of a harkback that was built with the feature `otlp`,
on one Postgres, sends a render with a `traceparent` of its own, and prints the spans of that trace as a tree. Exits with 1
unless the request, the job and the processes that it ran are in it.

Needs a Postgres by TEST_DATABASE_URL (`tools/with-postgres.sh`), ffmpeg, and the fixtures.
"""

import argparse
import http.server
import json
import os
import sys
import tempfile
import threading
import time

from deployment import MEDIA, call, databases, free_port, service_of_role, upload

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
# Spans are sent in batches.
PATIENCE_S = 30


class Collector:
    """Keeps the spans that it is sent."""

    def __init__(self):
        self.spans = []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                batch = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for resource in batch["resourceSpans"]:
                    for scope in resource["scopeSpans"]:
                        collector.spans.extend(scope["spans"])
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.port = free_port()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def of_trace(self):
        return [span for span in self.spans if span["traceId"] == TRACE]


def tree(spans, parent=CALLER, depth=0):
    """The lines of the spans below a span."""
    below = [span for span in spans if span.get("parentSpanId", "") == parent]
    lines = []
    for span in sorted(below, key=lambda span: int(span["startTimeUnixNano"])):
        took_ms = (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e6
        values = {one["key"]: next(iter(one["value"].values())) for one in span.get("attributes", [])}
        what = " ".join(f"{name}={values[name]}" for name in ("route", "kind", "program") if name in values)
        lines.append((depth, span["name"], f"{'  ' * depth}{span['name']} {what} {took_ms:.0f} ms"))
        lines += tree(spans, span["spanId"], depth + 1)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    arguments = parser.parse_args()
    url, collector = os.environ["TEST_DATABASE_URL"], Collector()
    (database,) = databases(url, [f"traces_{os.getpid()}"])
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
                   "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_BSP_SCHEDULE_DELAY": "500"}
    with tempfile.TemporaryDirectory(prefix="harkback-traces-") as directory:
        os.chmod(directory, 0o755)
        os.makedirs(f"{directory}/blobs")
        services = [
            service_of_role(arguments.binary, f"{directory}/{role}", role, database, f"file://{directory}/blobs/", environment)
            for role in ("api", "worker")
        ]
        try:
            for service in services:
                # Spans are of level info.
                service.log_level = "info"
                service.start()
            for service in services:
                service.require_ready()
            port = services[0].port
            asset = upload(port, MEDIA / "talk_and_music.mp4")["id"]
            body = {"asset_id": asset, "start_ms": 1_000, "end_ms": 3_000, "render_profile": "draft_480p_fast"}
            headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
            answer = call(port, "POST", "/video/render", body, headers, timeout=300)
            if answer.status not in (200, 201):
                raise RuntimeError(f"/video/render: {answer} {answer.body[:500]}")
            until = time.monotonic() + PATIENCE_S
            while time.monotonic() < until and "request" not in {span["name"] for span in collector.of_trace()}:
                time.sleep(0.2)
        finally:
            for service in services:
                if service.is_running():
                    service.stop()
    lines = tree(collector.of_trace())
    print("\n".join(line for _, _, line in lines))
    names = [name for _, name, _ in lines]
    is_whole = names[:1] == ["request"] and "job" in names and "process" in names
    sys.exit(0 if is_whole else 1)


if __name__ == "__main__":
    main()
