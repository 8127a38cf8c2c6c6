#!/usr/bin/env python3
"""Long work behind a proxy that cuts every connection after ten seconds. `make behind-proxy`.

A recording of three hours is analysed as a job that is asked for by polls, and ten minutes of speech are transcribed with a
real model, whose end comes by a webhook with a signature. Both through the proxy; exits with 1 unless both answers are
there and the signature holds.

Needs ffmpeg, the fixtures, and for the second part a model of whisper.cpp (`--model`).
"""

import argparse
import asyncio
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from deployment import MEDIA, Service, call, create, free_port, upload

ANALYZE = "/audio/semantic-timeline/analyze"
CUT_S = 10
FINAL = ("succeeded", "failed", "cancelled")


class Proxy:
    """Forwards connections, and cuts each after ten seconds; `cut` counts those."""

    def __init__(self, target):
        self.port, self.target, self.cut = free_port(), target, 0
        self.listens = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True).start()
        self.listens.wait()

    async def serve(self):
        server = await asyncio.start_server(self.forward, "127.0.0.1", self.port)
        self.listens.set()
        await server.serve_forever()

    async def forward(self, reader, writer):
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self.target)
        copies = asyncio.gather(copy(reader, other_writer), copy(other_reader, writer))
        try:
            await asyncio.wait_for(copies, CUT_S)
        except asyncio.TimeoutError:
            self.cut += 1
        for one in (writer, other_writer):
            one.close()


async def copy(reader, writer):
    try:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
    except OSError:
        pass


class Receiver:
    """Keeps what webhooks send: (headers, body)."""

    def __init__(self):
        self.received, self.port = [], free_port()
        received = self.received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((dict(self.headers.items()), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def is_signed(secret, headers, body):
    """By the Standard Webhooks specification."""
    headers = {name.lower(): value for name, value in headers.items()}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, given) for given in headers["webhook-signature"].split())


@contextlib.contextmanager
def serving(program, data, backend, model=None):
    environment = {"HARKBACK_ALLOW_PRIVATE_ADDRESSES": "true", "AUDIO_SEMANTIC_BACKEND": backend}
    if model:
        environment["AUDIO_SEMANTIC_WHISPER_MODEL"] = model
    service = Service(program, data, environment=environment)
    service.start()
    try:
        service.require_ready()
        yield service
    finally:
        service.stop()


def made(source, length_s, target, *options):
    """A file repeated to that length."""
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "-1", "-i", source, "-vn", "-t", str(length_s),
                    *options, target], check=True)
    return target


def later(port, body):
    answer = call(port, "POST", ANALYZE, body, {"Prefer": "respond-async, wait=5"})
    if answer.status != 202:
        raise RuntimeError(f"{answer} {answer.body[:500]}")
    return answer.json


def three_hours(proxy, direct, directory):
    """Seconds until the analysis is there, asked for by polls of five seconds."""
    recording = made(MEDIA / "talk_and_music.mp4", 10_800, f"{directory}/long.mp3", "-c:a", "libmp3lame", "-b:a", "96k")
    # Uploads have a way of their own through proxies; this is about the work.
    asset = upload(direct, recording)["id"]
    waited = call(proxy.port, "POST", ANALYZE, {"asset_id": asset}, timeout=60)
    print(f"without `Prefer`, the proxy cuts the call: status {waited.status or 'none'}, {proxy.cut} cut")
    began, job = time.monotonic(), later(proxy.port, {"asset_id": asset})
    while job["state"] not in FINAL:
        job = call(proxy.port, "GET", f"/jobs/{job['id']}?wait=5").json
    answer = call(proxy.port, "GET", f"/jobs/{job['id']}/result")
    print(f"3 h: {job['state']} after {time.monotonic() - began:.0f} s, result {answer.status}, {len(answer.body)} bytes")
    return job["state"] == "succeeded" and answer.status in (200, 201)


def ten_minutes_of_speech(proxy, direct, directory, speech):
    receiver = Receiver()
    secret = create(proxy.port, "/webhooks", {"url": f"http://127.0.0.1:{receiver.port}/"})["secret"]
    recording = made(speech, 600, f"{directory}/speech.flac", "-ar", "16000", "-ac", "1")
    asset = upload(direct, recording)["id"]
    began, job = time.monotonic(), later(proxy.port, {"asset_id": asset})
    while not receiver.received and time.monotonic() < began + 1_800:
        time.sleep(0.2)
    if not receiver.received:
        print("no delivery within half an hour")
        return False
    headers, body = receiver.received[0]
    message, holds = json.loads(body), is_signed(secret, headers, body)
    forged = is_signed(secret, headers, body + b" ")
    answer = call(proxy.port, "GET", f"/jobs/{job['id']}/result").json
    artifact_id = answer["audio_semantic_artifact_id"]
    timeline = call(proxy.port, "GET", f"/audio/semantic-timeline/{artifact_id}").json
    transcribed = [event for event in timeline["summary"]["events"] if event.get("transcription")]
    print(f"10 min of speech: {message['type']} after {time.monotonic() - began:.0f} s, signature "
          f"{'holds' if holds else 'fails'}, of a changed body {'holds' if forged else 'fails'}; "
          f"{len(transcribed)} events with words")
    return message["type"] == "job.succeeded" and message["data"]["id"] == job["id"] and holds and not forged and bool(transcribed)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--model", help="a model of whisper.cpp")
    parser.add_argument("--speech", default=MEDIA / "digits.wav", help="a recording of speech, repeated to ten minutes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="harkback-proxy-") as directory:
        os.chmod(directory, 0o755)
        with serving(arguments.binary, f"{directory}/signal", "signal") as service:
            are_there = three_hours(Proxy(service.port), service.port, directory)
        if arguments.model:
            model = str(pathlib.Path(arguments.model).resolve())
            with serving(arguments.binary, f"{directory}/words", "whisper_aubio", model) as service:
                proxy = Proxy(service.port)
                are_there = ten_minutes_of_speech(proxy, service.port, directory, arguments.speech) and are_there
        else:
            print("10 min of speech: not measured, no --model")
    sys.exit(0 if are_there else 1)


if __name__ == "__main__":
    main()
