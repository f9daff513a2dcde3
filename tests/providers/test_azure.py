"""Azure Key Vault: what is kept and how, what goes wrong, and what is asked of the vault (S0.11, S0.31, S0.73)."""

from __future__ import annotations

import base64
import itertools
import os
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from azure_lab import AzureLab, read
from stub_server import Request, Stub, running

from tacenda import SecretBundle, SecretBytes, reveal
from tacenda.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigurationError,
    Conflict,
    InvalidReference,
    SecretError,
    SecretNotFound,
    Throttled,
    Unsupported,
)
from tacenda.providers.azure import AzureProvider
from tacenda.testing import azure_key_vault
from tacenda.testing._azure._roles import OFFICER, ROLES
from tacenda.testing._certificates import Certificates
from tacenda.testing._conformance._base import refused

# -- values ------------------------------------------------------------------------------------------


def test_what_az_wrote(azure: AzureLab) -> None:
    """What `az keyvault secret set` stored has keys if it is JSON, and its exact text either way (S1.33–S1.35)."""
    text = '{\n  "API_KEY": "example",\n  "PORT": 5432\n}\n'
    azure.client.set_secret("api-keys", text, tags={"file-encoding": "utf-8"})
    store = azure.store()
    assert reveal(store.get("api-keys")) == {"API_KEY": "example", "PORT": 5432}
    assert str(store.get_text("api-keys")) == text


def test_how_values_are_kept(azure: AzureLab) -> None:
    """Keys are JSON and bytes base64, as their content types say; text has none."""
    store = azure.store()
    for name, value in {"text": "example", "keys": {"a": 1}, "bytes": b"\xff\x00"}.items():
        store.set(name, value)
    kept = {name: azure.client.get_secret(name) for name in ("text", "keys", "bytes")}
    assert {name: (secret.value, secret.properties.content_type) for name, secret in kept.items()} == {
        "text": ("example", None),
        "keys": ('{"a": 1}', "application/json"),
        "bytes": ("/wA=", "application/octet-stream;base64"),
    }
    assert isinstance(store.get("keys"), SecretBundle)
    assert isinstance(store.get("bytes"), SecretBytes)


@pytest.mark.parametrize("content_type", [None, "application/x-pkcs12", "text/plain", "application/octet-stream"])
def test_other_content_types_are_text(azure: AzureLab, content_type: str | None) -> None:
    """Base64 that others stored, such as a certificate, is the text that it was."""
    azure.client.set_secret("cert", "/wA=", content_type=content_type)
    assert read(azure.provider(), "cert") == "/wA="


def test_broken_base64_is_text(azure: AzureLab) -> None:
    """Where somebody changed the text under our content type, nothing is guessed."""
    azure.client.set_secret("cert", "no base64!", content_type="application/octet-stream;base64")
    assert read(azure.provider(), "cert") == "no base64!"


@pytest.mark.parametrize("value", ["é" * 12_801, b"x" * 19_201, {"a": "x" * 25_600}])
def test_too_large(azure: AzureLab, value: Any) -> None:
    """25 KB are counted in the bytes that are stored, and more is never sent."""
    store = azure.store()
    error = refused(Unsupported, lambda: store.set("large", value))
    assert "25600 bytes" in error.message
    assert azure.server.requests == []


def test_largest(azure: AzureLab) -> None:
    """Just 25 KB of text or of base64 fit."""
    store = azure.store()
    for value in ("é" * 12_800, b"x" * 19_200):
        store.set("large", value)
        assert store.get("large") == value


# -- versions, tags, times ---------------------------------------------------------------------------


def test_versions(azure: AzureLab) -> None:
    """Each write is a version that can be read; the new one is there at once (S0.73, S0.74)."""
    provider = azure.provider()
    path = provider.path_of("api-keys")
    first, second = (provider.write(path, value).version for value in ("first", "second"))
    assert provider.read(path) == ("second", second)
    assert provider.read(path, first) == ("first", first)
    assert provider.info(path, first).version == first


@pytest.mark.parametrize("version", ["../secrets", "a b", "é", "1/2", "%2e"])
def test_versions_that_are_none(azure: AzureLab, version: str) -> None:
    """What cannot be a version is not sent."""
    provider = azure.provider()
    refused(InvalidReference, lambda: provider.read("api-keys", version))
    assert azure.server.requests == []


def test_tags_are_replaced_or_stay(azure: AzureLab) -> None:
    """In Key Vault each version has tags of its own: those of others' stay, until others are given."""
    azure.client.set_secret("api-keys", "example", tags={"owner": "az"})
    store = azure.store()
    store.set("api-keys", "second")
    assert store.info("api-keys").tags == {"owner": "az"}
    store.set("api-keys", "third", tags={"ticket": "42"})
    assert store.info("api-keys").tags == {"ticket": "42"}
    store.set("api-keys", "fourth", tags={})
    assert store.info("api-keys").tags == {}


@pytest.mark.parametrize("tags", [{f"tag-{number}": "x" for number in range(15)}, {"tacenda-name": "x"}])
def test_tags_that_are_refused(azure: AzureLab, tags: dict[str, str]) -> None:
    """Key Vault keeps 15 tags, of which one is ours."""
    store = azure.store()
    refused(Unsupported, lambda: store.set("api-keys", "example", tags=tags))
    store.set("api-keys", "example", tags={f"tag-{number}": "x" for number in range(14)})
    assert len(store.info("api-keys").tags) == 14


def test_listing_tells_times_and_tags(azure: AzureLab) -> None:
    """What the listing has for nothing is shown: when it was written, and its tags."""
    store = azure.store()
    written = store.set("api-keys", "example", tags={"owner": "team"})
    (listed,) = store.list()
    assert (listed.created, listed.updated, listed.tags) == (written.created, written.updated, {"owner": "team"})


# -- what Key Vault cannot do ------------------------------------------------------------------------


def test_no_compare_and_set(azure: AzureLab) -> None:
    """What could lose another writer's work is refused with the reason and what to do, and nothing is sent."""
    store = azure.store()
    for call in (lambda: store.update("api-keys", {"A": "b"}), lambda: store.set("api-keys", "x", create=True)):
        error = refused(Unsupported, call)
        assert "no ETag" in error.message
        assert error.hint
    assert azure.server.requests == []


# -- disabled, deleted -------------------------------------------------------------------------------


def test_disabled(azure: AzureLab) -> None:
    """A disabled secret is neither missing nor merely denied: the message says so, and how to enable it."""
    azure.client.set_secret("api-keys", "example-value")
    azure.server.disable("api-keys")
    store = azure.store()
    error = refused(AccessDenied, lambda: store.get("api-keys", default=None), "example-value")
    assert "disabled" in error.message
    assert "az keyvault secret set-attributes" in str(error.hint)
    assert "--enabled true" in str(error.hint)
    assert [info.name for info in store.list()] == ["api-keys"]


def test_a_disabled_secret_can_be_written(azure: AzureLab) -> None:
    """A new version of a disabled secret is enabled; owner and tags are found without the value."""
    store = azure.store()
    store.set("api_keys", "example", tags={"owner": "team"})
    azure.server.disable("api-keys")
    refused(Conflict, lambda: store.set("api-keys", "other"))
    store.set("api_keys", "new")
    assert store.get("api_keys") == "new"
    assert store.info("api_keys").tags == {"owner": "team"}


def test_delete_is_soft(azure: AzureLab) -> None:
    """What was deleted can be recovered with Azure's own tools, and the message says where to look."""
    store = azure.store()
    store.set("api-keys", "example-value")
    store.delete("api-keys")
    assert "list-deleted" in str(refused(SecretNotFound, lambda: store.get("api-keys"), "example-value"))
    settled(azure)
    azure.client.begin_recover_deleted_secret("api-keys").wait()
    assert store.get("api-keys") == "example-value"


def test_a_deleted_name_is_recovered_before_it_is_written(azure: AzureLab) -> None:
    """Nothing is lost: old versions come back, and so do the tags."""
    store = azure.store()
    first = store.set("api_keys", "first", tags={"owner": "team"}).version
    store.delete("api_keys")
    assert store.set("api_keys", "second").tags == {"owner": "team"}
    assert store.get("api_keys") == "second"
    assert store.get("api_keys", version=first) == "first"


def test_recovery_denied(azure: AzureLab, custom_role: Callable[..., AbstractContextManager[None]]) -> None:
    """Whoever may write but not recover is told what to run."""
    provider = azure.provider()
    provider.write("api-keys", "first")
    provider.delete("api-keys")
    settled(azure)
    with custom_role(without="recover/action"):
        error = refused(Conflict, lambda: provider.write("api-keys", "example-second"), "example-second")
    assert error.retry_for == 0
    assert "az keyvault secret recover" in str(error.hint)
    assert "az keyvault secret purge" in str(error.hint)


def test_deletion_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """While Azure still deletes, a write is worth repeating; the store does so."""
    with azure_key_vault(deletion_delay=0.4) as server, AzureLab(server) as slow:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", server.ca_cert)
        provider = slow.provider()
        provider.write("api-keys", "first")
        provider.delete("api-keys")
        error = refused(Conflict, lambda: provider.write("api-keys", "example-second"), "example-second")
        assert error.retry_for == 180
        assert "being deleted" in error.message
        store = slow.store()
        store.set("api-keys", "third")
        assert store.get("api-keys") == "third"


def test_delete_what_is_not_there(azure: AzureLab) -> None:
    """Deleting nothing is said, by name and by reference."""
    store = azure.store()
    for name in ("missing", "azure://missing", f"{azure.server.url}/secrets/missing"):
        error = refused(SecretNotFound, lambda name=name: store.delete(name))
        assert "az keyvault secret list" in str(error.hint)


def settled(azure: AzureLab) -> None:
    """Wait until Azure has deleted what is being deleted."""
    while not list(azure.client.list_deleted_secrets()):
        pass


@pytest.fixture
def custom_role(azure: AzureLab, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AbstractContextManager[None]]:
    """Return a function that gives everybody a role of one's own: an officer's without some actions."""

    def role(*, without: str) -> AbstractContextManager[None]:
        monkeypatch.setitem(ROLES, "Custom", tuple(action for action in ROLES[OFFICER] if action != without))
        return azure.server.role("Custom")

    return role


# -- requests and least privilege --------------------------------------------------------------------


def test_a_get_is_one_request(azure: AzureLab) -> None:
    """The first get asks once more where to log in; every other one is a single request, no list and no metadata."""
    azure.client.set_secret("api-keys", "example")
    azure.data()
    store = azure.store()
    assert store.get("api-keys") == "example"
    assert set(azure.data()) == {"GET /secrets/api-keys/"}
    for _ in range(3):
        store.get("api-keys", fresh=True)
    assert azure.data() == ["GET /secrets/api-keys/"] * 3


def test_a_miss_is_one_request(azure: AzureLab) -> None:
    """Also for what is not there."""
    store = azure.store()
    assert store.get("missing", default=None) is None
    azure.data()
    assert store.get("missing", default=None) is None
    assert azure.data() == ["GET /secrets/missing/"]


def test_least_privilege(azure: AzureLab) -> None:
    """The role Key Vault Secrets User is enough for all reads; writing and deleting are denied (S1.67–S1.69, S1.73)."""
    names = [f"name-{number}" for number in range(25)]
    for name in names:
        azure.client.set_secret(name, f"value of {name}")
    store = azure.store()
    with azure.server.read_only():
        assert store.get("name-1") == "value of name-1"
        assert store.get_many(names) == {name: f"value of {name}" for name in names}
        assert len(list(store.list())) == 25
        for call in (lambda: store.set("name-1", "example-new"), lambda: store.delete("name-1")):
            error = refused(AccessDenied, call, "example-new")
            assert "az keyvault secret show" in str(error.hint)
            assert "Key Vault Secrets Officer" in str(error.hint)


def test_denied_names_the_identity(azure: AzureLab) -> None:
    """Who was denied is in the message, as the vault told it; so is the role that is missing (S1.73, S1.76)."""
    azure.client.set_secret("api-keys", "example-value")
    with azure.server.denied("api-keys"):
        error = refused(AccessDenied, lambda: read(azure.provider()), "example-value")
    assert azure.server.client_id in error.message
    assert error.message.endswith("Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'")
    assert "Key Vault Secrets User" in str(error.hint)


def test_check(azure: AzureLab, custom_role: Callable[..., AbstractContextManager[None]]) -> None:
    """`tacenda check` asks for names and for no value, and is fine without the right to list."""
    azure.client.set_secret("api-keys", "example")
    azure.data()
    provider = azure.provider()
    provider.check()
    assert set(azure.data()) == {"GET /secrets"}
    with custom_role(without="readMetadata/action"):
        provider.check()
    with azure.server.role(""):
        assert azure.server.client_id in str(refused(AccessDenied, provider.check))
    with azure.server.down():
        refused(BackendUnavailable, provider.check)


def test_other_versions_of_the_interface(azure: AzureLab) -> None:
    """`api_version` reaches servers that lag behind, such as Azure Stack."""
    azure.client.set_secret("api-keys", "example")
    azure.server.requests.clear()
    assert read(azure.provider(api_version="7.4")) == "example"
    assert azure.server.requests[-1].endswith("?api-version=7.4")


# -- failures ----------------------------------------------------------------------------------------


def test_throttled(azure: AzureLab) -> None:
    """429 is worth three minutes, and its Retry-After is told; it is the store that repeats, not the SDK."""
    azure.client.set_secret("api-keys", "example-value")
    provider = azure.provider()
    read(provider)
    azure.data()
    with azure.server.throttled(retry_after=7):
        error = refused(Throttled, lambda: read(provider), "example-value")
    assert (error.retry_for, error.retry_after) == (180, 7)
    assert azure.data() == ["GET /secrets/api-keys/"]


def test_down(azure: AzureLab) -> None:
    """Nothing listens: unavailable, worth ten seconds; nothing of the SDK is attached to the error."""
    provider = azure.provider()
    with azure.server.down():
        error = refused(BackendUnavailable, lambda: provider.write("api-keys", "example-new"), "example-new")
    assert error.retry_for == 10
    assert "Connection refused" in error.message
    assert error.__context__ is None
    assert error.__cause__ is None


def test_unknown_host(azure: AzureLab) -> None:
    """A vault that does not resolve, such as a misspelled one, is unavailable, never missing."""
    provider = azure.provider(vault_url="https://no-such-vault.invalid")
    error = refused(BackendUnavailable, lambda: read(provider))
    assert error.retry_for == 10
    assert "no-such-vault.invalid" in error.message


def test_unknown_authority(azure: AzureLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for is refused, and the message says where to name the authority."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    error = refused(BackendUnavailable, lambda: read(azure.provider()))
    assert "certificate" in error.message
    assert "REQUESTS_CA_BUNDLE" in str(error.hint)


class Vault(Stub):
    """Answers as told to whoever is logged in, others as Key Vault does: with a challenge."""

    def __init__(self, azure: AzureLab, context: ssl.SSLContext) -> None:
        super().__init__()
        self.scheme = "https"
        self.resource = f"https://0.0.1:{self.server_address[1]}"
        self.tenant = azure.server.tenant_id
        self.logged_in: dict[str, str] = {}
        self.stranger: tuple[int, bytes] | None = None
        self.refused: dict[str, str] = {}
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def answer(self, request: Request) -> tuple[int, bytes]:
        token = request.headers.get("Authorization")
        if token in self.refused:
            self.headers = {"WWW-Authenticate": self.refused[token]}
            return 401, body("Unauthorized")
        if token:
            self.headers = self.logged_in
            return self.status, self.body
        if self.stranger:
            self.headers = {"WWW-Authenticate": 'Basic realm="proxy"'}
            return self.stranger
        challenge = f'Bearer authorization="{self.url}/{self.tenant}", resource="{self.resource}"'
        self.headers = {"WWW-Authenticate": challenge}
        return 401, b'{"error": {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer token."}}'


@pytest.fixture(scope="module")
def certificates() -> Iterator[Certificates]:
    made = Certificates()
    yield made
    made.close()


@pytest.fixture
def stub(
    azure: AzureLab, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Vault]:
    both = tmp_path / "both.pem"
    both.write_text("".join(Path(file).read_text() for file in (azure.server.ca_cert, certificates.ca_cert)))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(both))
    with running(Vault(azure, certificates.server_context())) as server:
        yield server


def stubbed(azure: AzureLab, stub: Vault) -> AzureProvider:
    return azure.provider(vault_url=stub.url)


def body(code: str, inner: str | None = None) -> bytes:
    detail = f', "innererror": {{"code": "{inner}"}}' if inner else ""
    return f'{{"error": {{"code": "{code}", "message": "example\\r\\nreason"{detail}}}}}'.encode()


@pytest.mark.parametrize(
    ("status", "answer", "kind", "retry_for"),
    [
        (301, b"", BackendUnavailable, 0),
        (400, body("BadParameter"), InvalidReference, 0),
        (403, body("Forbidden", "ForbiddenByRbac"), AccessDenied, 0),
        (403, body("Forbidden", "ForbiddenByFirewall"), AccessDenied, 0),
        (404, body("SecretNotFound"), SecretNotFound, 0),
        (408, b"", BackendUnavailable, 180),
        (409, body("Conflict", "ObjectIsBeingRecovered"), Conflict, 180),
        (409, body("Conflict"), Conflict, 0),
        (413, body("RequestEntityTooLarge"), Unsupported, 0),
        (418, body("Teapot"), BackendUnavailable, 0),
        (429, b"", Throttled, 180),
        (500, body("InternalServerError"), BackendUnavailable, 180),
        (502, b"<html>bad gateway</html>", BackendUnavailable, 180),
        (503, b"[]", BackendUnavailable, 180),
    ],
)
def test_every_status_has_a_meaning(
    azure: AzureLab, stub: Vault, status: int, answer: bytes, kind: type[SecretError], retry_for: float
) -> None:
    """No answer is mistaken for a missing secret, and each says how long a repetition is worth it."""
    stub.status, stub.body = status, answer
    error = refused(kind, lambda: read(stubbed(azure, stub)))
    assert error.retry_for == retry_for
    assert "\n" not in error.message
    assert type(error) is kind


@pytest.mark.parametrize("status", [200, 401, 404])
@pytest.mark.parametrize(
    "answer", [b"<html>please log in</html>", b"[1]", b'{"detail": "Not Found"}', b'{"value": null, "id": "x"}', b""]
)
@pytest.mark.parametrize("action", ["read", "write", "delete", "list", "check"])
def test_something_else_answers(azure: AzureLab, stub: Vault, status: int, answer: bytes, action: str) -> None:
    """A proxy or a login page in Key Vault's place is "could not ask", whatever its status."""
    stub.status, stub.body = status, answer
    provider = stubbed(azure, stub)
    call = {
        "read": lambda: provider.read("api-keys"),
        "write": lambda: provider.write("api-keys", "example-value"),
        "delete": lambda: provider.delete("api-keys"),
        "list": lambda: list(provider.list("")),
        "check": provider.check,
    }[action]
    error = refused(BackendUnavailable, call, "example-value")
    assert "did not answer like Key Vault" in error.message


def test_redirects_are_not_followed(azure: AzureLab, stub: Vault) -> None:
    """Key Vault redirects nobody: a token never goes where an answer points to."""
    stub.status, stub.logged_in = 307, {"Location": f"{azure.server.url}/secrets/api-keys/?api-version=7.6"}
    azure.client.set_secret("api-keys", "example-value")
    azure.data()
    refused(BackendUnavailable, lambda: read(stubbed(azure, stub)))
    assert azure.data() == []


def test_a_challenge_for_another_service(azure: AzureLab, stub: Vault) -> None:
    """A server that asks for a token of another service gets none, and the message says why."""
    stub.resource = "https://management.azure.com"
    error = refused(BackendUnavailable, lambda: read(stubbed(azure, stub)))
    assert "login to another service" in error.message
    assert azure.server.requests == []
    assert not any("Authorization" in request.headers for request in stub.requests)


@pytest.mark.parametrize(
    "stranger",
    [(200, b'{"value": "example-value", "id": "https://v/secrets/x/1"}'), (404, None), (401, None), (403, b"")],
)
def test_an_answer_without_a_login(azure: AzureLab, stub: Vault, stranger: tuple[int, bytes | None]) -> None:
    """Key Vault tells strangers neither a secret nor that there is none: something else answers, and gets no token."""
    status, answer = stranger
    stub.stranger = status, body("SecretNotFound") if answer is None else answer
    error = refused(BackendUnavailable, lambda: read(stubbed(azure, stub)), "example-value")
    assert "did not answer like Key Vault" in error.message
    assert azure.server.requests == []


def test_claims_are_passed_on(azure: AzureLab, stub: Vault) -> None:
    """A vault that wants to know more of a login (continuous access evaluation) gets a token that says it, once."""
    stub.body = b'{"value": "example", "id": "https://v/secrets/x/1"}'
    claims = (
        base64.urlsafe_b64encode(b'{"access_token": {"nbf": {"essential": true, "value": "1"}}}').decode().rstrip("=")
    )
    told = f'Bearer authorization="{stub.url}/{stub.tenant}", error="insufficient_claims", claims="{claims}"'
    provider = stubbed(azure, stub)
    tokens: list[str] = []

    def protect(value: str, label: str) -> None:
        if label == "Azure access token":
            tokens.append(value)
            if len(tokens) == 1:
                stub.refused[f"Bearer {value}"] = told

    provider.protect = protect
    assert read(provider) == "example"
    assert len(set(tokens)) == 2
    assert read(provider) == "example"
    assert len(tokens) == 2


def test_a_vault_that_moved_to_another_tenant(azure: AzureLab, stub: Vault) -> None:
    """Where to log in is asked anew when a vault refuses what it took before."""
    stub.body = b'{"value": "example", "id": "https://v/secrets/x/1"}'
    provider = stubbed(azure, stub)
    read(provider)
    moved = f'Bearer authorization="{stub.url}/00000000-0000-4000-8000-00000000000f", resource="{stub.resource}"'
    token = next(request.headers["Authorization"] for request in stub.requests if "Authorization" in request.headers)
    stub.refused[token] = moved
    error = refused(ConfigurationError, lambda: read(provider))
    assert "00000000000f" in error.message


@pytest.mark.parametrize(
    "resource",
    [
        "https://management.azure.com",
        "https://127.0.0.1",
        "https://",
        "",
        "http://0.0.1",
        "https://evil.example.com/0.0.1",
    ],
)
def test_resources_that_are_not_the_vaults(azure: AzureLab, stub: Vault, resource: str) -> None:
    """A token is got only for a parent domain of the vault's own, for reads as for writes."""
    stub.resource = resource
    provider = stubbed(azure, stub)
    for call in (lambda: read(provider), lambda: list(provider.list(""))):
        refused(BackendUnavailable, call)
    assert azure.server.requests == []
    assert not any("Authorization" in request.headers for request in stub.requests)


# -- connections -------------------------------------------------------------------------------------


def test_16_threads_share_one_login(azure: AzureLab) -> None:
    """Parallel reads log in once, and every thread gets its own answer."""
    for number in range(16):
        azure.client.set_secret(f"name-{number}", f"value {number}")
    azure.server.requests.clear()
    provider = azure.provider()
    names = list(itertools.islice(itertools.cycle(range(16)), 160))
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda number: read(provider, f"name-{number}"), names))
    assert found == [f"value {number}" for number in names]
    assert sum("/oauth2/" in request for request in azure.server.requests) == 1


def test_two_entries_share_one_login(azure: AzureLab) -> None:
    """Stack entries that log in alike do it once, also for different prefixes; another identity has its own."""
    azure.client.set_secret("ml-x", "example")
    azure.server.requests.clear()
    assert read(azure.provider(), "ml-x") == read(azure.provider(prefix="ml-"), "ml-x")
    assert sum("/oauth2/" in request for request in azure.server.requests) == 1
    assert azure.provider()._connection_key(None) != azure.provider(client_id="other")._connection_key(None)


def test_after_a_fork(azure: AzureLab) -> None:
    """A forked child that resets the provider has connections of its own, while the parent's still work."""
    azure.client.set_secret("api-keys", "example")
    provider = azure.provider()
    read(provider)
    child = os.fork()
    if child == 0:
        provider.reset()
        os._exit(0 if read(provider) == "example" else 1)
    assert read(provider) == "example"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_closed_provider_opens_again(azure: AzureLab) -> None:
    """Closing releases the connections; the next call makes new ones."""
    azure.client.set_secret("api-keys", "example")
    provider = azure.provider()
    read(provider)
    provider.close()
    assert read(provider) == "example"


def test_vaults_in_two_clouds(azure: AzureLab) -> None:
    """A reference to a vault in another cloud has a login there; the configured one keeps its own."""
    provider = azure.provider(authority=None)
    at_home, in_china = (provider._client(host) for host in (azure.host, "v.vault.azure.cn"))
    assert at_home is not in_china
    assert provider._client(azure.host) is at_home
