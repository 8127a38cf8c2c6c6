#!/usr/bin/env python3
"""Mutated requests against a `harkback serve`: none may be answered 5xx. `make mutants-http`.

Bodies are made after the schemas of /openapi.json, and taken from the examples of docs/, then mutated: types, nulls, huge
numbers, deep nesting, unicode, duplicates, truncation. Recordings of fixtures/media are damaged, uploaded and analysed.
Exits with 1 when something is answered 5xx, other than 503 `busy` and `queue_full`, or when the memory of the service
passes its bound.
"""

import argparse
import collections
import http.client
import json
import pathlib
import random
import re
import sys
import tempfile
import threading
import time
import urllib.parse

from deployment import MEDIA, ROOT, Answer, Service, call, context, create, form, rss_mb, upload

PEAK_MB = 300
# `closed`: of a body that is refused for its length no more than DRAINED bytes are read, so that a client which sends all
# before it reads may lose the answer.
EXCUSED = ("503 busy", "503 queue_full", "closed")
DRAINED = 1 << 20
CONTEXT = ("tenant_id", "env", "user_id")
# These would have it wait, or look for another service.
LEFT_OUT = ("/jobs/events", "/jobs/{id}/events", "/webhooks")
NUMBERS = ["0", "-1", "1e308", "-1e308", "1e400", "1e-400", "9223372036854775807", "9223372036854775808", "18446744073709551616",
           "-9223372036854775809", "0.1", "0.0001", "-0", "-0.0", "NaN", "Infinity", "1" * 400, "0." + "3" * 400, "4294967296", "01"]
TEXTS = ['""', '" "', '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\U0001f600\u202e\u0301"', '"../../etc/passwd"', '"a|b"',
         '"%00"', '"{}"', '"' + "x" * 129 + '"', '"' + "\u20ac" * 5000 + '"', "\"'; DROP TABLE jobs; --\"", '"t_unknown"',
         '"file:///etc/passwd"', '"blob://sha256/' + "0" * 64 + '"', '"http://127.0.0.1:1/"', '"\\n\\t\\b"']
OTHERS = ["null", "true", "false", "[]", "{}", "[null]", '{"":0}', "[" * 70 + "]" * 70, "[" * 20_000, '{"a":' * 70 + "1" + "}" * 70,
          "[" + "0," * 2_000 + "0]", "[[],{}]", '{"$ref":"#"}']


class Raw:
    """A JSON text in the place of a value."""

    def __init__(self, text):
        self.text = text


def text_of(value, choice, repeated=0.0):
    """JSON of a value with Raws in it; a key is now and then there twice."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        fields = [f"{json.dumps(key)}:{text_of(one, choice, repeated)}" for key, one in value.items()]
        if fields and choice.random() < repeated:
            fields.append(choice.choice(fields))
        return "{" + ",".join(fields) + "}"
    if isinstance(value, list):
        return "[" + ",".join(text_of(one, choice, repeated) for one in value) + "]"
    return json.dumps(value, ensure_ascii=choice.random() < 0.5)


class Bodies:
    """Valid values of schemas; ids are those of things that are there."""

    def __init__(self, document, ids, choice):
        self.schemas, self.ids, self.choice = document["components"]["schemas"], ids, choice

    def value(self, schema, name="", depth=0):
        choice = self.choice
        if "$ref" in schema:
            return self.value(self.schemas[schema["$ref"].rsplit("/", 1)[1]], name, depth + 1)
        if name in self.ids and choice.random() < 0.9:
            return self.ids[name]
        if name == "dry_run":
            return True
        for way in ("oneOf", "anyOf"):
            if way in schema:
                return self.value(choice.choice(schema[way]), name, depth + 1)
        if "allOf" in schema:
            parts = [self.value(part, name, depth + 1) for part in schema["allOf"]]
            return {key: one for part in parts if isinstance(part, dict) for key, one in part.items()}
        if "enum" in schema:
            return choice.choice(schema["enum"])
        kind = schema.get("type", "object")
        if isinstance(kind, list):
            kind = choice.choice(kind)
        if kind == "object":
            return self.object(schema, depth)
        if kind == "array":
            count = 0 if depth > 8 else max(schema.get("minItems", 0), choice.choice((1, 1, 2, 5)))
            return [self.value(schema.get("items", {"type": "null"}), name, depth + 1) for _ in range(count)]
        if kind in ("integer", "number"):
            least = schema.get("minimum", 0)
            most = min(schema.get("maximum", least + 2_000), least + 2_000)
            return choice.randint(int(least), int(most)) if kind == "integer" else round(choice.uniform(least, most), 3)
        if kind == "boolean":
            return choice.random() < 0.5
        if kind == "null":
            return None
        return schema.get("example") or choice.choice(schema.get("examples") or ["a", "b1", "draft_480p_fast"])

    def object(self, schema, depth):
        made = {}
        for name, field in schema.get("properties", {}).items():
            is_wanted = name in schema.get("required", ()) or (name not in CONTEXT and self.choice.random() < 0.5)
            if is_wanted and depth < 12:
                made[name] = self.value(field, name, depth + 1)
        return made


def places(value, found=None):
    """Every (container, key) within a value."""
    found = [] if found is None else found
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in pairs:
        found.append((value, key))
        places(one, found)
    return found


def mutate(value, choice):
    """The bytes of a mutated body."""
    value = json.loads(json.dumps(value))
    for _ in range(choice.choice((1, 1, 1, 2, 4))):
        where = [place for place in places(value) if not isinstance(place[0][place[1]], Raw)]
        if not where:
            value = Raw(choice.choice(NUMBERS + TEXTS + OTHERS))
            break
        container, key = choice.choice(where)
        how = choice.randrange(9)
        if how < 6:
            container[key] = Raw(choice.choice(choice.choice((NUMBERS, TEXTS, OTHERS))))
        elif how == 6 and isinstance(container, dict):
            container[choice.choice(("", "__proto__", "tenant_id", "id", "x" * 300, "\u0000", key + " "))] = container.pop(key)
        elif how == 7:
            del container[key]
        else:
            one = json.loads(json.dumps(container[key], default=lambda raw: None))
            container[key] = [one] * choice.choice((2, 50, 1_000))
    body = text_of(value, choice, 0.1).encode("utf-8", "surrogatepass")
    return spoil(body, choice) if choice.random() < 0.15 else body


def spoil(body, choice):
    """Breaks the text itself."""
    at = choice.randrange(len(body) + 1)
    return choice.choice((
        body[:at], body + b"]", b"\xef\xbb\xbf" + body, body[:at] + bytes([choice.randrange(256)]) + body[at + 1:],
        body[:at] + b"\xff\xfe" + body[at:], body + body, b"", body.replace(b":", b"="), body.decode("utf-8", "replace").encode("utf-16"),
    ))


def example_bodies():
    """Objects of the documents' JSON blocks."""
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for block in re.findall(r"(?:```json|<<END[^\n]*)\n(.*?)(?:```|\nEND)", page.read_text(), re.S):
            try:
                value = json.loads(block.replace("…", "x"))
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value


def resolved(schema, schemas):
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    return schema


def operations(document):
    """(method, path, schema of the JSON body, its own names of parameters)."""
    for path, methods in document["paths"].items():
        if path in LEFT_OUT or not path.startswith("/"):
            continue
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            queries = [one["name"] for one in operation.get("parameters", []) if one.get("in") == "query"]
            yield method.upper(), path, schema, queries


class Maker:
    """Requests, one after the other."""

    def __init__(self, document, ids, seed):
        self.choice = random.Random(seed)
        self.bodies = Bodies(document, ids, self.choice)
        self.ids = ids
        every = list(operations(document))
        self.with_body = [one for one in every if one[2]]
        self.without_body = [one for one in every if not one[2] and one[0] != "POST"]
        schemas = document["components"]["schemas"]
        self.examples = collections.defaultdict(list)
        for value in example_bodies():
            for method, path, schema, _ in self.with_body:
                known = resolved(schema, schemas)
                if value.keys() <= known.get("properties", {}).keys() and set(known.get("required", ())) <= value.keys():
                    self.examples[method, path].append(value)

    def next(self):
        choice = self.choice
        if choice.random() < 0.1:
            method, path, _, queries = choice.choice(self.without_body)
            known = 0.0 if method == "DELETE" else 0.7
            query = {name: choice.choice(NUMBERS + TEXTS).strip('"') for name in queries if choice.random() < 0.4}
            query = urllib.parse.urlencode(query, errors="replace", encoding="utf-8")
            return method, self.filled(path, known) + (f"?{query}" if query else ""), None
        method, path, schema, _ = choice.choice(self.with_body)
        examples = self.examples[method, path]
        value = choice.choice(examples) if examples and choice.random() < 0.3 else self.bodies.value(schema)
        return method, self.filled(path, 0.9), mutate(value, choice)

    def filled(self, path, known):
        """The path with ids that are there, or mutated ones."""
        def one(match):
            name, choice = match.group(1), self.choice
            of = {"id": path.split("/")[2].rstrip("s") + "_id" if path.count("/") > 1 else ""}.get(name, name)
            if of in self.ids and choice.random() < known:
                return self.ids[of]
            text = choice.choice(TEXTS).strip('"')[:200]
            return urllib.parse.quote(text, safe="", errors="replace") or "x"
        return re.sub(r"\{(\w+)\}", one, path)


class Sender:
    """A connection that is kept, and opened again when it was closed."""

    def __init__(self, port):
        self.port, self.connection = port, None

    def send(self, method, path, body):
        for _ in range(2):
            connection = self.connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
            is_new, self.connection = self.connection is None, connection
            headers = {**context(), **({"Content-Type": "application/json"} if body is not None else {})}
            try:
                try:
                    connection.request(method, path, body, headers)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # It was refused while it was sent: the answer may be there.
                response = connection.getresponse()
                return Answer(response.status, response.read())
            except (OSError, http.client.HTTPException):
                connection.close()
                self.connection = None
                if is_new:
                    break
        return Answer(0)


def things(port):
    """Ids of things that are there, by the names that fields and paths have for them."""
    asset = upload(port, MEDIA / "digits.wav")["id"]
    hit = {"kind": "audio_hit", "uri": "mem:a", "start_ms": 100, "end_ms": 600}
    hit = create(port, f"/media-v2/assets/{asset}/artifacts", hit)["id"]
    clip = {"asset_id": asset, "in_ms": 0, "out_ms": 500, "start_ms_on_timeline": 0}
    timeline = create(port, "/video/timelines", {
        "project": {"new": {"title": "a"}}, "sequence": {"name": "s"}, "track": {"kind": "video", "label": "t"}, "clips": [clip]})
    pattern = create(port, "/audio/patterns", {"template_id": "four_on_the_floor", "sample_map": {"kick": hit}})
    project = timeline["project"]["id"]
    return {
        "asset_id": asset, "source_asset_id": asset, "parent_asset_id": asset, "artifact_id": hit, "audio_artifact_id": hit,
        "kick": hit, "project_id": project, "attach_to_project_id": project, "existing": project,
        "sequence_id": timeline["sequence"]["id"], "track_id": timeline["track"]["id"], "clip_id": timeline["clips"][0]["id"],
        "pattern_id": pattern["pattern_id"], "template_id": "four_on_the_floor", "render_profile": "draft_480p_fast",
        "source_uri": f"file://{MEDIA}/digits.wav",
    }


def damaged(choice, media):
    """A recording with damage: flipped bytes, cut off, a part moved, removed, repeated, or of another's beginning."""
    name, content = choice.choice(media)
    content = bytearray(content)
    for _ in range(choice.choice((1, 2, 8))):
        if len(content) < 4:
            break
        at, length = choice.randrange(len(content)), choice.choice((1, 4, 64, 1024))
        how = choice.randrange(7)
        if how < 2:
            at = min(at, choice.choice((64, 1024, len(content) - 1)))
            content[at] = choice.choice((0, 255, content[at] ^ 1 << choice.randrange(8)))
        elif how == 2:
            content[at:at + length] = choice.randbytes(length)
        elif how == 3:
            del content[at:]
        elif how == 4:
            del content[at:at + length]
        elif how == 5:
            content[at:at] = content[at:at + length]
        else:
            content[:length] = choice.choice(media)[1][:length]
    return name, bytes(content)


class Tally:
    """What was answered, the faults among it, and how it went meanwhile."""

    def __init__(self):
        self.lock, self.answers, self.faults = threading.Lock(), collections.Counter(), []

    def note(self, answer, request):
        with self.lock:
            is_cut = answer.status == 0 and len(request[2] or b"") > DRAINED
            name = "closed" if is_cut else f"{answer.status // 100}xx" if 0 < answer.status < 500 else str(answer)
            self.answers[name] += 1
            if (answer.status >= 500 or answer.status == 0) and name not in EXCUSED:
                self.faults.append((name, request))


def at_once(service, threads, work):
    """Runs `work(thread)` in threads; the peak of the memory and the slowest /healthz meanwhile."""
    peak, slowest, failures = 0.0, 0.0, []

    def kept(thread):
        try:
            work(thread)
        except Exception as failure:  # Whatever it is, the main thread raises it.
            failures.append(failure)

    running = [threading.Thread(target=kept, args=(one,)) for one in range(threads)]
    for thread in running:
        thread.start()
    while any(thread.is_alive() for thread in running):
        began = time.monotonic()
        call(service.port, "GET", "/healthz")
        slowest = max(slowest, time.monotonic() - began)
        peak = max(peak, rss_mb(service.process.pid))
        time.sleep(0.02)
    if failures:
        raise failures[0]
    return peak, slowest


def json_mutants(service, options):
    document = call(service.port, "GET", "/openapi.json").json
    ids, tally = things(service.port), Tally()

    def work(thread):
        maker, sender = Maker(document, ids, options.seed * 1_000 + thread), Sender(service.port)
        for _ in range(options.bodies // options.threads):
            method, path, body = maker.next()
            answer = sender.send(method, path, body)
            tally.note(answer, (method, path, body))

    return tally, at_once(service, options.threads, work)


def media_mutants(service, options):
    media = [(file.name, file.read_bytes()) for file in sorted(MEDIA.iterdir()) if file.is_file() and file.stat().st_size < 300_000]
    tally = Tally()

    def work(thread):
        choice = random.Random(options.seed * 1_000 + thread)
        for _ in range(options.media // options.threads):
            name, content = damaged(choice, media)
            body, headers = form(content, name)
            answer = call(service.port, "POST", "/media-v2/assets", body, headers)
            tally.note(answer, ("POST", "/media-v2/assets", content))
            if answer.status == 201:
                request = {"asset_id": answer.json["id"]}
                answer = call(service.port, "POST", "/audio/semantic-timeline/analyze", request)
                tally.note(answer, ("POST", "analyze", content))

    return tally, at_once(service, options.threads, work)


def row(what, count, tally, peak, slowest, seconds):
    answers = ", ".join(f"{number} × {answer}" for answer, number in tally.answers.most_common())
    print(f"| {count} {what} | {answers} | {len(tally.faults)} | {peak:.0f} | {slowest * 1000:.0f} | {seconds:.0f} |", flush=True)


def keep(faults, folder):
    """Writes the first of each kind of fault where it can be sent again."""
    for number, (answer, (method, path, body)) in enumerate(faults[:50]):
        print(f"{answer}: {method} {path[:120]} {(body or b'')[:300]!r}", file=sys.stderr)
        if folder:
            (folder / f"{number}").write_bytes(body or b"")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("harkback", help="the program")
    arguments.add_argument("--bodies", type=int, default=20_000)
    arguments.add_argument("--media", type=int, default=2_000)
    arguments.add_argument("--threads", type=int, default=8)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--keep", type=pathlib.Path, help="a directory for bodies that were answered 5xx")
    options = arguments.parse_args()
    is_well = True
    with tempfile.TemporaryDirectory(prefix="harkback-mutants-") as data:
        flags = ["--audio-semantic-backend", "signal", "--source-root", MEDIA]
        service = Service(options.harkback, data, flags)
        service.start()
        try:
            service.require_ready()
            print("| mutants | answers | faults | peak RSS (MB) | slowest /healthz (ms) | time (s) |\n|---|---|---|---|---|---|")
            for what, count, work in [("JSON bodies", options.bodies, json_mutants), ("recordings, analysed", options.media, media_mutants)]:
                began = time.monotonic()
                tally, (peak, slowest) = work(service, options)
                row(what, count, tally, peak, slowest, time.monotonic() - began)
                keep(tally.faults, options.keep)
                is_well = is_well and not tally.faults and peak <= PEAK_MB and service.is_running()
            if not is_well:
                print(service.tail(), file=sys.stderr)
        finally:
            service.stop()
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main()
