"""`harkback serve` processes for the measuring scripts of tools/: start, calls, uploads, signals, memory, statements."""

import contextlib
import glob
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
MEDIA = ROOT / "fixtures/media"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Answer:
    """What was answered; `status` 0: nothing, the connection broke or was refused."""

    def __init__(self, status, body=b"", headers=None):
        self.status, self.body, self.headers = status, body, headers or {}

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    def __str__(self):
        if self.status == 0:
            return "no answer"
        code = self.json.get("code") if isinstance(self.json, dict) and self.status >= 400 else None
        return f"{self.status} {code or ''}".strip()


def context(tenant="t1"):
    """The headers that name the caller."""
    return {"X-Tenant-Id": tenant, "X-Env": "dev"}


def call(port, method, path, body=None, headers=None, tenant="t1", timeout=120):
    """One request on a connection of its own. A broken connection is an answer of status 0."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    sent = {**context(tenant), **(headers or {})}
    if isinstance(body, (dict, list)):
        body, sent = json.dumps(body).encode(), {"Content-Type": "application/json", **sent}
    try:
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        return Answer(response.status, response.read(), {k.lower(): v for k, v in response.getheaders()})
    except (OSError, http.client.HTTPException):
        return Answer(0)
    finally:
        connection.close()


def form(content, file_name, **fields):
    """A multipart form with one file: body and headers."""
    boundary = uuid.uuid4().hex
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
             for name, value in fields.items()]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\n\r\n'
    parts += [head.encode(), content, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def create(port, path, body, headers=None, tenant="t1"):
    """The document that a POST answers with 200 or 201; any other answer is an error."""
    answer = call(port, "POST", path, body, headers, tenant)
    if answer.status not in (200, 201):
        raise RuntimeError(f"{path}: {answer} {answer.body[:500]}")
    return answer.json


def upload(port, file, tenant="t1"):
    """The asset of an uploaded file."""
    file = pathlib.Path(file)
    return create(port, "/media-v2/assets", *form(file.read_bytes(), file.name), tenant)


def query(database, statement):
    """Rows of a statement, as lists of text; `database` is a URL or a connection string."""
    psql = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1:] or ["psql"]
    arguments = ["-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", statement, database]
    done = subprocess.run([*psql, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{statement}: {done.stderr}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def databases(url, names):
    """Makes databases beside that of `url`: their URLs."""
    for name in names:
        query(url, f"CREATE DATABASE {name}")
        parts = urllib.parse.urlsplit(url)
        yield urllib.parse.urlunsplit(parts._replace(path=f"/{name}"))


def cpu_s(pid):
    """Processor time of a process and of its children that have ended, in seconds."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def postgres_cpu_s(database):
    """Processor time of the server's processes."""
    ((parent,),) = query(database, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
    postmaster = pathlib.Path(f"/proc/{parent}/stat").read_text().rsplit(")", 1)[1].split()[1]
    children = subprocess.run(["pgrep", "-P", postmaster], capture_output=True, text=True, check=True).stdout.split()
    total = cpu_s(postmaster)
    for child in children:
        with contextlib.suppress(OSError):
            total += cpu_s(child)
    return total


def status_of(pid):
    """(parent, start time) of a process; None when it is gone or a zombie."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else (int(fields[1]), fields[19])


def tree(root):
    """The process and all below it, as {pid: start time}."""
    known = {int(name): status_of(name) for name in os.listdir("/proc") if name.isdigit()}
    known = {pid: status for pid, status in known.items() if status}
    found = {root} & known.keys()
    while more := {pid for pid, (parent, _) in known.items() if parent in found} - found:
        found |= more
    return {pid: known[pid][1] for pid in found}


def alive(processes):
    """Those of {pid: start time} that still run."""
    return [pid for pid, began in processes.items() if (status_of(pid) or (0, None))[1] == began]


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "gone"


def kill(pid, how=signal.SIGKILL):
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        pass


def rss_mb(pid, field="VmRSS"):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+)", status, re.M).group(1)) / 1024


class Service:
    """One `harkback serve` process; `flags` are those of the command. Without DATABASE_URL in `environment` it has a private
    Postgres in `data`. A service that was killed starts again on the same port.
    """

    def __init__(self, program, data, flags=(), environment=None):
        self.program, self.data, self.flags = program, pathlib.Path(data), list(flags)
        self.environment = {**os.environ, "TMPDIR": str(self.data / "tmp"), **(environment or {})}
        self.environment.pop("DATABASE_URL", None)
        if environment and "DATABASE_URL" in environment:
            self.environment["DATABASE_URL"] = environment["DATABASE_URL"]
        self.port, self.process, self.log_level = free_port(), None, "warn"
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o755)
        (self.data / "tmp").mkdir(exist_ok=True)
        self.log = open(self.data / "service.log", "ab")

    def start(self):
        if self.is_running():
            raise RuntimeError("it runs already")
        arguments = [self.program, "serve", "--listen", f"127.0.0.1:{self.port}", "--data-dir", self.data, "--log", self.log_level]
        self.process = subprocess.Popen(arguments + self.flags, env=self.environment, stderr=self.log, stdout=self.log)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def wait_until_ready(self, seconds=90):
        """Whether it became ready; at once not, when it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.is_running():
            if call(self.port, "GET", "/readyz", timeout=5).status == 200:
                return True
            time.sleep(0.05)
        return False

    def require_ready(self):
        if not self.wait_until_ready():
            raise RuntimeError("harkback did not start:\n" + self.tail())

    def tail(self):
        return "\n".join((self.data / "service.log").read_text(errors="replace").splitlines()[-20:])

    def stop(self):
        """The exit status after SIGTERM."""
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def postmaster(self):
        """The pid of the private Postgres; None while there is none."""
        try:
            return int((self.data / "postgres/data/postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def command(self, *arguments):
        """An operator's command on the data of the service, which must not run: exit status and output."""
        done = subprocess.run([self.program, *arguments, "--data-dir", self.data], env=self.environment,
                              capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def rows(self, statement):
        """Rows of a statement in the private Postgres."""
        return query(f"host={self.data}/postgres/run user=harkback dbname=postgres", statement)


def service_of_role(program, data, role, database, storage, environment=None):
    """A service of a role (`api`, `worker`, `all`) on a database and a store that it shares with others."""
    shared = {"DATABASE_URL": database, "HARKBACK_STORAGE_URL": storage, "AUDIO_SEMANTIC_BACKEND": "signal",
              "HARKBACK_ANALYSIS_THREADS": "1"}
    return Service(program, data, ["--role", role], {**shared, **(environment or {})})
