"""What reading costs in a running process: warm reads, many secrets at once, many threads on one secret."""

from __future__ import annotations

import logging
import multiprocessing
import statistics
import threading
import timeit
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tacenda
from benchmarks._measure import Result, interleaved, timed
from tacenda.testing import Gateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from tacenda.testing import OpenBao

DELAY = 0.010
SECRETS = 50
THREADS = 16


def run(server: OpenBao) -> Iterator[Result]:
    """Measure warm reads, parallel reads, coalescing and single flight."""
    kv = server.client().secrets.kv.v2
    for number in range(SECRETS):
        kv.create_or_update_secret(f"many/{number}", {"KEY": f"example-{number:04}"})
    kv.create_or_update_secret("one", {f"KEY_{number}": f"example-{number:04}" for number in range(SECRETS)})
    yield _warm(server)
    with slow_gateway(server.url) as (url, ask):
        yield _many_paths(server, url)
        yield _one_path(server, url, ask)
        yield _single_flight(server, url, ask)


def _warm(server: OpenBao) -> Result:
    import boto3
    from aws_secretsmanager_caching import SecretCache
    from botocore.config import Config
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # its line per request
    aws = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    aws.start()
    try:
        host, port = aws.get_host_and_port()
        client = boto3.client(
            "secretsmanager",
            region_name="us-east-1",
            endpoint_url=f"http://{host}:{port}",
            aws_access_key_id="example-id",
            aws_secret_access_key="example-key",
            config=Config(retries={"max_attempts": 0}),
        )
        client.create_secret(Name="one", SecretString="example-0001")
        cache = SecretCache(client=client)
        store = _store(server.token, server.url)
        calls = 20_000
        pair = interleaved(
            lambda: timeit.timeit(lambda: store.get("one"), number=calls) / calls,
            lambda: timeit.timeit(lambda: cache.get_secret_string("one"), number=calls // 10) / (calls // 10),
            9,
        )
    finally:
        aws.stop()
    each, faster = statistics.median(pair.ours) * 1e6, 1 / pair.ratio
    return Result(
        "warm `store.get`; peer: aws-secretsmanager-caching",
        "≤ 2 µs and ≥ 20 × faster",
        f"{each:.2f} µs, {faster:.0f} × faster",
        pair.detail(1e6, "µs"),
        each <= 2 and faster >= 20,
    )


def _many_paths(server: OpenBao, url: str) -> Result:
    import hvac

    client = hvac.Client(url=url, token=server.token)
    names = [f"many/{number}" for number in range(SECRETS)]
    store = _store(server.token, url)

    def sequential() -> None:
        for name in names:
            client.secrets.kv.v2.read_secret_version(name, raise_on_deleted_version=True)

    pair = interleaved(lambda: timed(lambda: store.get_many(names, fresh=True)), lambda: timed(sequential), 11)
    return Result(
        f"{SECRETS} Vault paths through a proxy that adds {DELAY * 1e3:.0f} ms; peer: sequential hvac",
        "≤ 1/5",
        f"1/{1 / pair.ratio:.1f}",
        pair.detail(),
        pair.ratio <= 1 / 5,
    )


def _one_path(server: OpenBao, url: str, ask: Any) -> Result:
    store = _store(server.token, url)
    ask("reset")
    seconds = timed(lambda: [store.get("one", f"KEY_{number}") for number in range(SECRETS)])
    reads = ask("count")
    return Result(
        f"{SECRETS} keys of one Vault path through the same",
        "1 read",
        f"{reads} read",
        f"{seconds * 1e3:.1f} ms",
        reads == 1,
    )


def _single_flight(server: OpenBao, url: str, ask: Any) -> Result:
    store = _store(server.token, url)
    ask("reset")
    start = threading.Barrier(THREADS)

    def read() -> None:
        start.wait()
        store.get("one")

    threads = [threading.Thread(target=read) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    calls = ask("count")
    return Result(f"{THREADS} threads, one cold secret", "1 backend call", f"{calls} call", "", calls == 1)


def _store(token: str, url: str) -> tacenda.SecretStore:
    entry = {"provider": "vault", "vault_url": url, "auth": {"method": "token", "token": token}}
    return tacenda.open_store(config={"stacks": {"bench": {"secrets": entry}}})


@contextmanager
def slow_gateway(target: str) -> Iterator[tuple[str, Any]]:
    """Serve a gateway in a process of its own, so that it does not compete for the interpreter's lock.

    Yields its URL, and what asks it: `ask("count")` for its requests, `ask("reset")` to forget them.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve_gateway, args=(target, there), daemon=True)
    process.start()

    def ask(question: str) -> Any:
        here.send(question)
        return here.recv()

    try:
        yield ask("url"), ask
    finally:
        here.send(None)
        process.join()


def _serve_gateway(target: str, pipe: Connection) -> None:
    with Gateway(target, delay=DELAY) as gateway:
        while question := pipe.recv():
            if question == "reset":
                gateway.requests.clear()
            pipe.send({"url": gateway.url, "reset": None, "count": len(gateway.requests)}[question])
