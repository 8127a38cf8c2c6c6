"""Calls operations through a client that openapi-python-client has generated, and compares models with the raw answers."""

import datetime
import importlib
import inspect
import json
import pkgutil
import re

import httpx

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
CONTEXT = {"x_tenant_id": "t1", "x_env": "dev"}


def operations(document):
    """The names of all operations of the document."""
    return {operation["operationId"] for item in document["paths"].values() for operation in item.values()}


def comparable(value):
    """JSON in which every spelling of a time is the same."""
    match value:
        case dict():
            return {name: comparable(field) for name, field in value.items()}
        case list():
            return [comparable(item) for item in value]
        case str() if TIME.fullmatch(value):
            return datetime.datetime.fromisoformat(value)
        case _:
            return value


def plain(parsed):
    """What a parsed answer holds, as JSON."""
    if isinstance(parsed, list):
        return [plain(item) for item in parsed]
    return parsed.to_dict() if hasattr(parsed, "to_dict") else parsed


class Caller:
    """Calls operations by their names; remembers those that have answered with success."""

    def __init__(self, package, base):
        self.package = importlib.import_module(package)
        self.models = importlib.import_module(f"{package}.models")
        self.client = self.package.Client(base_url=base, timeout=httpx.Timeout(300))
        self.modules = self._modules(package)
        self.called = set()

    @staticmethod
    def _modules(package):
        api = importlib.import_module(f"{package}.api")
        found = {}
        for module in pkgutil.walk_packages(api.__path__, f"{api.__name__}."):
            if not module.ispkg:
                found[module.name.rsplit(".", 1)[1]] = importlib.import_module(module.name)
        return found

    def model(self, name, /, **fields):
        """A model from JSON fields."""
        return getattr(self.models, name).from_dict(fields)

    def __call__(self, name, /, *path, expect=(200, 201, 202, 204), **arguments):
        """The parsed answer, after it was compared with the raw one."""
        module = self.modules[name]
        known = inspect.signature(module._get_kwargs).parameters
        given = {field: value for field, value in CONTEXT.items() if field in known} | arguments
        answer = module.sync_detailed(*path, client=self.client, **given)
        return self.checked(name, answer, expect)

    def first_event(self, name, *path):
        """Reads a stream of events up to its first event, which the client itself would read to its end."""
        module = self.modules[name]
        request = module._get_kwargs(*path, **CONTEXT)
        with self.client.get_httpx_client().stream(**request) as stream:
            text = ""
            for piece in stream.iter_text():
                text += piece
                if "\n\n" in text:
                    break
            # The pieces are decoded already.
            headers = {"content-type": stream.headers["content-type"]}
            whole = httpx.Response(stream.status_code, headers=headers, text=text)
        return self.checked(name, module._build_response(client=self.client, response=whole), (200,))

    def checked(self, name, answer, expect):
        """The parsed answer, if it holds all that the raw one says."""
        status, raw = int(answer.status_code), answer.content
        if status not in expect:
            raise AssertionError(f"{name}: {status}, expected {expect}: {raw[:500]!r}")
        parsed = answer.parsed
        media_type = answer.headers.get("content-type", "").split(";")[0]
        if status == 204:
            same = parsed is None
        elif media_type.endswith("json"):
            same = comparable(plain(parsed)) == comparable(json.loads(raw))
        elif isinstance(parsed, str):
            same = parsed == raw.decode()
        else:
            same = parsed.payload.getvalue() == raw
        if not same:
            raise AssertionError(f"{name}: {parsed!r}\nis not what was answered: {raw[:2000]!r}")
        if status < 400:
            self.called.add(name)
        return parsed
