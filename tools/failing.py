"""What callers are answered while the disk or that of the database is full, the database is away or frozen, the object store
does not answer, clients are slow, and one tenant asks for more than its share; and how soon it is over. A part of `make storm`.
"""

import collections
import contextlib
import glob
import http.client
import multiprocessing
import os
import pathlib
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from deployment import MEDIA, Service, call, form, free_port, kill, tree

FLAGS = ["--audio-semantic-backend", "signal", "--io-timeout-s", "5"]
NO_HEALTH = "/healthz without an answer"
# Uploads of a tenant that may wait: slow ones among them stay connected (docs/calling.md).
WAITING_UPLOADS = 56


class Postgres:
    """A server of its own, which can be stopped, frozen and started again."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        self.programs = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
        self.owner = {}
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            self.owner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.run([self.programs / "initdb", "-A", "trust", "-U", "harkback", "-D", self.directory / "data", "-N"]).wait()
        self.start()

    def run(self, arguments):
        return subprocess.Popen(arguments, cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.owner)

    def start(self):
        self.process = self.run([self.programs / "postgres", "-D", self.directory / "data", "-k", self.directory, "-c", "listen_addresses="])

        deadline = time.monotonic() + 30
        while not (self.directory / ".s.PGSQL.5432").exists():
            if time.monotonic() > deadline:
                raise RuntimeError("Postgres did not start")
            time.sleep(0.05)

    def ensure(self):
        """Starts it again if it has ended."""
        if self.process.poll() is not None:
            self.start()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def send(self, how):
        for pid in tree(self.process.pid):
            kill(pid, how)

    @property
    def url(self):
        return "postgres://harkback@" + str(self.directory).replace("/", "%2F") + "/postgres"


class Load:
    """Clients that write and read while the block runs; what they are answered, and the slowest /healthz."""

    def __init__(self, port, clients=4):
        self.port, self.over, self.answers, self.slowest_ms = port, threading.Event(), collections.Counter(), 0.0
        self.threads = [threading.Thread(target=self.write, args=(one,)) for one in range(clients)]
        self.threads.append(threading.Thread(target=self.health))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def write(self, client):
        number = 0
        while not self.over.is_set():
            number += 1
            body, headers = form(f"{client} {number}".encode() * 20_000, "a.bin")
            for method, path, sent, named in [("POST", "/media-v2/assets", body, headers), ("POST", "/video/projects", {"title": "a"}, {}),
                                              ("GET", "/media-v2/assets", None, {})]:
                self.answers[str(call(self.port, method, path, sent, named))] += 1
            time.sleep(0.02)

    def health(self):
        while not self.over.is_set():
            began = time.monotonic()
            if call(self.port, "GET", "/healthz").status != 200:
                self.answers[NO_HEALTH] += 1
            self.slowest_ms = max(self.slowest_ms, (time.monotonic() - began) * 1000)
            time.sleep(0.02)


def is_well(port):
    body, headers = form(os.urandom(20_000), "a.bin")
    writes = [call(port, "POST", "/media-v2/assets", body, headers), call(port, "POST", "/video/projects", {"title": "a"})]
    return [write.status for write in writes] == [201, 201] and call(port, "GET", "/readyz").json.get("status") == "ready"


def recovery_s(port, patience_s=60):
    """Seconds until everything is answered again; none when that takes too long."""
    began = time.monotonic()
    while time.monotonic() < began + patience_s:
        if is_well(port):
            return time.monotonic() - began
        time.sleep(0.1)
    return None


def summary(answers):
    return ", ".join(f"{count} × {answer}" for answer, count in answers.most_common())


def row(name, load, recovered_s):
    recovered = "no" if recovered_s is None else f"after {recovered_s:.1f} s"
    print(f"| {name} | {summary(load.answers)} | {load.slowest_ms:.0f} | {recovered} |", flush=True)
    # A failing store is answered by 503 or 507, and /healthz always.
    is_answered = not any(answer.startswith("500") or answer == NO_HEALTH for answer in load.answers)
    return recovered_s is not None and is_answered


@contextlib.contextmanager
def serving(program, directory, environment=None, flags=()):
    data = pathlib.Path(tempfile.mkdtemp(dir=directory))
    service = Service(program, data, [*FLAGS, *flags], environment)
    service.start()
    try:
        service.require_ready()
        # Its programs are still being checked.
        if recovery_s(service.port, 180) is None:
            raise RuntimeError("harkback is not ready: " + service.tail())
        yield service
    finally:
        service.stop()


@contextlib.contextmanager
def small_disk(directory, what, megabytes):
    """A file system of this size; none, with a row that says so, where it cannot be mounted."""
    disk = pathlib.Path(tempfile.mkdtemp(dir=directory))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", disk]
    if subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode:
        print(f"| {what} | not measured: only root can mount a small file system | | |")
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


def fill(disk, megabytes):
    """A file that takes all space that is left of at most `megabytes`."""
    filler = disk / "filler"
    with contextlib.suppress(OSError):
        filler.write_bytes(bytes(megabytes << 20))
    return filler


def disk_full(program, directory):
    with small_disk(directory, "disk full", 16) as disk:
        if not disk:
            return True
        with serving(program, directory, {"HARKBACK_STORAGE_URL": f"file://{disk}/blobs"}) as service:
            with Load(service.port) as load:
                filler = fill(disk, 16)
                time.sleep(6)
                remaining = [file for file in (disk / "blobs").rglob("*") if file.is_file()]
            filler.unlink()
            return row(f"disk full, {len(remaining)} blobs on it", load, recovery_s(service.port))


def database_disk_full(program, directory):
    with small_disk(directory, "disk of the database full", 192) as disk:
        if not disk:
            return True
        postgres = Postgres(disk / "pg")
        try:
            with serving(program, directory, {"DATABASE_URL": postgres.url}) as service:
                with Load(service.port) as load:
                    time.sleep(1)
                    filler = fill(disk, 192)
                    time.sleep(8)
                filler.unlink()
                # It may have given up when it found no space for its log.
                postgres.ensure()
                return row("disk of the database full", load, recovery_s(service.port))
        finally:
            postgres.stop()


def database(program, directory):
    postgres = Postgres(pathlib.Path(directory, "pg"))
    try:
        with serving(program, directory, {"DATABASE_URL": postgres.url}) as service:
            for name, fail, seconds, mend in [
                ("database down", postgres.stop, 8, postgres.start),
                ("database frozen", lambda: postgres.send(signal.SIGSTOP), 12, lambda: postgres.send(signal.SIGCONT)),
                ("database restarted", lambda: (postgres.stop(), postgres.start()), 3, lambda: None),
            ]:
                with Load(service.port) as load:
                    time.sleep(1)
                    fail()
                    time.sleep(seconds)
                    mend()
                    recovered_s = recovery_s(service.port)
                yield row(f"{name} for {seconds} s" if seconds > 3 else name, load, recovered_s)
    finally:
        postgres.send(signal.SIGCONT)
        postgres.stop()


def object_store(program, directory, moto):
    if not moto or not shutil.which(moto):
        print("| object store cut | not measured: no moto_server | | |")
        return True
    port = free_port()
    environment = {
        "HARKBACK_STORAGE_URL": "s3://harkback/blobs", "AWS_ENDPOINT": f"http://127.0.0.1:{port}", "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1",
    }
    store, are_well = start_store(moto, port), []
    try:
        with serving(program, directory, environment) as service:
            with Load(service.port) as load:
                time.sleep(1)
                store.send_signal(signal.SIGSTOP)
                time.sleep(25)
                store.send_signal(signal.SIGCONT)
                recovered_s = recovery_s(service.port)
            are_well.append(row("object store silent for 25 s", load, recovered_s))
            with Load(service.port) as load:
                time.sleep(1)
                end(store)
                time.sleep(8)
                # It keeps nothing: it is there again, and empty.
                store = start_store(moto, port)
                recovered_s = recovery_s(service.port)
            are_well.append(row("object store refuses connections for 8 s", load, recovered_s))
        return all(are_well)
    finally:
        end(store)


def start_store(moto, port):
    store = subprocess.Popen([moto, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("PUT", "/harkback")
            if connection.getresponse().status == 200:
                return store
        time.sleep(0.1)
    raise RuntimeError("moto_server did not start")


def end(process):
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()


def slow_clients(program, directory):
    """Uploads that come byte by byte, and answers that are not read, beside the load of others."""
    with serving(program, directory) as service:
        body, headers = form(os.urandom(8 << 20), "a.bin")
        asset = call(service.port, "POST", "/media-v2/assets", body, headers).json["id"]
        head = ("POST /media-v2/assets HTTP/1.1\r\nHost: localhost\r\nX-Tenant-Id: slow\r\nX-Env: dev\r\nContent-Type: "
                "multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n--b\r\nContent-Disposition: form-data; "
                'name="file"; filename="a"\r\n\r\n')
        get = f"GET /media-v2/assets/{asset}/content HTTP/1.1\r\nHost: localhost\r\nX-Tenant-Id: t1\r\nX-Env: dev\r\n\r\n"
        slow = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(200)]
        for number, connection in enumerate(slow):
            connection.sendall((head if number % 2 else get).encode())
        with Load(service.port) as load:
            deadline = time.monotonic() + 15
            while time.monotonic() < deadline:
                for connection in slow[1::2]:
                    with contextlib.suppress(OSError):
                        connection.send(b"x")
                time.sleep(1)
        held = sum(1 for connection in slow if is_open(connection))
        is_recovered = row(f"200 slow clients; after 15 s {held} of them are still connected", load, recovery_s(service.port))
        return is_recovered and held <= WAITING_UPLOADS


def is_open(connection):
    connection.settimeout(0.2)
    try:
        while connection.recv(1 << 16):
            pass
        return False
    except TimeoutError:
        return True
    except OSError:
        return False
    finally:
        connection.close()


def pieces(port, tenant, number):
    """An upload, and the peaks of it, which are decoded: what waits for the queues of uploads and of waveforms."""
    # An atom that is skipped: the bytes are no other upload's, and so their peaks are not kept yet.
    content = (MEDIA / "talk_and_music.mp4").read_bytes() + struct.pack(">I4sQ", 16, b"free", number)
    body, headers = form(content, "a.mp4")
    began = time.monotonic()
    upload = call(port, "POST", "/media-v2/assets", body, headers, tenant)
    took = time.monotonic() - began
    peaks = call(port, "GET", f"/media-v2/assets/{upload.json.get('id')}/waveform", tenant=tenant)
    return took, time.monotonic() - began, upload, peaks


def greedy_tenant(program, directory):
    with serving(program, directory) as service:
        def other(seconds):
            """Seconds that each upload with its peaks took which the other tenant completed in that time."""
            took, deadline, number = [], time.monotonic() + seconds, 0
            while time.monotonic() < deadline:
                number += 1
                _, whole, upload, peaks = pieces(service.port, "modest", number + int(seconds * 1e9))
                if (upload.status, peaks.status) == (201, 200):
                    took.append(whole)
            return took

        def completed(took):
            return f"{len(took)} done, slowest {max(took) * 1000:.0f} ms" if took else "0 done"

        alone = other(8)
        # Processes of their own: the callers are not to wait for each other.
        over, answers = multiprocessing.Event(), multiprocessing.SimpleQueue()
        callers = [multiprocessing.Process(target=greedy, args=(service.port, one, over, answers)) for one in range(30)]
        for caller in callers:
            caller.start()
        with Load(service.port, clients=0) as load:
            beside = other(8.5)
        over.set()
        for _ in callers:
            load.answers.update(answers.get())
        for caller in callers:
            caller.join()
        name = f"30 callers of one tenant; the one of another alone: {completed(alone)}; beside them: {completed(beside)}"
        return row(name, load, recovery_s(service.port)) and bool(alone and beside)


def greedy(port, caller, over, answers):
    """One of many callers of a tenant, until the event is set."""
    number, counts = 0, collections.Counter()
    while not over.is_set():
        number += 1
        *_, upload, peaks = pieces(port, "greedy", caller << 40 | number)
        counts.update((str(upload), str(peaks)))
    answers.put(counts)


def run(program, moto):
    """Prints the table; whether all recovered, nothing was answered 500, /healthz was always answered, slow clients were
    closed, and the tenant beside the greedy one got work done.
    """
    print("| what | answers | slowest /healthz (ms) | recovered |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="harkback-failing-") as directory:
        os.chmod(directory, 0o755)
        return all([
            disk_full(program, directory), database_disk_full(program, directory), *database(program, directory), object_store(program, directory, moto),
            slow_clients(program, directory), greedy_tenant(program, directory),
        ])
