"""Every public name, used as the documentation does. Checked by mypy (`make types`), never run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tacenda
from tacenda import (
    Secret,
    SecretBundle,
    SecretBytes,
    SecretInfo,
    SecretStore,
    errors,
    get,
    get_many,
    masking,
    open_store,
    reveal,
    testing,
)
from tacenda.masking import Masker, MaskStream, registry
from tacenda.providers import Capabilities, Document, Place, Provider

version: str = tacenda.__version__


def opening() -> None:
    store: SecretStore = open_store()
    store = open_store("prod")
    store = open_store(stack="prod", config="tacenda.yaml")
    store = open_store(config=Path("tacenda.yaml"))
    store = open_store(config={"stacks": {"dev": {"secrets": {"provider": "env"}}}})
    snapshot: dict[str, Any] = store.stack.snapshot()
    with open_store(config=snapshot) as again:
        again.close()


def reading(store: SecretStore) -> None:
    bundle: SecretBundle = store.get("api-keys")
    token: Secret = store.get("api-keys", "API_KEY")
    key: SecretBytes = store.get("key", version="3")
    nothing: None = store.get("x", default=None)
    now: Any = store.get("vault://secret/ml/training#DB_PASSWORD", fresh=True)
    text: Secret = store.get_text("api-keys")
    header: str = "Bearer " + token + text.strip()
    digest: bytes = key[:4] + bytes(key)
    several: dict[str, Any] = store.get_many(["a", "b"], fresh=True)
    path: str = bundle.as_file(name="key.json")
    with token.as_file() as file, key.as_file("cert.der") as certificate:
        paths: list[str] = [file, certificate]
    attribute: Any = bundle.API_KEY
    item: Any = bundle["API_KEY"]
    plain: Any = reveal({"a": token})
    _ = (header, digest, several, path, paths, attribute, item, plain, nothing, now)


def describing(store: SecretStore) -> None:
    info: SecretInfo = store.info("api-keys", version="3")
    infos: Iterator[SecretInfo] = store.list(prefix="ml/")
    names: list[str] = [one.name for one in infos]
    created: str | None = info.created
    tags: dict[str, str] = dict(info.tags)
    _ = (names, created, info.version, info.updated, info.backend, tags)


def writing(store: SecretStore) -> None:
    info: SecretInfo = store.set("api-keys", {"API_KEY": "example"})
    info = store.set("token", "example")
    info = store.set("cert", b"example", create=True, tags={"team": "ml"})
    info = store.update("api-keys", {"API_KEY": "example"})
    store.delete("api-keys")
    _ = info


async def awaiting(store: SecretStore) -> None:
    token: Any = await store.aget("api-keys", "API_KEY", default=None)
    several: dict[str, Any] = await store.aget_many(["a", "b"])
    _ = (token, several)


def processwide() -> None:
    token: Any = get("api-keys", "API_KEY", fresh=True)
    several: dict[str, Any] = get_many(["a", "b"])
    with testing.override({"api-keys": {"API_KEY": "example"}}):
        token = tacenda.get("api-keys", "API_KEY")
    _ = (token, several)


def handling(store: SecretStore) -> str:
    try:
        store.get("api-keys")
    except errors.SecretNotFound as missing:
        return missing.tried[0]
    except (errors.Throttled, errors.BackendUnavailable) as trouble:
        return f"{trouble.retry_for} {trouble.retry_after}"
    except errors.SecretError as other:
        failures: dict[str, errors.SecretError] = other.failures
        return f"{other.message} {other.name} {other.hint} {sorted(failures)}"
    return ""


def standard_handling(store: SecretStore) -> None:
    try:
        store.get("api-keys")
    except (KeyError, ValueError, NotImplementedError, ImportError):
        raise errors.SecretLeak("example", hint="example") from None


def masked(data: bytes) -> str:
    masker: Masker = Masker(token="[masked]", min_length=8)
    masker.add("example-value", name="api-keys")
    masker.remove(b"example-value")
    stream: MaskStream = masker.stream()
    out: bytes = stream.write(data) + stream.flush() + masking.registry().mask(data)
    return registry().mask(out.decode())


class MyProvider(Provider):
    backend = "mine"
    capabilities = Capabilities(list=True, batch=20)

    def read(self, path: str, version: str | None = None) -> Document:
        place: Place = self.places(path)[0]
        return Document({"path": place.path}, version)
