"""Updating a secret of Secret Manager: no writer's keys are lost, whoever comes between."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from gcp_lab import GcpLab, value

import tacenda
from tacenda.errors import AccessDenied, BackendUnavailable, Conflict, SecretNotFound, Unsupported
from tacenda.providers import Document, _gcp_secrets, _gcp_update
from tacenda.providers._base import Value
from tacenda.providers._gcp_names import SecretName
from tacenda.providers._gcp_payload import Payload
from tacenda.providers._gcp_update import ANNOTATION
from tacenda.providers._shared_clients import SharedClients
from tacenda.providers.gcp import GcpProvider
from tacenda.testing import GcpSecretManager, gcp_secret_manager

Changed = Callable[[Document | None], Value]


@pytest.fixture(scope="module")
def server() -> Iterator[GcpSecretManager]:
    with gcp_secret_manager() as server:
        yield server


@pytest.fixture
def lab(server: GcpSecretManager) -> GcpLab:
    lab = GcpLab(server)
    lab.put("x", b'{"FIRST": "value"}')
    return lab


def with_key(key: str) -> Changed:
    """Return a change that adds a key."""

    def change(document: Document | None) -> Value:
        content = json.loads(value(document)) if document else {}
        return {**content, key: "value"}

    return change


def keys(gcp: GcpProvider) -> list[str]:
    """Return the keys of the secret `x`."""
    return sorted(json.loads(value(gcp.read(gcp.path_of("x")))))


def update(gcp: GcpProvider, key: str) -> Any:
    return gcp.modify(gcp.path_of("x"), with_key(key))


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that lets something happen once, just before a version is added."""

    def before(what: Callable[[], Any], times: int = 1) -> None:
        add, left = _gcp_secrets.Secrets.add, iter(range(times))

        def interrupted(secrets: Any, at: SecretName, payload: Payload, **options: Any) -> Any:
            for _ in itertools.islice(left, 1):
                what()
            return add(secrets, at, payload, **options)

        monkeypatch.setattr(_gcp_secrets.Secrets, "add", interrupted)

    return before


def test_requests_of_an_update(lab: GcpLab) -> None:
    """An update takes its turn, reads, sees that nothing follows, writes, and lets the next one have its turn."""
    gcp = lab.provider()
    with lab.counted() as asked:
        assert update(gcp, "KEY").version == "2"
    turn, reads = ["GetSecret", "UpdateSecret"], ["AccessSecretVersion"] * 2
    assert asked == [*turn, *reads, "AddSecretVersion", "UpdateSecret"]
    assert keys(gcp) == ["FIRST", "KEY"]
    assert ANNOTATION not in lab.get("x").annotations


def test_settings_of_others_stay(lab: GcpLab) -> None:
    """Annotations and labels that others have set are there after an update."""
    lab.put("y", b"{}", annotations={"tool": "example"}, labels={"team": "data"})
    gcp = lab.provider()
    gcp.modify(gcp.path_of("y"), with_key("KEY"))
    assert dict(lab.get("y").annotations) == {"tool": "example"}
    assert dict(lab.get("y").labels) == {"team": "data"}


def test_an_update_creates(lab: GcpLab) -> None:
    """A secret that is missing, or has no version yet, is created by an update, without a lease left."""
    lab.create("empty")
    gcp = lab.provider()
    for name in ("new", "empty"):
        assert gcp.modify(gcp.path_of(name), with_key("KEY")).version == "1"
        assert ANNOTATION not in lab.get(name).annotations


def test_an_update_that_cannot_be_creates_nothing(lab: GcpLab) -> None:
    """If the new value is refused, there is no empty secret afterwards."""
    gcp = lab.provider()
    with pytest.raises(Unsupported):
        gcp.modify(gcp.path_of("new"), lambda _: "x" * 70_000)
    assert "new" not in [info.name for info in gcp.list("")]


def test_a_change_that_fails_gives_the_turn_back(lab: GcpLab) -> None:
    """An update that raises leaves value and settings as they were."""

    def fail(_: Document | None) -> Value:
        raise SecretNotFound("no such key")

    gcp = lab.provider()
    with pytest.raises(SecretNotFound, match="no such key"):
        gcp.modify(gcp.path_of("x"), fail)
    assert ANNOTATION not in lab.get("x").annotations
    assert keys(gcp) == ["FIRST"]


def test_writers_that_share_nothing(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers of different processes take turns at the server: 12 updates by 4 clients lose nothing."""
    writers = []
    for _ in range(4):
        monkeypatch.setattr("tacenda.providers.gcp._CLIENTS", SharedClients())
        writers.append(lab.provider())
        writers[-1].check()  # connects
    expected = [f"KEY_{number}" for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(update, itertools.cycle(writers), expected))
    assert keys(writers[0]) == sorted(["FIRST", *expected])


def test_set_while_updating(lab: GcpLab, interrupt: Callable[..., None]) -> None:
    """What `set` or gcloud write in the middle of an update is not undone by it: the key is added to that."""
    gcp = lab.provider()
    interrupt(lambda: lab.add("x", b'{"THEIRS": "value"}'))
    assert update(gcp, "OURS").version == "4"
    assert keys(gcp) == ["OURS", "THEIRS"]


def test_set_twice_while_updating(lab: GcpLab, interrupt: Callable[..., None]) -> None:
    """However often somebody else writes, the last of it counts."""
    gcp = lab.provider()
    numbers = itertools.count()
    interrupt(lambda: lab.add("x", b'{"THEIRS_%d": "value"}' % next(numbers)), times=2)
    update(gcp, "OURS")
    assert keys(gcp) == ["OURS", "THEIRS_1"]


@pytest.mark.parametrize("seen", ["1", None])
def test_latest_lags_behind(lab: GcpLab, monkeypatch: pytest.MonkeyPatch, seen: str | None) -> None:
    """`latest` may be an old version in the service, or none yet: an update starts from what is really the newest."""
    for number in range(2, 4):
        lab.add("x", b'{"KEY_%d": "value"}' % number)
    gcp = lab.provider()
    read = _gcp_secrets.Secrets.read

    def lagging(secrets: Any, at: SecretName, version: str | None = None) -> Document:
        if version is None and seen is None:
            raise SecretNotFound("no version yet")
        return read(secrets, at, version or seen)

    monkeypatch.setattr(_gcp_secrets.Secrets, "read", lagging)
    assert update(gcp, "OURS").version == "4"
    monkeypatch.undo()
    assert keys(gcp) == ["KEY_3", "OURS"]


def test_a_destroyed_version_between(lab: GcpLab, interrupt: Callable[..., None]) -> None:
    """A version that came between and is destroyed by now counts for nothing."""

    def come_and_go() -> None:
        lab.add("x", b'{"GONE": "value"}')
        lab.operator.destroy_secret_version(name=f"{lab.name('x')}/versions/2")

    gcp = lab.provider()
    interrupt(come_and_go)
    update(gcp, "OURS")
    assert keys(gcp) == ["FIRST", "OURS"]


def test_a_destroyed_latest_version(lab: GcpLab) -> None:
    """An update does not bring back what was destroyed, nor an older version; a name may say what it likes."""
    lab.add("x", b"second")
    lab.operator.destroy_secret_version(name=f"{lab.name('x')}/versions/2")
    gcp = lab.provider()
    with pytest.raises(SecretNotFound, match="version 2 is destroyed"):
        update(gcp, "KEY")
    lab.create("is-destroyed")
    assert gcp.modify(gcp.path_of("is-destroyed"), with_key("KEY")).version == "1"


def test_settings_change_while_updating(lab: GcpLab, interrupt: Callable[..., None]) -> None:
    """A label that somebody sets in the middle stays, and the turn is given back all the same."""
    mask = {"paths": ["labels"]}
    label = {"name": lab.name("x"), "labels": {"team": "data"}}
    interrupt(lambda: lab.operator.update_secret(secret=label, update_mask=mask))
    update(lab.provider(), "KEY")
    assert ANNOTATION not in lab.get("x").annotations
    assert dict(lab.get("x").labels) == {"team": "data"}


# -- leases ------------------------------------------------------------------------------------------


def hold(lab: GcpLab, holder: str) -> None:
    """Put somebody's lease on the secret `x`."""
    annotated = {"name": lab.name("x"), "annotations": {ANNOTATION: holder} if holder else {}}
    lab.operator.update_secret(secret=annotated, update_mask={"paths": ["annotations"]})


def test_waiting_for_another_writer(lab: GcpLab) -> None:
    """An update waits while another process has its turn."""
    hold(lab, "another")
    gcp = lab.provider()
    with ThreadPoolExecutor(1) as pool:
        updating = pool.submit(update, gcp, "KEY")
        time.sleep(0.3)
        assert keys(gcp) == ["FIRST"]
        hold(lab, "")
        updating.result(10)
    assert keys(gcp) == ["FIRST", "KEY"]


def test_a_writer_that_died(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease of a process that died is over after a while, measured by who waits."""
    monkeypatch.setattr(_gcp_update, "LEASE", 0.2)
    hold(lab, "dead")
    gcp = lab.provider()
    update(gcp, "KEY")
    assert keys(gcp) == ["FIRST", "KEY"]


def test_never_our_turn(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience ends, with a Conflict and without a change."""
    monkeypatch.setattr(_gcp_update, "_PATIENCE", 0.2)
    hold(lab, "another")
    gcp = lab.provider()
    with pytest.raises(Conflict, match="others"):
        update(gcp, "KEY")
    assert keys(gcp) == ["FIRST"]


def test_a_slow_writer_asks_for_more_time(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that took long before it writes makes sure that it is still its turn."""
    monkeypatch.setattr(_gcp_update, "_FRESH", -1.0)
    gcp = lab.provider()
    with lab.counted() as asked:
        update(gcp, "KEY")
    assert asked.count("UpdateSecret") == 3
    assert keys(gcp) == ["FIRST", "KEY"]


def test_a_writer_that_was_too_slow(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer whose turn was taken by another one writes nothing."""
    monkeypatch.setattr(_gcp_update, "_FRESH", -1.0)
    gcp = lab.provider()

    def slow(document: Document | None) -> Value:
        hold(lab, "another")
        return with_key("KEY")(document)

    with pytest.raises(Conflict, match="too long"):
        gcp.modify(gcp.path_of("x"), slow)
    assert keys(gcp) == ["FIRST"]
    assert lab.get("x").annotations[ANNOTATION] == "another"


def test_an_outage_while_writing(lab: GcpLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nobody knows whether the version was written, others wait, and who repeats the update goes on at once."""
    monkeypatch.setattr(_gcp_update, "_PATIENCE", 0.2)
    gcp = lab.provider()
    faults: list[Any] = []

    def going_down(document: Document | None) -> Value:
        faults.append(lab.server.unavailable())
        return with_key("KEY")(document)

    with pytest.raises(BackendUnavailable):
        gcp.modify(gcp.path_of("x"), going_down)
    faults[0].end()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("tacenda.providers.gcp._CLIENTS", SharedClients())
        with pytest.raises(Conflict, match="others"):
            update(lab.provider(), "OTHER")
    update(gcp, "KEY")
    assert keys(gcp) == ["FIRST", "KEY"]
    assert ANNOTATION not in lab.get("x").annotations


@pytest.mark.parametrize(("first", "served"), [(1, True), (1, False), (2, True), (2, False)])
def test_an_outage_around_the_turn(lab: GcpLab, monkeypatch: pytest.MonkeyPatch, first: int, served: bool) -> None:
    """If taking a turn (1) or giving it back (2) fails, served or not, the same process goes on at once."""
    monkeypatch.setattr(_gcp_update, "_PATIENCE", 0.2)
    gcp = lab.provider()
    change, numbers = _gcp_secrets.Secrets.change, itertools.count(1)

    def failing(secrets: Any, at: SecretName, etag: str, **fields: Any) -> Any:
        number = next(numbers)
        changed = change(secrets, at, etag, **fields) if number < first + served else None
        if number >= first:
            raise BackendUnavailable("down")
        return changed

    with monkeypatch.context() as outage, contextlib.suppress(BackendUnavailable):
        outage.setattr(_gcp_secrets.Secrets, "change", failing)
        update(gcp, "KEY")
    update(gcp, "OTHER")
    assert keys(gcp) == (["FIRST", "KEY", "OTHER"] if first == 2 else ["FIRST", "OTHER"])
    assert ANNOTATION not in lab.get("x").annotations


def test_an_outage_is_bridged_by_the_store(lab: GcpLab) -> None:
    """Through the store, an update survives an outage in its middle."""
    stack = {"secrets": {"provider": "gcp", **lab.settings}, "deadline": 20}
    with tacenda.open_store(config={"stacks": {"x": stack}}) as store, ThreadPoolExecutor(1) as pool:
        with lab.server.unavailable():
            updating = pool.submit(store.update, "x", {"KEY": "value"})
            time.sleep(0.3)
        updating.result(20)
        assert set(store.get("x", fresh=True)) == {"FIRST", "KEY"}


def test_what_an_update_needs(lab: GcpLab) -> None:
    """Who may read and add versions but not change settings is denied, and told which permission is missing."""
    gcp = lab.provider()
    accessor, adder = "roles/secretmanager.secretAccessor", "roles/secretmanager.secretVersionManager"
    with lab.server.roles(accessor, adder):
        gcp.write(gcp.path_of("x"), "{}")
        with pytest.raises(AccessDenied, match=r"secretmanager\.secrets\.get"):
            update(gcp, "KEY")
    with lab.server.roles(accessor, adder, "roles/secretmanager.viewer"), pytest.raises(AccessDenied, match="update"):
        update(gcp, "KEY")
    assert keys(gcp) == []
