#!/usr/bin/env python3
"""Resumable uploads by clients that others wrote, over broken connections and crashes. `make resumable`.

tuspy, tus-js-client and `harkback upload` send files through a proxy that cuts connections at random points, while the service
is killed (SIGKILL) at random moments. Each upload must end in an asset with the hash of the file, and in one asset only. At the
end the directory of unfinished uploads must be empty. Exits with 1 unless all of that holds.

`--storage` is another URL of the blob store; its credentials come from the environment.
"""

import argparse
import hashlib
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from deployment import Service, call, context, free_port

NODE = pathlib.Path(__file__).resolve().parent / "resumable.mjs"
PIECE = 64 << 10
#: Bytes of a connection before it is cut.
CUT_AFTER = (1, 12 << 20)
#: Size of a file, in bytes.
SIZES = (1 << 20, 40 << 20)
TRIES = 200


class Proxy:
    """Forwards connections to the service, and cuts some of them while the client sends."""

    def __init__(self, target, cuts, chance):
        self.port, self.target, self.left, self.chance = free_port(), target, cuts, chance
        self.cut, self.lock = 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.forward, args=(client,), daemon=True).start()
            del client

    def forward(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            reset(client)
            return
        server.settimeout(None)
        limit = self.chance.randint(*CUT_AFTER)
        threading.Thread(target=copy, args=(server, client), daemon=True).start()
        copy(client, server, lambda sent: sent > limit and self.take())

    def take(self):
        """Whether one more connection is to be cut."""
        with self.lock:
            if self.left == 0:
                return False
            self.left, self.cut = self.left - 1, self.cut + 1
            return True


def copy(source, target, is_cut=lambda sent: False):
    sent = 0
    try:
        while piece := source.recv(PIECE):
            target.sendall(piece)
            sent += len(piece)
            if is_cut(sent):
                reset(source)
                reset(target)
                return
        target.shutdown(socket.SHUT_WR)
    except OSError:
        reset(source)
        reset(target)


def reset(stream):
    """Ends a connection without the usual end. It is closed, with a reset, when the last thread drops it: closed here, its number
    could belong to another connection before a thread that still sends to it does so.
    """
    try:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def by_tuspy(base, path, chance):
    from tusclient import client
    from tusclient.exceptions import TusCommunicationError, TusUploadFailed
    import requests

    url = None
    for _ in range(TRIES):
        try:
            uploader = client.TusClient(f"{base}/media-v2/uploads", headers=context()).uploader(
                str(path), url=url, chunk_size=chance.choice([1 << 20, 5_000_000, 64 << 20]), retries=3, retry_delay=1,
                metadata={"filename": path.name}, upload_checksum=chance.random() < 0.3)
            url = url or uploader.create_url()
            uploader.set_url(url)
            uploader.offset = uploader.get_offset()
            uploader.upload()
            return
        except (TusCommunicationError, TusUploadFailed, requests.RequestException, TypeError):
            time.sleep(0.5)
    raise RuntimeError(f"tuspy gave {path.name} up")


def by_javascript(base, path, chance):
    chunk = chance.choice([1 << 20, 5_000_000, 0])
    subprocess.run(["node", NODE, f"{base}/media-v2/uploads", path, str(chunk)], check=True)


def by_command(program, base, path):
    arguments = [program, "upload", path, "--url", base, "--tenant", "t1", "--env", "dev"]
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)


def assets(port):
    """The hashes of all assets, newest first."""
    found, cursor = [], ""
    while cursor is not None:
        page = call(port, "GET", "/media-v2/assets?limit=500" + (f"&cursor={cursor}" if cursor else "")).json
        found += [asset["content_sha256"] for asset in page["items"]]
        cursor = page["next_cursor"]
    return found


def killer(service, moments, stop):
    """Kills the service `moments` times."""
    for pause in moments:
        if stop.wait(pause):
            return
        service.kill()
        service.start()
        service.require_ready()
        killer.done += 1


killer.done = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--cuts", type=int, default=50)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--storage")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    wrong = []
    with tempfile.TemporaryDirectory(prefix="harkback-resumable-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        environment = {"HARKBACK_STORAGE_URL": arguments.storage} if arguments.storage else None
        service = Service(arguments.program, folder / "data", ["--audio-semantic-backend", "signal"], environment)
        service.start()
        service.require_ready()
        proxy, stop = Proxy(service.port, arguments.cuts, chance), threading.Event()
        base = f"http://127.0.0.1:{proxy.port}"
        moments = [chance.uniform(1, 6) for _ in range(arguments.kills)]
        killing = threading.Thread(target=killer, args=(service, moments, stop))
        killing.start()
        clients = {"tuspy": lambda path: by_tuspy(base, path, chance),
                   "tus-js-client": lambda path: by_javascript(base, path, chance),
                   "harkback upload": lambda path: by_command(arguments.program, base, path)}
        hashes = []
        while killing.is_alive() or proxy.left > 0:
            for name, send in clients.items():
                path = folder / f"file{len(hashes)}.bin"
                content = chance.randbytes(chance.randint(*SIZES))
                path.write_bytes(content)
                began = time.monotonic()
                send(path)
                hashes.append(hashlib.sha256(content).hexdigest())
                print(f"{name}: {len(content) / 1e6:.1f} MB in {time.monotonic() - began:.1f} s, "
                      f"{proxy.cut} cuts and {killer.done} kills so far", flush=True)
                path.unlink()
        killing.join()
        time.sleep(70)  # The sweep finishes uploads whose end a kill has interrupted, once a minute.
        found = assets(service.port)
        for number, digest in enumerate(hashes):
            if (count := found.count(digest)) != 1:
                wrong.append(f"file{number}: {count} assets")
        uploads = folder / "data/blobs/uploads"
        left = list(uploads.iterdir()) if uploads.is_dir() else []
        if left:
            wrong.append(f"left in {uploads}: {[path.name for path in left]}")
        stop.set()
        service.stop()
    print(f"{len(hashes)} uploads, {proxy.cut} cuts, {killer.done} kills; {len(wrong)} wrong")
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
