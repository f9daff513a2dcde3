"""The guard of artifacts, in this process, on Metaflow's real datastore: what it finds, and what it leaves alone."""

from __future__ import annotations

import base64
import gzip
import io
import json
import pickle
import tracemalloc
import zlib
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from metaflow import FlowSpec, secrets, step
from metaflow.datastore import FlowDataStore
from metaflow.exception import MetaflowException, MetaflowExceptionWrapper
from metaflow.plugins.datastores.local_storage import LocalStorage

import tacenda
from tacenda import Secret, SecretBundle, SecretBytes
from tacenda._register import register
from tacenda.masking import allow_leak

VALUE = "example-value-4711"
BUNDLE = {
    "TOKEN": VALUE,
    "HOST": "db.example",
    "PORT": "54321-54321",
    "DATABASE": "customers",
    "USER": "example-reader",
}
Point = namedtuple("Point", "x y")  # noqa: PYI024 - a plain one

pytestmark = pytest.mark.usefixtures("empty_registry")


class GuardedFlow(FlowSpec):
    """A flow as users write it; its steps are never run here."""

    @secrets(sources=["api-keys"], allow_leak=["kept"])
    @step
    def start(self) -> None:
        """Allows one artifact by the decorator."""

    @allow_leak("kept")
    @step
    def middle(self) -> None:
        """Allows one as with any orchestrator."""

    @step
    def end(self) -> None:
        """Allows none."""


class Model:
    """An object of a user's own."""

    def __init__(self, token: str) -> None:
        self._token = token


class Slotted:
    """One without a dict."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """Return Metaflow's datastore in a directory, for a flow's tasks."""
    return FlowDataStore("GuardedFlow", storage_impl=LocalStorage, ds_root=str(tmp_path))


@pytest.fixture
def task(store: Any) -> Any:
    """Return the datastore of a task of `end`, in an attempt that has begun."""
    return attempt(store, "end")


def attempt(store: Any, step_name: str) -> Any:
    datastore = store.get_task_datastore("1", step_name, "1", attempt=0, mode="w")
    datastore.init_task()
    return datastore


def ended(datastore: Any, inputs: Any = None, **artifacts: Any) -> Any:
    """Save a task's artifacts as Metaflow does at its end."""
    flow = GuardedFlow(use_cli=False)
    flow._set_datastore(inputs)
    for name, value in artifacts.items():
        setattr(flow, name, value)
    datastore.persist(flow)
    return datastore


def compressed(text: str) -> bytes:
    packed = io.BytesIO()
    with gzip.open(packed, "wb") as file:
        file.write(b"x" * 100_000 + text.encode())
    return packed.getvalue()


def chain(length: int) -> Any:
    end: Any = VALUE
    for _ in range(length):
        end = Model(end)
    return end


HIDDEN: dict[str, Callable[[], Any]] = {
    "text": lambda: VALUE,
    "sentence": lambda: f"https://user:{VALUE}@host/",
    "bytes": VALUE.encode,
    "nested": lambda: {"a": [1, ({"deep": [VALUE]},)]},
    "key": lambda: {VALUE: 1},
    "json": lambda: json.dumps({"token": VALUE}),
    "base64": lambda: base64.b64encode(f"user:{VALUE}".encode()),
    "hex": VALUE.encode().hex,
    "gzip": lambda: compressed(VALUE),
    "zlib in a pickle": lambda: pickle.dumps({"a": zlib.compress(VALUE.encode())}),
    "object": lambda: Model(VALUE),
    "slots": lambda: Slotted(VALUE),
    "namedtuple": lambda: Point(1, VALUE),
    "namespace": lambda: SimpleNamespace(a=SimpleNamespace(b=VALUE)),
    "exception": lambda: ValueError("refused", VALUE),
    "numpy": lambda: np.array([VALUE, "other"]),
    "numpy bytes": lambda: np.array([[VALUE.encode()]]),
    "numpy objects": lambda: np.array([{"a": VALUE}], dtype=object),
    "function": lambda: lambda token=VALUE: token,
    "tacenda's own": lambda: SecretBundle({"TOKEN": VALUE}, "api-keys"),
    "deep": lambda: chain(300),
}


@pytest.mark.parametrize("form", HIDDEN)
def test_hidden(task: Any, tmp_path: Path, leaks_below: Any, form: str) -> None:
    """A value is found in whatever an artifact wraps it; the error names artifact, step, secret and the ways out."""
    register(SecretBundle(BUNDLE, "api-keys"), "api-keys")
    hidden = HIDDEN[form]()
    if callable(hidden):  # Metaflow takes a bare function for a method
        hidden = [hidden]
    with pytest.raises(MetaflowException) as caught:
        ended(task, first="a marker of the first", kept=hidden, zero="a marker of the last")
    assert caught.value.headline == "SecretLeak"
    message = caught.value.message.splitlines()
    assert message[0] == "artifact 'kept' of step 'end' holds the value of 'api-keys#TOKEN'"
    assert message[1] == "Nothing of this task is saved."
    assert "read the secret again" in message[2]
    assert "allow_leak=['kept']" in message[3]
    assert "@tacenda.masking.allow_leak('kept')" in message[3]
    assert leaks_below(tmp_path, [VALUE, "a marker of the first", "a marker of the last"]) == {}


def test_all_of_them(task: Any) -> None:
    """One error names every artifact that holds a secret, so that nobody mends them run by run."""
    register("example-other-4711", "other")
    register(VALUE, "token")
    with pytest.raises(MetaflowException) as caught:
        ended(task, a=VALUE, b=["example-other-4711", VALUE], c="fine", _private=VALUE)
    message = caught.value.message
    assert "artifact 'a' of step 'end' holds the value of 'token'" in message
    assert "artifact 'b' of step 'end' holds the value of 'other', 'token'" in message
    assert "artifact '_private' of step 'end'" in message
    assert "'c'" not in message


def test_frames(task: Any) -> None:
    """No frame of Metaflow's or ours that an error reporter could send home holds a value."""
    register(VALUE, "token")
    with pytest.raises(MetaflowException) as caught:
        ended(task, a=[VALUE])
    frames = [entry.frame for entry in caught.traceback if str(entry.path) != __file__]
    assert len(frames) == 1
    assert VALUE not in repr([(frame.f_locals, vars(frame.f_locals["flow"])) for frame in frames])


@pytest.mark.parametrize("step_name", ["start", "middle"])
def test_allowed(store: Any, step_name: str) -> None:
    """`allow_leak` exempts what it names, in `@secrets` or below `@step`, and nothing else."""
    register(VALUE, "token")
    ended(attempt(store, step_name), kept=[VALUE]).done()
    assert store.get_task_datastore("1", step_name, "1")["kept"] == [VALUE]
    with pytest.raises(MetaflowException, match="artifact 'other'"):
        ended(attempt(store, step_name), kept=[VALUE], other=[VALUE])


@pytest.mark.parametrize("secret", [Secret(VALUE), SecretBytes(VALUE.encode()), SecretBundle(BUNDLE, "api-keys")])
def test_allowed_secret(store: Any, secret: Any) -> None:
    """An allowed artifact may be what `current.secrets` gave, and is stored as plain text, bytes or dict."""
    register(secret, "token")
    ended(attempt(store, "start"), kept=secret).done()
    stored = store.get_task_datastore("1", "start", "1")["kept"]
    assert stored == secret
    assert type(stored) in (str, bytes, dict)


def test_stored_already(store: Any) -> None:
    """An artifact that an earlier step was allowed to store can be read, which saves it again; not a changed one."""
    register(VALUE, "token")
    ended(attempt(store, "start"), kept=[VALUE]).done()
    earlier = store.get_task_datastore("1", "start", "1")
    again = ended(attempt(store, "end"), earlier, kept=earlier["kept"])
    assert again._objects["kept"] == earlier._objects["kept"]
    with pytest.raises(MetaflowException, match="artifact 'kept'"):
        ended(attempt(store, "end"), earlier, kept=[*earlier["kept"], 1])


def test_passed_on(store: Any) -> None:
    """An artifact that a step does not touch is passed on by reference, whatever it holds."""
    register(VALUE, "token")
    ended(attempt(store, "start"), kept=[VALUE]).done()
    earlier = store.get_task_datastore("1", "start", "1")
    assert ended(attempt(store, "end"), earlier)._objects["kept"] == earlier._objects["kept"]


RESPONSE = {
    "rows": [("example-reader", "customers", 3), ("db.example", "54321-54321", 4)],
    "table": np.array([("customers", 1)], dtype=[("database", "U20"), ("n", int)]),
    "array": np.arange(1000.0),
    "text": "plain",
    "none": None,
    "model": {"weights": [1.5, 2.5], "name": "m"},
}


def test_untouched(store: Any) -> None:
    """What holds no secret is saved byte for byte as without tacenda: Metaflow names blobs by their content (S1.19)."""
    without = dict(ended(attempt(store, "middle"), **RESPONSE)._objects)
    register(SecretBundle(BUNDLE, "api-keys"), "api-keys")
    saved = ended(attempt(store, "end"), **RESPONSE)
    assert saved._objects == without
    assert saved._info["rows"]["type"] == "<class 'list'>"


def test_no_secret_keys(task: Any) -> None:
    """Host, port, database and user are no secrets: rows that hold them are saved (S1.58, S1.59)."""
    register(SecretBundle(BUNDLE, "db"), "db")
    ended(task, rows=RESPONSE["rows"], config={"HOST": "db.example", "USER": "example-reader"}).done()


def test_order_and_memory(store: Any) -> None:
    """Artifacts go to Metaflow one by one, in its order, and each is dropped then: no more memory than without."""
    big = 32_000_000
    peaks = []
    for _ in range(2):  # without a secret, and with one
        datastore = attempt(store, "end")
        tracemalloc.start()
        ended(datastore, big=np.zeros(big, dtype=np.uint8), large=np.ones(big // 2, dtype=np.uint8))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        register(VALUE, "token")
    assert peaks[1] < peaks[0] + 8_000_000


def test_cannot_be_searched(task: Any) -> None:
    """An artifact that can be neither searched nor pickled is refused, with the reason."""
    register(VALUE, "token")
    with pytest.raises(MetaflowException, match=r"cannot be searched for secrets.*nested too deeply"):
        ended(task, kept=chain(100_000))


class Odd:
    """An object that pickle takes, and whose attributes cannot be read one by one."""

    def __reduce_ex__(self, protocol: int) -> Any:
        if protocol > 4:
            raise TypeError(protocol)
        return (list, ((VALUE,),))

    @property
    def __dict__(self) -> Any:
        raise RuntimeError(VALUE)


def test_odd(task: Any) -> None:
    """An object whose own code fails when it is searched is looked at as it would be stored."""
    register(VALUE, "token")
    with pytest.raises(MetaflowException, match="artifact 'kept' of step 'end' holds the value of 'token'"):
        ended(task, kept=Odd())


def test_of_the_flow(store: Any) -> None:
    """A parameter or class attribute that holds a secret is refused as well, and called what it is."""
    register(VALUE, "token")
    with pytest.raises(MetaflowException, match="artifact 'token' of the flow"):
        ended(attempt(store, "_parameters"), token=VALUE)


def test_internal(store: Any, task: Any) -> None:
    """What Metaflow itself stores fails no task; wrapped exceptions and the flow's description are masked."""
    register(VALUE, "token")
    wrapped = MetaflowExceptionWrapper(ValueError(VALUE))
    assert (wrapped.exception, wrapped.type) == ("[masked]", "builtins.ValueError")
    ended(task, _graph_info={"steps": VALUE, "n": 1}, _foreach_stack=[(VALUE, 1)], _exception=wrapped).done()
    assert store.get_task_datastore("1", "end", "1")["_graph_info"] == {"steps": "[masked]", "n": 1}


def test_foreach_items() -> None:
    """Of an item that holds a secret the metadata of its task gets no part, and of others all (S1.59)."""
    flow = GuardedFlow(use_cli=False)
    register(VALUE, "token")
    assert flow._get_foreach_item_value(VALUE) == "[masked]"
    assert VALUE[:8] not in flow._get_foreach_item_value(["x" * 12, VALUE])
    assert flow._get_foreach_item_value("customers") == "customers"


def test_no_secret_known(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as no secret is known nothing is searched."""

    def never(*_: Any) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr("tacenda.masking._guard._scan.Scanner.feed", never)
    ended(task, kept=VALUE)
    assert tacenda.masking.registry().values() == set()
