"""The page on GCP is true: its stack, its settings, its roles, and each message that it explains, on the double."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cloud_page import Page, raised
from reader import TYPED, Reader, swap

from tacenda import SecretStore, open_store
from tacenda.errors import AccessDenied, SecretError
from tacenda.providers.gcp import GcpProvider
from tacenda.testing import GcpSecretManager, gcp_secret_manager

PAGE = Page("gcp")
[STACK], [CONSOLE] = PAGE.blocks("yaml"), PAGE.blocks("console")
PROJECT = "projects/my-project"


def stack_at(gcp: GcpSecretManager) -> str:
    """Return the page's stack, at the double."""
    return swap(STACK, "project_id: my-project\n", f"project_id: my-project\n      api_endpoint: '{gcp.endpoint}'\n")


def login_of(gcp: GcpSecretManager) -> dict[str, str]:
    """Return the variables of a workload identity, and no project: the stack names it."""
    return {name: value for name, value in gcp.environment("workload_identity").items() if "PROJECT" not in name}


def put(gcp: GcpSecretManager, name: str, *values: str) -> None:
    """Do what `gcloud secrets create --data-file=-` does, then `versions add` for each further value."""
    client = gcp.client()
    client.create_secret(request={"parent": PROJECT, "secret_id": name, "secret": {"replication": {"automatic": {}}}})
    for value in values:
        client.add_secret_version(request={"parent": f"{PROJECT}/secrets/{name}", "payload": {"data": value.encode()}})


@pytest.fixture
def store(gcp: GcpSecretManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SecretStore]:
    """The page's stack, logged in to by workload identity."""
    for name, value in {**login_of(gcp), "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "tacenda.yaml").write_text(f"{stack_at(gcp)}    deadline: 0\n    cache_ttl: 0\n")
    with open_store(config=tmp_path / "tacenda.yaml") as opened:
        yield opened


def test_the_stack(reader: Reader, gcp: GcpSecretManager):
    """Under the role of the page alone its stack and commands read what `gcloud … --data-file=-` stored (S1.41)."""
    put(gcp, "api-keys", '{\n  "API_KEY": "example-key"\n}\n')
    reader.writes("tacenda.yaml", stack_at(gcp))
    reader.environment |= {**login_of(gcp), "TACENDA_ADAPTERS": "none"}
    with gcp.only_access():
        reader.runs(CONSOLE)


def test_settings():
    """The table has every setting of the provider and no other."""
    assert PAGE.settings() == set(GcpProvider.settings_help)


def test_the_roles(gcp: GcpSecretManager, store: SecretStore):
    """Each role of the table is enough for what stands beside it, Secret Accessor for every read (S1.70, S1.71)."""
    put(gcp, "api-keys", "example-1")
    accessor, viewer, adder = (
        f"roles/secretmanager.{role}" for role in ("secretAccessor", "viewer", "secretVersionAdder")
    )
    with gcp.only_access():
        assert store.get_many(["api-keys"]) == {"api-keys": "example-1"}
        for denied in (
            lambda: store.set("api-keys", TYPED),
            lambda: list(store.list()),
            lambda: store.info("api-keys"),
        ):
            assert isinstance(raised(denied), AccessDenied)
    with gcp.roles(viewer):
        assert [info.name for info in store.list()] == ["api-keys"]
        assert store.info("api-keys").version == "1"
    with gcp.roles(accessor, adder):
        store.set("api-keys", TYPED)
        assert store.get("api-keys") == TYPED


def test_rotation(gcp: GcpSecretManager, store: SecretStore):
    """The newest version is read, earlier ones by number, by reference and by resource name (S1.42, S1.43)."""
    put(gcp, "api-keys", "example-1", "example-2\n")
    assert store.get("api-keys") == "example-2\n"
    assert store.get("api-keys", version="1") == "example-1"
    assert store.get("gcp://my-project/api-keys?version=1") == "example-1"
    assert store.get(f"{PROJECT}/secrets/api-keys/versions/1") == "example-1"


def test_symptoms(gcp: GcpSecretManager, store: SecretStore, monkeypatch: pytest.MonkeyPatch):
    """Whatever can go wrong, the message is in the table, once, and the table has no message that is never printed.

    Denied and missing are told apart where Google tells them apart (S1.74, S1.75, S1.76).
    """

    def ask(name: str = "api-keys", **options: str) -> SecretError:
        return raised(lambda: store.get(name, **options))

    def ask_under(fault: Callable[..., AbstractContextManager], *names: str) -> SecretError:
        with fault(*names):
            return ask()

    seen = [ask()]
    put(gcp, "api-keys", "example-1")
    put(gcp, "off", "example-1")
    gcp.client().disable_secret_version(name=f"{PROJECT}/secrets/off/versions/1")
    seen += [ask(version="7"), ask("off"), raised(lambda: store.set("api-keys", "example", create=True))]
    gcp.client().destroy_secret_version(name=f"{PROJECT}/secrets/off/versions/1")
    seen.append(ask("off"))
    with gcp.only_access():
        seen += [raised(lambda: store.set("api-keys", TYPED)), raised(lambda: list(store.list()))]
        seen.append(raised(lambda: store.info("api-keys")))
    seen.append(ask_under(gcp.denied, "api-keys"))
    assert "gcloud secrets describe api-keys" in seen[-1].hint
    seen += [ask_under(gcp.throttled), ask_under(gcp.unavailable), ask_under(gcp.corrupt, "api-keys")]
    seen.append(ask_under(gcp.down))
    PAGE.explains([*seen, *without_login(gcp, monkeypatch)])


def without_login(gcp: GcpSecretManager, monkeypatch: pytest.MonkeyPatch) -> list[SecretError]:
    """Return what is said where the login fails: gRPC does not know the authority, there is none, no project."""

    def ask(endpoint: str = gcp.endpoint, **settings: str) -> SecretError:
        secrets = {"provider": "gcp_secretmanager", "api_endpoint": endpoint, **settings}
        with open_store(config={"stacks": {"prod": {"secrets": secrets, "deadline": 0}}}) as store:
            return raised(lambda: store.get("api-keys"))

    monkeypatch.delenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")
    seen = [ask(project_id="my-project")]
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    seen.append(ask(project_id="my-project"))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with gcp_secret_manager() as emulator:
        return [*seen, ask(project_id="my-project"), ask(emulator.url)]
