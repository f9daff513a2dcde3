"""The provider `gcp_secretmanager` against the double: what it asks, what comes back, and what failures mean."""

from __future__ import annotations

import base64
import logging
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from gcp_lab import GcpLab, value

import tacenda
from tacenda._reference import parse_reference
from tacenda.errors import (
    AccessDenied,
    BackendUnavailable,
    ConfigurationError,
    Conflict,
    InvalidReference,
    MissingDependency,
    SecretNotFound,
    Throttled,
    Unsupported,
)
from tacenda.providers import _gcp_secrets
from tacenda.providers._gcp_errors import Asked, failure
from tacenda.providers._gcp_names import SecretName
from tacenda.providers.gcp import GcpProvider
from tacenda.testing import GcpSecretManager, gcp_secret_manager
from tacenda.testing._conformance._base import refused

ONE_READ = ["AccessSecretVersion"]
LOCATION = "europe-west3"


@pytest.fixture(scope="module")
def server() -> Iterator[GcpSecretManager]:
    with gcp_secret_manager() as server:
        yield server


@pytest.fixture
def lab(server: GcpSecretManager) -> GcpLab:
    return GcpLab(server)


def store_of(lab: GcpLab, **settings: Any) -> tacenda.SecretStore:
    entry = {"provider": "gcp_secretmanager", **lab.settings, **settings}
    return tacenda.open_store(config={"stacks": {"prod": {"secrets": entry, "cache_ttl": 0}}})


def program(source: str, *arguments: str) -> str:
    """Return what a program prints; an error if it fails."""
    command = [sys.executable, "-W", "ignore", "-c", source, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- what is asked -----------------------------------------------------------------------------------


def test_a_read_is_one_request(lab: GcpLab) -> None:
    """One secret is one AccessSecretVersion: no list, no settings, and Secret Accessor is enough (S1.71)."""
    lab.put("x", b"example")
    with lab.server.only_access(), store_of(lab) as store, lab.counted() as asked:
        assert store.get("x") == "example"
    assert asked == ONE_READ


def test_many_reads_are_one_request_each(lab: GcpLab) -> None:
    """`get_many` of 25 is 25 requests under Secret Accessor alone; there is no batch call (S1.71)."""
    for number in range(25):
        lab.put(f"x-{number}", b"example")
    with lab.server.only_access(), store_of(lab) as store, lab.counted() as asked:
        assert len(store.get_many([f"x-{number}" for number in range(25)])) == 25
    assert asked == ONE_READ * 25


def test_keys_of_one_secret_are_one_request(lab: GcpLab) -> None:
    """Several keys of a JSON secret are read at once."""
    lab.put("x", b'{"A": "1", "B": "2"}')
    with store_of(lab) as store, lab.counted() as asked:
        assert dict(store.get_many(["x#A", "x#B"])) == {"x#A": "1", "x#B": "2"}
    assert asked == ONE_READ


def test_requests_of_writing(lab: GcpLab) -> None:
    """A write is one request where the secret exists, and three where it is new."""
    gcp = lab.provider()
    with lab.counted() as asked:
        gcp.write(gcp.path_of("x"), "first")
    assert asked == ["AddSecretVersion", "CreateSecret", "AddSecretVersion"]
    with lab.counted() as asked:
        gcp.write(gcp.path_of("x"), "second")
    assert asked == ["AddSecretVersion"]


# -- values ------------------------------------------------------------------------------------------


def test_what_gcloud_stored(lab: GcpLab) -> None:
    """A JSON file stored by `gcloud secrets create --data-file` has keys, and its text to the letter (S1.40, S1.41)."""
    text = '{\n  "API_KEY": "example",\n  "PORT": 5432\n}\n'
    lab.put("x", text.encode())
    with store_of(lab) as store:
        assert store.get("x")["API_KEY"] == "example"
        assert store.get_text("x") == text


def test_a_new_version_is_picked_up(lab: GcpLab) -> None:
    """After `gcloud secrets versions add` the next read has the new value (S0.74, S1.42)."""
    lab.put("x", b"first")
    with store_of(lab) as store:
        assert store.get("x") == "first"
        lab.add("x", b"second")
        assert store.get("x") == "second"


@pytest.mark.parametrize(("version", "expected"), [("1", "first"), ("2", "second"), ("latest", "second")])
def test_versions(lab: GcpLab, version: str, expected: str) -> None:
    """A version is read by its number, `latest` is the newest, and the answer says which one it was (S0.73, S1.43)."""
    lab.put("x", b"first", b"second")
    gcp = lab.provider()
    found = gcp.read(gcp.path_of("x"), version)
    assert (found.value, found.version) == (expected, "1" if expected == "first" else "2")


def test_an_alias_is_a_version(lab: GcpLab) -> None:
    """A version alias leads to its number."""
    lab.put("x", b"first", b"second")
    secret = {"name": lab.name("x"), "version_aliases": {"stable": 1}}
    lab.operator.update_secret(request={"secret": secret, "update_mask": {"paths": ["version_aliases"]}})
    with store_of(lab) as store:
        assert store.get("x", version="stable") == "first"
        assert store.get(f"{lab.name('x')}/versions/stable") == "first"
        assert store.info("x", version="stable").version == "1"


@pytest.mark.parametrize("version", ["0", "01", "-1", "1/2", "a b", "1.0", "é"])
def test_versions_that_cannot_be(lab: GcpLab, version: str) -> None:
    """What is no version is refused before anything is asked."""
    gcp = lab.provider()
    with lab.counted() as asked, pytest.raises(InvalidReference, match="version"):
        gcp.read(gcp.path_of("x"), version)
    assert not asked


def test_resource_names_of_other_projects(lab: GcpLab) -> None:
    """One store reads the secrets of two projects, by name and by reference (S0.41)."""
    other = GcpLab(lab.server)
    lab.put("x", b"ours")
    other.put("x", b"theirs")
    with store_of(lab, prefix="ml-") as store:
        assert store.get(f"gcp://{other.project}/x") == "theirs"
        assert store.get(other.name("x")) == "theirs"
        assert store.get("gcp://x") == "ours"
    with store_of(other) as store:
        assert store.get("x") == "theirs"


def test_regional_secrets(lab: GcpLab) -> None:
    """A secret in a location is read, written, listed and deleted by its full name, beside a global one of its name."""
    lab.put("x", b"global")
    gcp = lab.provider()
    reference = parse_reference(lab.name("x", LOCATION))
    assert reference is not None
    path = gcp.place_of(reference).path
    gcp.write(path, "regional", create=True)
    gcp.modify(path, lambda document: f"{document.value if document else ''}!")
    assert gcp.read(path).value == "regional!"
    assert gcp.read(gcp.path_of("x")).value == "global"
    assert gcp.info(path).version == "2"
    gcp.delete(path)
    with pytest.raises(SecretNotFound, match="locations"):
        gcp.read(path)


def test_bytes_that_are_text_come_back_as_text(lab: GcpLab) -> None:
    """Secret Manager keeps bytes and no kind: what is valid UTF-8 reads as text, the same to the byte."""
    with store_of(lab) as store:
        store.set("pem", b"-----BEGIN EXAMPLE-----\n")
        assert store.get("pem").encode() == b"-----BEGIN EXAMPLE-----\n"
        store.set("der", b"\x30\x82\xff")
        assert store.get("der") == b"\x30\x82\xff"


def test_64_kib_and_no_more(lab: GcpLab) -> None:
    """A value of more than 64 KiB as UTF-8 is refused before it is sent."""
    gcp = lab.provider()
    gcp.write(gcp.path_of("x"), "é" * 32_768)
    with lab.counted() as asked:
        error = refused(Unsupported, lambda: gcp.write(gcp.path_of("x"), "é" * 32_768 + "x"), "ééé")
        refused(Unsupported, lambda: gcp.modify(gcp.path_of("new"), lambda _: "x" * 65_537), "xxx")
    assert "65536" in str(error)
    assert not [call for call in asked if call.startswith(("Add", "Create"))]


def test_an_empty_value_is_refused(lab: GcpLab) -> None:
    """The service takes no payload without bytes; we say so before it does."""
    gcp = lab.provider()
    with lab.counted() as asked, pytest.raises(Unsupported, match="empty value"):
        gcp.write(gcp.path_of("x"), b"")
    assert not asked


# -- checksums ---------------------------------------------------------------------------------------


def test_a_damaged_value_is_never_handed_out(lab: GcpLab) -> None:
    """What does not match the CRC32C of the server is an outage worth asking again, and no value."""
    lab.put("x", b"example-value")
    gcp = lab.provider()
    with lab.server.corrupt("x"):
        error = refused(BackendUnavailable, lambda: gcp.read(gcp.path_of("x")), "xample-value", "example-value")
    assert "CRC32C" in str(error)
    assert error.retry_for > 0
    assert gcp.read(gcp.path_of("x")).value == "example-value"


def test_a_checksum_is_sent(lab: GcpLab) -> None:
    """The server checks what we write: the version says that it was given a checksum."""
    gcp = lab.provider()
    gcp.write(gcp.path_of("x"), "example")
    version = lab.operator.get_secret_version(name=f"{lab.name('x')}/versions/1")
    assert version.client_specified_payload_checksum


def test_a_value_that_the_server_got_damaged(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the server finds another checksum, nothing was written and it is worth trying again."""
    gcp = lab.provider()
    gcp.write(gcp.path_of("x"), "before")
    monkeypatch.setattr("tacenda.providers._gcp_payload._crc32c", lambda data: 1)
    error = refused(BackendUnavailable, lambda: gcp.write(gcp.path_of("x"), "example-value"), "example-value")
    assert error.retry_for > 0
    monkeypatch.undo()
    assert gcp.read(gcp.path_of("x")).value == "before"


# -- missing, disabled, destroyed --------------------------------------------------------------------


def test_a_missing_secret(lab: GcpLab) -> None:
    """The message says where was looked, that it may have been deleted, and how to see what there is (S1.75, S1.76)."""
    gcp = lab.provider()
    with pytest.raises(SecretNotFound) as caught:
        gcp.read(gcp.path_of("nothing"))
    assert "deleted" in str(caught.value)
    assert f"gcloud secrets list --project={lab.project}" in str(caught.value.hint)


def test_a_secret_without_a_version(lab: GcpLab) -> None:
    """A secret that Terraform made is missing until it has a version, and the message says so."""
    lab.create("x")
    gcp = lab.provider()
    with pytest.raises(SecretNotFound, match="no versions"):
        gcp.read(gcp.path_of("x"))
    with pytest.raises(Conflict, match="exists") as caught:
        gcp.write(gcp.path_of("x"), "example", create=True)
    assert "first version" in str(caught.value.hint)
    gcp.write(gcp.path_of("x"), "example")
    assert gcp.read(gcp.path_of("x")).value == "example"


def test_a_disabled_version(lab: GcpLab) -> None:
    """A disabled version is there and not for reading: denied, with the command that enables it."""
    lab.put("x", b"first", b"second")
    lab.operator.disable_secret_version(name=f"{lab.name('x')}/versions/2")
    gcp = lab.provider()
    for ask in (gcp.read, gcp.info):
        with pytest.raises(AccessDenied, match="version 2 is disabled") as caught:
            ask(gcp.path_of("x"))
        assert f"gcloud secrets versions enable 2 --secret=x --project={lab.project}" in str(caught.value.hint)
    assert gcp.read(gcp.path_of("x"), "1").value == "first"


def test_a_destroyed_version(lab: GcpLab) -> None:
    """A destroyed version is missing for good; an older one does not stand in for it."""
    lab.put("x", b"first", b"second")
    lab.operator.destroy_secret_version(name=f"{lab.name('x')}/versions/2")
    gcp = lab.provider()
    for ask in (gcp.read, gcp.info):
        with pytest.raises(SecretNotFound, match="version 2 is destroyed"):
            ask(gcp.path_of("x"))


# -- writing -----------------------------------------------------------------------------------------


def test_tags_stand_beside_others(lab: GcpLab) -> None:
    """Tags are labels as `gcloud` shows them; those of others, such as Terraform's, stay."""
    lab.put("x", b"example", labels={"goog-terraform-provisioned": "true", "owner": "old"})
    gcp = lab.provider()
    info = gcp.write(gcp.path_of("x"), "new", tags={"owner": "example-team"})
    expected = {"goog-terraform-provisioned": "true", "owner": "example-team"}
    assert info.tags == gcp.info(gcp.path_of("x")).tags == dict(lab.get("x").labels) == expected


def test_tags_survive_another_writer(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels are changed by entity tag: of two writers neither loses its own."""
    lab.put("x", b"example")
    gcp = lab.provider()
    get = _gcp_secrets.Secrets.get
    races = iter([{"theirs": "1"}])

    def raced(secrets: _gcp_secrets.Secrets, at: SecretName) -> Any:
        found = get(secrets, at)
        for labels in races:
            mask = {"paths": ["labels"]}
            lab.operator.update_secret(secret={"name": lab.name("x"), "labels": labels}, update_mask=mask)
        return found

    monkeypatch.setattr(_gcp_secrets.Secrets, "get", raced)
    gcp.write(gcp.path_of("x"), "new", tags={"ours": "2"})
    assert dict(lab.get("x").labels) == {"theirs": "1", "ours": "2"}


def test_tags_that_cannot_be_kept(lab: GcpLab) -> None:
    """A tag that no label can hold is refused before the value is written."""
    gcp = lab.provider()
    with lab.counted() as asked, pytest.raises(Unsupported, match="Owner"):
        gcp.write(gcp.path_of("x"), "example", tags={"Owner": "Example Team"})
    assert not asked


def test_creating_while_another_does(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """`set` of a new secret that somebody else creates in between is a new version of it."""
    gcp = lab.provider()
    create = _gcp_secrets.Secrets.create

    def raced(secrets: _gcp_secrets.Secrets, at: SecretName, **fields: Any) -> Any:
        lab.put("x", b"theirs")
        return create(secrets, at, **fields)

    monkeypatch.setattr(_gcp_secrets.Secrets, "create", raced)
    assert gcp.write(gcp.path_of("x"), "ours").version == "2"
    monkeypatch.undo()
    with pytest.raises(Conflict):
        gcp.write(gcp.path_of("x"), "ours", create=True)


def test_creating_is_repeated_after_an_outage(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret whose first version could not be written is ours when the store repeats the write, but only once."""
    gcp = lab.provider()
    create = _gcp_secrets.Secrets.create

    def then_down(secrets: _gcp_secrets.Secrets, at: SecretName, **fields: Any) -> Any:
        made = create(secrets, at, **fields)
        faults.append(lab.server.unavailable())
        return made

    faults: list[Any] = []
    monkeypatch.setattr(_gcp_secrets.Secrets, "create", then_down)
    with pytest.raises(BackendUnavailable):
        gcp.write(gcp.path_of("x"), "example", create=True)
    monkeypatch.undo()
    faults[0].end()
    gcp.write(gcp.path_of("x"), "example", create=True)
    with pytest.raises(Conflict):
        gcp.write(gcp.path_of("x"), "example", create=True)
    assert value(gcp.read(gcp.path_of("x"))) == "example"


def test_times_of_an_earlier_version(lab: GcpLab) -> None:
    """`created` is when the version was written, `updated` when the newest one was."""
    lab.put("x", b"first", b"second")
    gcp = lab.provider()
    first, latest = gcp.info(gcp.path_of("x"), "1"), gcp.info(gcp.path_of("x"))
    assert first.created is not None
    assert latest.created is not None
    assert first.created < latest.created == latest.updated == first.updated


# -- listing -----------------------------------------------------------------------------------------


def test_listing_goes_through_all_pages(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small a page is, every secret is listed once; a prefix is one at the beginning only."""
    monkeypatch.setattr(_gcp_secrets, "PAGE", 2)
    names = ["a-1", "a-2", "a-3", "b-a-1", "b-a-2"]
    for name in names:
        lab.create(name)
    gcp = lab.provider()
    with lab.counted() as asked:
        assert sorted(info.name for info in gcp.list("")) == names
    assert asked == ["ListSecrets"] * 3
    assert sorted(info.name for info in gcp.list("a-")) == names[:3]


@pytest.mark.parametrize("prefix", ["team/", "a b", "x OR name:y", '"', "ü"])
def test_prefixes_that_no_name_has(lab: GcpLab, prefix: str) -> None:
    """A prefix that no secret can have lists nothing, and never gets into a filter."""
    lab.create("x")
    with lab.counted() as asked:
        assert list(lab.provider().list(prefix)) == []
    assert not asked


# -- failures ----------------------------------------------------------------------------------------


def test_denied(lab: GcpLab) -> None:
    """Denied is not missing, and the hint is gcloud's own command (S1.74, S1.76)."""
    lab.put("x", b"example-value")
    gcp = lab.provider()
    with lab.server.denied("x"):
        error = refused(AccessDenied, lambda: gcp.read(gcp.path_of("x")), "example-value")
    assert "secretmanager.versions.access" in str(error)
    assert f"gcloud secrets describe x --project={lab.project}" in str(error.hint)


def test_throttled(lab: GcpLab) -> None:
    """A quota is worth waiting for, for as long as the server says."""
    lab.put("x", b"example")
    gcp = lab.provider()
    with lab.server.throttled(retry_after=2.5):
        error = refused(Throttled, lambda: gcp.read(gcp.path_of("x")))
    assert (error.retry_for, error.retry_after) == (180.0, 2.5)


def test_a_busy_server_and_none(lab: GcpLab) -> None:
    """A server that says that it is unavailable is worth three minutes, one that is not there ten seconds."""
    lab.put("x", b"example")
    gcp = lab.provider()
    with lab.server.unavailable():
        busy = refused(BackendUnavailable, lambda: gcp.read(gcp.path_of("x")))
    with lab.server.down():
        gone = refused(BackendUnavailable, lambda: gcp.read(gcp.path_of("x")))
        fresh = refused(BackendUnavailable, lambda: lab.provider().read(gcp.path_of("x")))
    assert (busy.retry_for, gone.retry_for, fresh.retry_for) == (180.0, 10.0, 10.0)


def test_an_unknown_host() -> None:
    """A host that nobody knows is an outage, not a missing secret."""
    settings = {"project_id": "p", "api_endpoint": "http://secretmanager.invalid:1", "allow_http": True}
    gcp = GcpProvider(settings, Path())
    error = refused(BackendUnavailable, lambda: gcp.read("p/x"))
    assert error.retry_for == 10.0
    assert "api_endpoint" in str(error.hint)


class _Answer:
    """An error as the SDK raises it, for answers that the double cannot give."""

    def __init__(self, code: str, message: str = "what the server said", **more: Any) -> None:
        import grpc

        self.grpc_status_code = getattr(grpc.StatusCode, code, None)
        self.message, self.details = message, ()
        self.reason = more.get("reason")


@pytest.mark.parametrize(
    ("code", "kind", "retry_for"),
    [
        ("DEADLINE_EXCEEDED", BackendUnavailable, 180.0),
        ("UNIMPLEMENTED", BackendUnavailable, 0.0),
        ("INTERNAL", BackendUnavailable, 0.0),
        ("UNKNOWN", BackendUnavailable, 0.0),
        ("ABORTED", Conflict, 0.0),
        ("INVALID_ARGUMENT", InvalidReference, 0.0),
        ("UNAUTHENTICATED", AccessDenied, 0.0),
        ("FAILED_PRECONDITION", AccessDenied, 0.0),  # a customer's own key that is disabled
    ],
)
def test_other_answers(code: str, kind: type[Exception], retry_for: float) -> None:
    """Each answer of the server has one meaning, with its own words and a way on."""
    error = failure(_Answer(code), Asked("Google Secret Manager at x", "read", SecretName("p", None, "x")))
    assert type(error) is kind
    assert error.retry_for == retry_for
    assert "what the server said" in str(error)


@pytest.mark.parametrize("code", ["ABORTED", "FAILED_PRECONDITION", "INVALID_ARGUMENT", "NOT_FOUND", "UNKNOWN"])
def test_answers_about_a_place(code: str) -> None:
    """What goes wrong in listing is told of the project, which is no secret and has no name."""
    error = failure(_Answer(code), Asked("Google Secret Manager at x", "list what is in", SecretName("p", None)))
    assert "list what is in projects/p: " in str(error)
    assert error.name is None


def test_the_api_is_off() -> None:
    """A project whose API was never enabled says so, with the command that enables it."""
    answer = _Answer("PERMISSION_DENIED", reason="SERVICE_DISABLED")
    error = failure(answer, Asked("Google Secret Manager at x", "read", SecretName("p", None, "x")))
    assert isinstance(error, AccessDenied)
    assert "gcloud services enable secretmanager.googleapis.com --project=p" in str(error.hint)


def test_values_stay_out_of_the_sdks_log(lab: GcpLab, caplog: pytest.LogCaptureFixture) -> None:
    """Google's SDK logs whole requests and answers at DEBUG, values in base64; ours not, those of others as before."""
    sdk = logging.getLogger("google.cloud")
    caplog.set_level(logging.DEBUG, sdk.name)
    sdk.addHandler(caplog.handler)
    try:
        gcp = lab.provider()
        gcp.write(gcp.path_of("x"), "example-value")
        gcp.read(gcp.path_of("x"))
        ours = [vars(record) for record in caplog.records]
        lab.operator.access_secret_version(name=f"{lab.name('x')}/versions/latest")
    finally:
        sdk.removeHandler(caplog.handler)
    encoded = base64.b64encode(b"example-value").decode()
    assert encoded not in str(ours)
    assert encoded in str([vars(record) for record in caplog.records])


def test_without_the_sdk(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the SDK the error names the extra (S0.14)."""
    monkeypatch.setitem(sys.modules, "google.cloud.secretmanager_v1", None)
    with pytest.raises(MissingDependency) as caught:
        lab.provider().read("p/x")
    assert "tacenda[gcp]" in str(caught.value)


def test_no_project_anywhere(lab: GcpLab) -> None:
    """Without a project the message names the setting (S0.15)."""
    gcp = lab.provider(project_id=None)
    with pytest.raises(ConfigurationError, match="project_id"):
        gcp.read(gcp.path_of("x"))
    with pytest.raises(ConfigurationError, match="project_id"):
        gcp.check()


# -- check -------------------------------------------------------------------------------------------


def test_check_reads_no_secret(lab: GcpLab) -> None:
    """`check` asks for the names of at most one secret, and is content if it may not."""
    lab.put("x", b"example")
    gcp = lab.provider()
    with lab.counted() as asked:
        gcp.check()
        with lab.server.only_access():
            gcp.check()
    assert asked == ["ListSecrets"] * 2


def test_check_finds_a_server_that_is_down(lab: GcpLab) -> None:
    """`check` fails where reads would."""
    gcp = lab.provider()
    with lab.server.down(), pytest.raises(BackendUnavailable):
        gcp.check()


# -- one client --------------------------------------------------------------------------------------


def test_entries_share_a_client(lab: GcpLab) -> None:
    """Two entries with the same endpoint and project use one connection, which the last one closes."""
    lab.put("a-x", b"1")
    lab.put("b-x", b"2")
    first, second = lab.provider(prefix="a-"), lab.provider(prefix="b-")
    paths = [provider.places("x")[0].path for provider in (first, second)]
    assert [first.read(paths[0]).value, second.read(paths[1]).value] == ["1", "2"]
    assert first._place()[0].client is second._place()[0].client
    first.close()
    assert second.read(paths[1]).value == "2"
    second.close()
    assert second.read(paths[1]).value == "2"


def test_closed_by_another_thread(lab: GcpLab) -> None:
    """A call on a connection that another thread closes is worth repeating, and the next one works."""
    lab.put("x", b"example")
    gcp = lab.provider()
    gcp.check()
    secrets, _ = gcp._place()
    at = SecretName(lab.project, None, "x")
    gcp.close()
    error = refused(BackendUnavailable, lambda: secrets.read(at))
    assert error.retry_for > 0
    assert gcp.read(gcp.path_of("x")).value == "example"


def test_many_threads(lab: GcpLab) -> None:
    """16 threads read different secrets over one client, each its own."""
    for number in range(16):
        lab.put(f"x-{number}", b"%d" % number)
    gcp = lab.provider()
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda number: value(gcp.read(gcp.path_of(f"x-{number % 16}"))), range(160)))
    assert found == [str(number % 16) for number in range(160)]


_FORKING = """
import os, sys, tacenda
entry = {"provider": "gcp", "project_id": "p", "api_endpoint": sys.argv[1]}
store = tacenda.open_store(config={"stacks": {"x": {"secrets": entry, "cache_ttl": 0}}})
store.set("x", "example")
for _ in range(3):
    assert store.get("x") == "example"
    child = os.fork()
    if child == 0:
        os._exit(0 if store.get("x") == "example" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("done")
"""


@pytest.mark.parametrize("tls", [False, True])
def test_after_a_fork(monkeypatch: pytest.MonkeyPatch, tls: bool) -> None:
    """Forked children have channels and logins of their own, and the parent's still work; also with TLS.

    The double is another process: gRPC's server has threads that a fork would lose.
    """
    command = [sys.executable, "-W", "ignore", "-m", "tacenda.testing.gcp", "--port", "0", *["--tls"][:tls]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            printed = "".join(iter(running.stdout.readline, "# ready\n"))
            for name, written in re.findall(r"export (\w+)=(.*)", printed):
                monkeypatch.setenv(name, *shlex.split(written))
            found = re.search(r"api_endpoint: '?([\w:/.]+)", printed)
            assert found
            assert program(_FORKING, found[1]) == "done\n"
        finally:
            running.terminate()


_IMPORTS = """
import sys, tacenda.providers.gcp
assert not {"google", "grpc"} & set(sys.modules)
import tacenda
entry = {"provider": "gcp", "project_id": "p", "api_endpoint": sys.argv[1]}
store = tacenda.open_store(config={"stacks": {"x": {"secrets": entry}}})
assert store.get("x", default="none") == "none"
print(sorted({"boto3", "botocore", "azure", "hvac", "google"} & set(sys.modules)))
"""


def test_no_other_cloud_is_loaded(lab: GcpLab) -> None:
    """Opening a store loads no SDK, and reading from Google loads Google's only."""
    assert program(_IMPORTS, lab.server.url) == "['google']\n"
