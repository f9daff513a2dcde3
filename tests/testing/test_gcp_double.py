"""The Secret Manager double serves the real SDK as the service does: resources, versions, limits and messages."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import google_crc32c
import pytest
from google.api_core import exceptions
from google.cloud import secretmanager_v1
from hypothesis import given, settings
from hypothesis import strategies as st

from tacenda.testing import GcpSecretManager, gcp_secret_manager
from tacenda.testing._gcp._errors import Refused
from tacenda.testing._gcp._names import parse

AUTOMATIC = {"replication": {"automatic": {}}}
PARENT = "projects/example-project"


@pytest.fixture(scope="module")
def server() -> Iterator[GcpSecretManager]:
    with gcp_secret_manager() as running:
        yield running


@pytest.fixture
def client(server: GcpSecretManager) -> Any:
    server.reset()
    return server.client("service_account")


def add(client: Any, name: str, *payloads: bytes, **secret: Any) -> str:
    """Create a secret with a version for each payload, and return its name as a user writes it."""
    client.create_secret(parent=PARENT, secret_id=name, secret={**AUTOMATIC, **secret})
    for payload in payloads:
        client.add_secret_version(parent=f"{PARENT}/secrets/{name}", payload={"data": payload})
    return f"{PARENT}/secrets/{name}"


def value(client: Any, name: str, version: object = "latest") -> bytes:
    return client.access_secret_version(name=f"{name}/versions/{version}").payload.data


class TestVersions:
    def test_values_come_back_as_they_were_with_their_checksum(self, client: Any) -> None:
        """Any bytes are stored exactly; the answer has their CRC32C, and the project's number in the name."""
        payload = bytes(range(256))
        name = add(client, "api-keys", payload)
        answer = client.access_secret_version(name=f"{name}/versions/latest")
        assert answer.payload.data == payload
        assert answer.payload.data_crc32c == google_crc32c.value(payload)
        project = answer.name.split("/")[1]
        assert project.isdigit()
        assert answer.name == f"projects/{project}/secrets/api-keys/versions/1"
        assert value(client, f"projects/{project}/secrets/api-keys") == payload

    @settings(max_examples=25, deadline=None)
    @given(payload=st.binary(min_size=1, max_size=2000))
    def test_any_payload_round_trips(self, server: GcpSecretManager, payload: bytes) -> None:
        """Whatever is stored is what is read."""
        client = server.client()
        server.reset()
        assert value(client, add(client, "any", payload)) == payload
        client.transport.close()

    def test_versions_are_numbered_and_latest_is_the_newest(self, client: Any) -> None:
        """Versions count from 1, `latest` is the last one added, and the newest is listed first."""
        name = add(client, "api-keys", b"one", b"two", b"three")
        assert [value(client, name, version) for version in (1, 2, 3, "latest")] == [b"one", b"two", b"three", b"three"]
        listed = [version.name.rpartition("/")[2] for version in client.list_secret_versions(parent=name)]
        assert listed == ["3", "2", "1"]
        assert client.get_secret_version(name=f"{name}/versions/latest").name.endswith("/versions/3")

    def test_latest_is_not_the_newest_enabled_one(self, client: Any) -> None:
        """A disabled or destroyed newest version is refused in the service's words; no older one is given instead."""
        name = add(client, "api-keys", b"one", b"two")
        for change, state in (
            (client.disable_secret_version, "DISABLED"),
            (client.destroy_secret_version, "DESTROYED"),
        ):
            version = change(name=f"{name}/versions/2")
            assert version.state.name == state
            with pytest.raises(exceptions.FailedPrecondition) as caught:
                value(client, name)
            assert caught.value.message == f"Secret Version [{version.name}] is in {state} state."
        assert value(client, name, 1) == b"one"

    def test_a_disabled_version_can_be_enabled_a_destroyed_one_cannot(self, client: Any) -> None:
        """Disabling is undone by enabling; destroying is for good, and tells when it happened."""
        name = f"{add(client, 'api-keys', b'one')}/versions/1"
        client.disable_secret_version(name=name)
        assert client.enable_secret_version(name=name).state.name == "ENABLED"
        assert client.access_secret_version(name=name).payload.data == b"one"
        assert client.destroy_secret_version(name=name).destroy_time
        for change in (client.enable_secret_version, client.disable_secret_version, client.destroy_secret_version):
            with pytest.raises(exceptions.FailedPrecondition, match="is in DESTROYED state"):
                change(name=name)

    def test_versions_added_at_once_are_all_there(self, client: Any) -> None:
        """Several writers at a time each get a version of their own."""
        name = add(client, "api-keys")
        payloads = [b"%d" % number for number in range(24)]
        with ThreadPoolExecutor(8) as pool:
            added = pool.map(
                lambda payload: client.add_secret_version(parent=name, payload={"data": payload}), payloads
            )
        numbers = [version.name.rpartition("/")[2] for version in added]
        assert sorted(map(int, numbers)) == list(range(1, 25))
        assert [value(client, name, number) for number in numbers] == payloads

    def test_aliases_name_versions(self, client: Any) -> None:
        """An alias set on the secret reads its version; an unknown one, and one for no version, are refused."""
        name = add(client, "api-keys", b"one", b"two")
        alias = {"name": name, "version_aliases": {"stable": 1}}
        client.update_secret(secret=alias, update_mask={"paths": ["version_aliases"]})
        assert value(client, name, "stable") == b"one"
        with pytest.raises(exceptions.NotFound):
            value(client, name, "unknown")
        for wrong in ({"stable": 7}, {"latest": 1}, {"7up": 1}):
            with pytest.raises(exceptions.InvalidArgument):
                client.update_secret(
                    secret={"name": name, "version_aliases": wrong}, update_mask={"paths": ["version_aliases"]}
                )


class TestPayloads:
    def test_the_limit_is_64_kib(self, client: Any) -> None:
        """65,536 bytes are accepted, one more is INVALID_ARGUMENT."""
        name = add(client, "large", b"x" * 65_536)
        with pytest.raises(exceptions.InvalidArgument):
            client.add_secret_version(parent=name, payload={"data": b"x" * 65_537})
        assert len(value(client, name)) == 65_536

    def test_there_is_no_empty_payload(self, client: Any) -> None:
        """A version without payload, and one with an empty one, are INVALID_ARGUMENT, as in the service."""
        name = add(client, "empty")
        with pytest.raises(exceptions.InvalidArgument, match=r"Field \[payload\] is required\."):
            client.add_secret_version(request={"parent": name})
        with pytest.raises(exceptions.InvalidArgument):
            client.add_secret_version(parent=name, payload={"data": b""})

    def test_a_checksum_that_is_sent_is_checked(self, client: Any) -> None:
        """A wrong CRC32C is INVALID_ARGUMENT and stores nothing; a right one is noted in the version."""
        name = add(client, "checked")
        right = google_crc32c.value(b"one")
        with pytest.raises(exceptions.InvalidArgument):
            client.add_secret_version(parent=name, payload={"data": b"one", "data_crc32c": right + 1})
        version = client.add_secret_version(parent=name, payload={"data": b"one", "data_crc32c": right})
        assert version.client_specified_payload_checksum
        assert version.name.endswith("/versions/1")


class TestSecrets:
    @given(
        project=st.from_regex(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", fullmatch=True),
        location=st.none() | st.from_regex(r"[a-z]+-[a-z]+[1-9]", fullmatch=True),
        secret=st.from_regex(r"[A-Za-z0-9_-]{1,255}", fullmatch=True),
        version=st.just("latest") | st.integers(min_value=1).map(str),
    )
    def test_every_name_means_one_thing(self, project: str, location: str | None, secret: str, version: str) -> None:
        """Any legal name is understood, by the project's id as by its number, and written back with the number."""
        place = f"/locations/{location}" if location else ""
        name = f"projects/{project}{place}/secrets/{secret}/versions/{version}"
        resource = parse(name, "version")
        assert str(resource) == name.replace(f"projects/{project}", f"projects/{resource.project}", 1)
        assert parse(str(resource), "version") == resource
        for kind in ("parent", "secret"):
            with pytest.raises(Refused):
                parse(name, kind)

    def test_a_secret_has_what_it_was_created_with(self, client: Any) -> None:
        """Labels, annotations, replication and time of creation come back; the name has the project's number."""
        name = add(client, "api-keys", labels={"team": "data"}, annotations={"Owner": "ops@example.com"})
        secret = client.get_secret(name=name)
        assert (dict(secret.labels), dict(secret.annotations)) == ({"team": "data"}, {"Owner": "ops@example.com"})
        assert "automatic" in secret.replication
        assert secret.create_time
        assert secret.name.split("/")[1].isdigit()

    def test_what_cannot_be_created(self, client: Any) -> None:
        """A taken id is ALREADY_EXISTS; a bad id, no replication, no secret and bad labels are INVALID_ARGUMENT."""
        add(client, "taken")
        with pytest.raises(exceptions.AlreadyExists, match=r"Secret \[projects/\d+/secrets/taken\] already exists."):
            add(client, "taken")
        for wrong in ("a b", "a.b", "", "x" * 256, "ä"):
            with pytest.raises(exceptions.InvalidArgument):
                add(client, wrong)
        add(client, "x" * 255)
        with pytest.raises(exceptions.InvalidArgument):
            client.create_secret(parent=PARENT, secret_id="none", secret={"labels": {"a": "b"}})
        with pytest.raises(exceptions.InvalidArgument, match=r"Secret must be provided\."):
            client.create_secret(request={"parent": PARENT, "secret_id": "none"})
        for labels in ({"Team": "a"}, {"team": "A"}, {"1": "a"}, {"a" * 64: "a"}, {f"l{n}": "" for n in range(65)}):
            with pytest.raises(exceptions.InvalidArgument):
                add(client, "labels", labels=labels)
        with pytest.raises(exceptions.InvalidArgument):
            add(client, "annotations", annotations={"a": "x" * 16_384})

    def test_what_does_not_exist(self, client: Any) -> None:
        """Missing secrets, versions and secrets without versions are NOT_FOUND, in the service's words."""
        name = add(client, "empty")
        missing = f"{PARENT}/secrets/missing"
        for call in (
            lambda: value(client, missing),
            lambda: value(client, name),
            lambda: client.get_secret_version(name=f"{missing}/versions/1"),
        ):
            with pytest.raises(
                exceptions.NotFound, match=r"^404 Secret \[projects/\d+/secrets/\w+\] not found or has no v"
            ):
                call()
        client.add_secret_version(parent=name, payload={"data": b"one"})
        with pytest.raises(
            exceptions.NotFound, match=r"Secret Version \[projects/\d+/secrets/empty/versions/2\] not found"
        ):
            value(client, name, 2)
        for call in (
            lambda: client.get_secret(name=missing),
            lambda: client.delete_secret(name=missing),
            lambda: client.add_secret_version(parent=missing, payload={"data": b"x"}),
            lambda: list(client.list_secret_versions(parent=missing)),
        ):
            with pytest.raises(exceptions.NotFound):
                call()

    def test_names_that_are_none(self, client: Any) -> None:
        """A name of another form is INVALID_ARGUMENT, quoted in the message."""
        for name in ("api-keys", f"{PARENT}/secrets/api-keys", f"{PARENT}/secrets/a b/versions/1", "projects/p"):
            with pytest.raises(exceptions.InvalidArgument) as caught:
                client.access_secret_version(name=name)
            assert caught.value.message == f"Resource ID [{name}] is not in a valid format."

    def test_a_deleted_secret_is_gone_at_once_and_for_good(self, client: Any) -> None:
        """Deletion takes all versions; the id can be used again, and starts at version 1."""
        name = add(client, "api-keys", b"one", b"two")
        client.delete_secret(name=name)
        with pytest.raises(exceptions.NotFound):
            value(client, name)
        assert value(client, add(client, "api-keys", b"new"), 1) == b"new"

    def test_an_expired_secret_is_gone(self, client: Any) -> None:
        """`ttl` becomes the time of expiry; a secret that has passed it is NOT_FOUND."""
        name = add(client, "short", b"one", ttl={"seconds": 3600})
        assert client.get_secret(name=name).expire_time
        past = {"name": name, "expire_time": "2020-01-01T00:00:00Z"}
        client.update_secret(
            secret=secretmanager_v1.Secret.from_json(_json(past)), update_mask={"paths": ["expire_time"]}
        )
        with pytest.raises(exceptions.NotFound):
            value(client, name)

    def test_regional_secrets_are_apart(self, client: Any) -> None:
        """A regional secret is another one than the global one of its name, and has no replication."""
        parent = f"{PARENT}/locations/europe-west3"
        regional = client.create_secret(parent=parent, secret_id="api-keys", secret={})
        client.add_secret_version(parent=regional.name, payload={"data": b"regional"})
        name = add(client, "api-keys", b"global")
        assert value(client, f"{parent}/secrets/api-keys") == b"regional"
        assert value(client, name) == b"global"
        assert [secret.name for secret in client.list_secrets(parent=parent)] == [regional.name]
        with pytest.raises(exceptions.InvalidArgument):
            client.create_secret(parent=parent, secret_id="replicated", secret=AUTOMATIC)

    def test_projects_are_apart(self, client: Any) -> None:
        """One name in two projects is two secrets (claim S0.41)."""
        name = add(client, "api-keys", b"one")
        other = client.create_secret(parent="projects/other", secret_id="api-keys", secret=AUTOMATIC).name
        client.add_secret_version(parent=other, payload={"data": b"two"})
        assert (value(client, name), value(client, "projects/other/secrets/api-keys")) == (b"one", b"two")

    def test_user_managed_replication_is_shown_in_versions(self, client: Any) -> None:
        """The locations of replicas appear in each version's replication status."""
        replicas = [{"location": "europe-west1"}, {"location": "europe-west3"}]
        name = add(client, "replicated", b"one", replication={"user_managed": {"replicas": replicas}})
        status = client.get_secret_version(name=f"{name}/versions/1").replication_status
        assert [replica.location for replica in status.user_managed.replicas] == ["europe-west1", "europe-west3"]


def _json(message: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{key}": "{text}"' for key, text in message.items()) + "}"


class TestEtags:
    def test_an_update_changes_the_named_fields_and_the_etag(self, client: Any) -> None:
        """Only the fields of the mask change; a change without effect gives a new etag too."""
        name = add(client, "api-keys", labels={"team": "data"}, annotations={"a": "b"})
        before = client.get_secret(name=name)
        change = {"name": name, "labels": {"team": "ops"}, "annotations": {}}
        after = client.update_secret(secret=change, update_mask={"paths": ["labels"]})
        assert (dict(after.labels), dict(after.annotations)) == ({"team": "ops"}, {"a": "b"})
        again = client.update_secret(secret=change, update_mask={"paths": ["labels"]})
        assert len({before.etag, after.etag, again.etag}) == 3
        assert before.etag.startswith('"')
        assert before.etag.endswith('"')

    def test_a_stale_etag_is_refused(self, client: Any) -> None:
        """Update, delete and changes of state with an old etag are FAILED_PRECONDITION and change nothing."""
        name = add(client, "api-keys", b"one")
        version = client.get_secret_version(name=f"{name}/versions/1")
        stale = client.get_secret(name=name).etag
        fresh = client.update_secret(
            secret={"name": name, "labels": {"a": "b"}, "etag": stale}, update_mask={"paths": ["labels"]}
        ).etag
        client.enable_secret_version(name=version.name)
        for call in (
            lambda: client.update_secret(secret={"name": name, "etag": stale}, update_mask={"paths": ["labels"]}),
            lambda: client.delete_secret(request={"name": name, "etag": stale}),
            lambda: client.disable_secret_version(request={"name": version.name, "etag": version.etag}),
            lambda: client.destroy_secret_version(request={"name": version.name, "etag": version.etag}),
        ):
            with pytest.raises(exceptions.FailedPrecondition, match="etag"):
                call()
        assert client.get_secret(name=name).etag == fresh
        client.delete_secret(request={"name": name, "etag": fresh})

    def test_a_version_has_an_etag_of_its_own(self, client: Any) -> None:
        """Adding or changing a version leaves the secret's etag alone (documentation: Etags)."""
        name = add(client, "api-keys", b"one")
        before = client.get_secret(name=name).etag
        client.disable_secret_version(name=f"{name}/versions/1")
        assert client.get_secret(name=name).etag == before

    def test_what_an_update_cannot_change(self, client: Any) -> None:
        """An empty mask, and fields that never change, are INVALID_ARGUMENT."""
        name = add(client, "api-keys")
        for paths in ([], ["name"], ["replication"], ["create_time"], ["nonsense"]):
            with pytest.raises(exceptions.InvalidArgument):
                client.update_secret(secret={"name": name}, update_mask={"paths": paths})


class TestListing:
    def test_pages(self, client: Any) -> None:
        """Pages have the asked size and follow each other; the total is told; the SDK's pager sees each secret once."""
        for number in range(7):
            add(client, f"secret-{number}")
        first = client.list_secrets(request={"parent": PARENT, "page_size": 3})
        assert len(list(next(first.pages).secrets)) == 3
        assert first.total_size == 7
        assert first.next_page_token
        names = [
            secret.name.rpartition("/")[2] for secret in client.list_secrets(request={"parent": PARENT, "page_size": 3})
        ]
        assert names == [f"secret-{number}" for number in range(7)]
        assert len(list(client.list_secrets(request={"parent": PARENT, "page_size": 100_000}))) == 7
        for wrong in ({"page_size": -1}, {"page_token": "nonsense"}):
            with pytest.raises(exceptions.InvalidArgument):
                list(client.list_secrets(request={"parent": PARENT, **wrong}))

    @pytest.mark.parametrize(
        ("expression", "found"),
        [
            ("", ["app-db", "app-key", "other"]),
            ("name:app", ["app-db", "app-key"]),
            ("name:APP", ["app-db", "app-key"]),
            ("name=other", ["other"]),
            ("labels.team=data", ["app-db"]),
            ("labels.team:*", ["app-db", "other"]),
            ("labels.env:*", []),
            ("NOT name:app", ["other"]),
            ("-labels.team:*", ["app-key"]),
            ("name:db OR name:other", ["app-db", "other"]),
            ("name:app AND labels.team:data", ["app-db"]),
            ("name:app labels.team:data", ["app-db"]),
            ('name:"app-k"', ["app-key"]),
        ],
    )
    def test_filters(self, client: Any, expression: str, found: list[str]) -> None:
        """Terms on name and labels, joined by AND and OR, choose what is listed."""
        for name, labels in (("app-db", {"team": "data"}), ("app-key", {}), ("other", {"team": "ops"})):
            add(client, name, labels=labels)
        listed = client.list_secrets(request={"parent": PARENT, "filter": expression})
        assert [secret.name.rpartition("/")[2] for secret in listed] == found

    def test_versions_are_filtered_by_state(self, client: Any) -> None:
        """`state:ENABLED` lists what can be read."""
        name = add(client, "api-keys", b"one", b"two")
        client.disable_secret_version(name=f"{name}/versions/2")
        enabled = list(client.list_secret_versions(request={"parent": name, "filter": "state:ENABLED"}))
        assert [version.name.rpartition("/")[2] for version in enabled] == ["1"]

    @pytest.mark.parametrize("expression", ["name:(a", "create_time > 2020", "name:a OR", "OR name:a", "colour:red"])
    def test_filters_that_are_not_understood_are_refused(self, client: Any, expression: str) -> None:
        """A filter is INVALID_ARGUMENT rather than ignored."""
        add(client, "api-keys")
        with pytest.raises(exceptions.InvalidArgument):
            list(client.list_secrets(request={"parent": PARENT, "filter": expression}))


def test_calls_tell_what_was_asked(server: GcpSecretManager, client: Any) -> None:
    """Each RPC is noted with its resource as the request named it, whatever it was answered; the operator's are not."""
    name = add(client, "api-keys", b"one")
    server.client().get_secret(name=name)
    value(client, name)
    with pytest.raises(exceptions.NotFound):
        value(client, f"{PARENT}/secrets/missing", 3)
    assert server.calls == [
        f"CreateSecret {PARENT}/secrets/api-keys",
        f"AddSecretVersion {PARENT}/secrets/api-keys",
        f"AccessSecretVersion {PARENT}/secrets/api-keys/versions/latest",
        f"AccessSecretVersion {PARENT}/secrets/missing/versions/3",
    ]


def test_what_the_double_does_not_serve_is_unimplemented(client: Any) -> None:
    """A method that the double does not know is UNIMPLEMENTED, not a wrong answer."""
    for call, request in (
        (client.list_locations, {"name": PARENT}),
        (client.get_iam_policy, {"resource": f"{PARENT}/secrets/x"}),
    ):
        with pytest.raises(exceptions.MethodNotImplemented):
            call(request=request)


def test_put_stores_in_one_step(server: GcpSecretManager, client: Any) -> None:
    """`put` creates the secret if need be and adds a version, in any project, and is not among the calls."""
    assert server.put("api-keys", b"one").endswith("/secrets/api-keys/versions/1")
    assert server.put("api-keys", b"two").endswith("/secrets/api-keys/versions/2")
    server.put("api-keys", b"other", project="other-project")
    assert server.calls == []
    assert value(client, f"{PARENT}/secrets/api-keys") == b"two"
    assert value(client, "projects/other-project/secrets/api-keys") == b"other"


def test_reset_forgets(server: GcpSecretManager, client: Any) -> None:
    """After `reset` there are no secrets, no calls and no faults."""
    add(client, "api-keys")
    server.denied()
    server.reset()
    assert server.calls == []
    assert list(client.list_secrets(parent=PARENT)) == []
