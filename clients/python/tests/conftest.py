"""A running service at BASE, the program at HARKBACK_PROGRAM, and the media of `make fixtures`."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from harkback import Client

MEDIA = Path(__file__).parents[3] / "fixtures" / "media"


@pytest.fixture
def tenant() -> str:
    return f"t_{uuid.uuid4().hex}"


@pytest.fixture
def connect(tenant: str) -> Iterator[Callable[..., Client]]:
    """Creates clients of one tenant, with an optional transport."""
    clients: list[Client] = []

    def new(transport: httpx.BaseTransport | None = None) -> Client:
        clients.append(Client(os.environ["BASE"], tenant=tenant, env="test", transport=transport))
        return clients[-1]

    yield new
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()


@pytest.fixture
def media() -> Path:
    return MEDIA
