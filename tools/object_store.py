#!/usr/bin/env python3
"""Sources and uploads on an S3 server that others wrote (moto). `make object-store`.

1. Objects of `s3://` are registered while a proxy cuts the connections to the store: each asset must have the hash of its object;
   objects of other tenants and absent ones must be refused.
2. `resumable.py` sends files by clients of tus to a service whose blob store, with the parts of uploads, is on moto. At the end no
   multipart upload may be left there.

Exits with 1 unless all of that holds.
"""

import argparse
import hashlib
import http.client
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading

from deployment import Service, call, free_port
from failing import end, start_store
from resumable import CUT_AFTER, Proxy, copy, reset

BUCKET = "media"
CREDENTIALS = {"AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
#: Sizes of objects in bytes: of each kind of transfer, none, one read, many.
SIZES = (0, 1_000, 24 << 20, 60 << 20)


class DownloadProxy(Proxy):
    """Cuts connections while the server sends."""

    def forward(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            reset(client)
            return
        server.settimeout(None)
        limit = self.chance.randint(*CUT_AFTER)
        threading.Thread(target=copy, args=(client, server), daemon=True).start()
        copy(server, client, lambda sent: sent > limit and self.take())


def s3(port, method, path, body=None):
    """A request to the store, without a signature: its answer's body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:200]}")
        return content
    finally:
        connection.close()


def register(service, key):
    return call(service.port, "POST", "/media-v2/assets", {"source_uri": f"s3://{BUCKET}/{key}"}, timeout=300)


def check_sources(program, port, folder, cuts, chance):
    """What is wrong with the assets of objects."""
    wrong = []
    proxy = DownloadProxy(port, cuts, chance)
    environment = {**CREDENTIALS, "HARKBACK_SOURCE_AWS_ENDPOINT": f"http://127.0.0.1:{proxy.port}"}
    flags = ["--audio-semantic-backend", "signal", "--source-bucket", f"s3://{BUCKET}/{{tenant}}"]
    service = Service(program, folder / "sources", flags, environment)
    service.start()
    service.require_ready()
    s3(port, "PUT", f"/{BUCKET}")
    s3(port, "PUT", f"/{BUCKET}/t2/take.bin", b"secret")
    for number, size in enumerate(SIZES):
        content = chance.randbytes(size)
        s3(port, "PUT", f"/{BUCKET}/t1/take%20{number}.bin", content)
        answer = register(service, f"t1/take%20{number}.bin")
        expected = (201, hashlib.sha256(content).hexdigest(), size)
        if (answer.status, answer.json.get("content_sha256"), answer.json.get("size_bytes")) != expected:
            wrong.append(f"object of {size} bytes: {answer} {answer.body[:300]}")
        print(f"object of {size} bytes: {answer.status}, {proxy.cut} cuts so far", flush=True)
    for key, code in (("t2/take.bin", "source_not_allowed"), ("t1/absent.bin", "source_unreadable")):
        answer = register(service, key)
        print(f"object {key}: {answer}", flush=True)
        if (answer.status, answer.json.get("code")) != (422, code):
            wrong.append(f"{key}: {answer}, expected {code}")
    service.stop()
    if proxy.cut == 0:
        wrong.append("no connection was cut")
    return wrong


def check_uploads(program, port, cuts, kills, seed):
    """What is wrong with resumable uploads whose parts are on the store."""
    environment = {**os.environ, **CREDENTIALS, "AWS_ENDPOINT": f"http://127.0.0.1:{port}"}
    script = pathlib.Path(__file__).with_name("resumable.py")
    arguments = [sys.executable, script, program, "--storage", "s3://harkback/blobs", "--cuts", str(cuts), "--kills", str(kills),
                 "--seed", str(seed)]
    wrong = [] if subprocess.run(arguments, env=environment, check=False).returncode == 0 else ["resumable uploads: see above"]
    left = re.findall(rb"<UploadId>([^<]*)", s3(port, "GET", "/harkback?uploads"))
    objects = re.findall(rb"<Key>([^<]*)", s3(port, "GET", "/harkback?list-type=2"))
    print(f"in the store: {len(objects)} objects, {len(left)} unfinished multipart uploads")
    if left:
        wrong.append(f"{len(left)} multipart uploads are left")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--moto", required=True, help="the command moto_server")
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    port = free_port()
    store = start_store(arguments.moto, port)
    try:
        with tempfile.TemporaryDirectory(prefix="harkback-object-store-") as folder:
            folder = pathlib.Path(folder)
            folder.chmod(0o755)
            wrong = check_sources(arguments.program, port, folder, arguments.cuts, random.Random(arguments.seed))
        wrong += check_uploads(arguments.program, port, arguments.cuts, arguments.kills, arguments.seed)
    finally:
        end(store)
    print("\n".join(wrong) or "all is well")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
