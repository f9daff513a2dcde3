"""The security checklist, line by line; the numbers are those of the checklist.

Shown elsewhere: 9, 11, 12 and 16 in every detail in tests/masking; 19, 23 and the rest of 21 with the
orchestrators' own adapters; 24 and 30 in tests/providers beside the Vault server; 28 with the clouds;
35 and 36 in tests/cli.
7, 18, 25, 37 and 38 are documentation or settings of the repository.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import pickle
import re
import secrets
import stat
import subprocess
import sys
import urllib.parse

import pytest
from leaks import places_of

import tacenda
from tacenda import Secret, SecretBundle, SecretBytes, _retry
from tacenda._audit import caller
from tacenda.delivery import child_environment, merge_variables
from tacenda.errors import (
    AccessDenied,
    BackendUnavailable,
    Conflict,
    InvalidReference,
    SecretError,
    SecretLeak,
    SecretNotFound,
    Throttled,
)
from tacenda.masking import registry

VALUE = "example-checklist-value"


def failure_of(call):
    """Return what a call raised."""
    with pytest.raises((SecretError, TypeError)) as caught:
        call()
    return caught.value


# -- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [Secret(VALUE), SecretBytes(VALUE.encode()), SecretBundle({"K": VALUE})])
def test_checklist_01_repr_is_masked_in_containers_too(value):
    """1: what is shown for a value, alone or inside anything, is a mask; `str` and JSON give the value."""
    for shown in (value, [value], {"k": (value,)}, {"deep": {"er": [value]}}):
        assert VALUE not in repr(shown)
    assert VALUE in str(Secret(VALUE))
    assert VALUE in json.dumps(SecretBundle({"K": VALUE}))


@pytest.mark.parametrize("value", [Secret(VALUE), SecretBytes(VALUE.encode()), SecretBundle({"K": VALUE})])
def test_checklist_02_pickling_is_refused(value):
    """2: no artifact, cache or queue gets a value by pickling, and the refusal does not tell it."""
    error = failure_of(lambda: pickle.dumps({"artifact": [value]}))
    assert isinstance(error, SecretLeak)
    assert places_of(VALUE, error) == []


def failing(error, use):
    """Return a use of a store that meets an error of its backend."""

    def run(store, shelf):
        shelf.fail(error)
        use(store)

    return run


WAYS_TO_FAIL = {
    "missing secret": lambda store, shelf: store.get("nope"),
    "missing key": lambda store, shelf: store.get("bundle", "NOPE"),
    "missing key of a bundle": lambda store, shelf: store.get("bundle")["NOPE"],
    "text has no keys": lambda store, shelf: store.get("text", "K"),
    "binary has no text": lambda store, shelf: store.get_text("bytes"),
    "several": lambda store, shelf: store.get_many(["text", "bundle", "nope"]),
    "denied while reading": failing(AccessDenied("no"), lambda store: store.get("text", fresh=True)),
    "denied while writing": failing(AccessDenied("no"), lambda store: store.set("text", VALUE)),
    "denied while writing bytes": failing(AccessDenied("no"), lambda store: store.set("b", VALUE.encode())),
    "down while writing a bundle": failing(BackendUnavailable("no"), lambda store: store.set("b", {"K": VALUE})),
    "throttled while updating": failing(Throttled("no"), lambda store: store.update("bundle", {"K": VALUE})),
    "it exists already": lambda store, shelf: store.set("text", VALUE, create=True),
    "a value no backend can keep": lambda store, shelf: store.set("b", {"K": VALUE, "L": {1}}),
    "a list": lambda store, shelf: store.set("b", [VALUE]),
    "keys of a text": lambda store, shelf: store.update("text", {"K": VALUE}),
    "one key of a text": lambda store, shelf: store.set("text#K", VALUE),
    "delete of a key of a text": lambda store, shelf: store.delete("text#K"),
}


@pytest.mark.parametrize("way", WAYS_TO_FAIL)
def test_checklist_03_no_value_in_exceptions_or_frames(way, shelf, shelf_store):
    """3: texts, arguments, causes and local variables of our frames hold no value, whatever fails."""
    shelf.put("text", VALUE)
    shelf.put("bundle", {"K": VALUE})
    shelf.put("bytes", VALUE.encode())
    store = shelf_store()
    error = failure_of(lambda: WAYS_TO_FAIL[way](store, shelf))
    assert places_of(VALUE, error) == []
    assert (error.__cause__, error.__context__) == (None, None)


def test_checklist_03_the_search_finds_what_is_there():
    """3: the search behind these tests sees causes, attributes and frames."""
    inner = ValueError(VALUE)
    outer = BackendUnavailable("no", hint=VALUE)
    outer.__cause__ = inner
    assert {"str(ValueError)", "str(BackendUnavailable)"} <= set(places_of(VALUE, outer))

    namespace = {"__name__": "tacenda.example"}
    exec("def f(value):\n    raise RuntimeError", namespace)
    with pytest.raises(RuntimeError) as caught:
        namespace["f"](VALUE)
    assert places_of(VALUE, caught.value) == ["RuntimeError: local variable 'value' in tacenda.example.f"]


def test_checklist_04_no_temporary_files(shelf, shelf_store, workplace, monkeypatch, tmp_path):
    """4: reading and writing leave no file anywhere: neither in the temporary directory nor at home."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "home"))
    store = shelf_store()
    store.set("x", {"K": VALUE})
    store.get("x"), store.get_many(["x", "x#K"])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_checklist_05_missing_is_never_a_silent_none(shelf, shelf_store):
    """5: missing raises one kind, "could not ask" another; None only comes from `default=None` of a missing one."""
    store = shelf_store()
    assert isinstance(failure_of(lambda: store.get("x")), SecretNotFound)
    assert store.get("x", default=None) is None
    for kind in (AccessDenied, BackendUnavailable, Throttled):
        shelf.fail(kind("example"))
        error = failure_of(lambda: store.get("x", default=None))
        assert type(error) is kind
        assert not isinstance(error, KeyError)


@pytest.mark.parametrize("text", [" x ", "x\n", "\r\n", "\t", "", base64.b64encode(b"example").decode(), "\ufeffx"])
def test_checklist_06_whitespace_and_base64_are_exact(shelf_store, text):
    """6: nothing is stripped, decoded or normalized."""
    store = shelf_store()
    store.set("x", text)
    store.set("y", {"K": text})
    assert (store.get("x"), store.get("y", "K")) == (text, text)
    assert store.get_text("x") == text


# -- masking ---------------------------------------------------------------------------------------


def test_checklist_08_masked_before_first_use(shelf, shelf_store, monkeypatch):
    """8: a value is registered before the caller has it, in every way of reading and writing."""
    store = shelf_store({"shelf": "main", "batch": 20}, cache_ttl=0)
    for number in range(4):
        shelf.put(f"x{number}", f"{VALUE}-08-{number}")
    store.get("x0")
    store.get_many(["x1", "x2"])
    store.get("x3", fresh=True)
    shelf.fail(AccessDenied("no"))
    failure_of(lambda: store.set("x4", f"{VALUE}-08-4"))
    for number in range(5):
        assert registry().mask(f"got {VALUE}-08-{number}") == "got [masked]"


EVERY_WAY_OUT = """
import ctypes, logging, os, subprocess, sys, threading, warnings
import tacenda, tacenda.masking
tacenda.masking.install()
with tacenda.testing.override({"x": "example-value-09"}):
    value = tacenda.open_store().get("x")
print("print", value)
sys.stderr.write(f"stderr {value}\\n")
os.write(1, f"write {value}\\n".encode())
ctypes.CDLL(None).puts(f"libc {value}".encode())
ctypes.CDLL(None).fflush(None)
subprocess.run(["sh", "-c", "echo child $VALUE"], env={"VALUE": value, "PATH": os.environ["PATH"]})
logging.warning("log %s", value)
warnings.warn(f"warning {value}")
thread = threading.Thread(target=lambda: {}[f"thread {value}"])
thread.start()
thread.join()
raise RuntimeError(f"traceback {value}")
"""


def test_checklist_09_every_way_out(python_failing):
    """9: logging, stdout, stderr, warnings and tracebacks, of this process and of those it starts."""
    output = python_failing(EVERY_WAY_OUT)
    assert "example-value-09" not in output
    for way in ("print", "stderr", "write", "libc", "child", "log", "warning", "'thread", "traceback"):
        assert re.search(rf"{way} \[masked\]", output), f"{way} is missing in:\n{output}"


def test_checklist_10_one_registry_per_process(shelf_store, python):
    """10: all stores and threads register with one masker, however it is imported."""
    code = """
import tacenda, tacenda.masking, importlib
from tacenda.masking import registry
with tacenda.testing.override({"x": "example-value-10"}):
    tacenda.open_store().get("x")
print(registry() is tacenda.masking.registry() is importlib.import_module("tacenda.masking").registry())
print(registry().mask("example-value-10"))
"""
    assert python(code) == "True\n[masked]\n"


def test_checklist_11_redacted_before_it_is_cut(shelf, shelf_store, python):
    """11: what a format cuts was masked before; of a random value, already cut, the rest is masked too."""
    code = """
import logging, sys, tacenda, tacenda.masking
tacenda.masking.install()
tacenda.masking.registry().add("example-value-11")
logging.basicConfig(stream=sys.stdout)
logging.warning("cut %.12s", "example-value-11")
"""
    assert python(code) == "WARNING:root:cut [masked]\n"
    value = secrets.token_urlsafe(32)
    shelf.put("x", value)
    shelf_store().get("x")
    assert value[:12] not in registry().mask(f"{value:.30}…")


FORMS_12 = [
    lambda value: value,
    lambda value: base64.b64encode(value.encode()).decode(),
    urllib.parse.quote,
    json.dumps,
    lambda value: value.replace("\n", "\r\n"),
    lambda value: value.splitlines()[1],
]


@pytest.mark.parametrize("form", FORMS_12)
def test_checklist_12_encoded_and_multi_line_forms(shelf, shelf_store, form):
    """12: base64, URL-quoted, JSON-escaped, with other line ends, and one line of several."""
    value = '-----BEGIN EXAMPLE-----\nexample+12/"é" line\n-----END EXAMPLE-----\n'
    shelf.put("x", value)
    shelf_store().get("x")
    masked = registry().mask(f"key: {form(value)}.")
    assert "[masked]" in masked
    assert "12" not in masked


def test_checklist_15_password_in_a_url(shelf, shelf_store):
    """15: of a connection string the password is masked wherever it stands, also without its percent-encoding."""
    shelf.put("x", "postgresql://admin:example%2Bfifteen@db.example/app")
    shelf_store().get("x")
    assert registry().mask("tried example%2Bfifteen, then example+fifteen") == "tried [masked], then [masked]"


def test_checklist_13_each_leaf_of_a_json_secret(shelf, shelf_store):
    """13: the parts of a JSON secret are masked, also where JSON lies inside a text."""
    shelf.put("x", '{"a": {"b": ["leaf-example-13"]}, "n": 1300000013, "HOST": "host-example-13"}')
    shelf_store().get_text("x")
    masked = registry().mask("leaf-example-13 1300000013 host-example-13")
    assert masked == "[masked] [masked] host-example-13"


def test_checklist_14_short_values_are_told_by_name(shelf, shelf_store, caplog):
    """14: what is too short to mask is named, without the value; an empty value is never registered."""
    shelf.put("pin-14", {"PIN": "zq14", "empty": ""})
    before = len(registry())
    with caplog.at_level(logging.WARNING):
        shelf_store().get("pin-14")
    assert "shelf://pin-14#PIN is shorter than 6 characters and is not masked" in caplog.text
    assert "zq14" not in caplog.text
    assert len(registry()) == before
    assert registry().mask("") == ""


def test_checklist_16_values_split_across_writes(shelf, shelf_store):
    """16: a value that is written in two parts is masked."""
    shelf.put("x", f"{VALUE}-16")
    shelf_store().get("x")
    stream = registry().stream()
    out = stream.write(f"a {VALUE}".encode()) + stream.write(b"-16 b") + stream.flush()
    assert out == b"a [masked] b"


def test_checklist_17_mask_of_fixed_length(shelf, shelf_store):
    """17: the mask tells nothing about what it covers."""
    shelf.put("x", {"a": "short-17", "b": "a-considerably-longer-example-17"})
    shelf_store().get("x")
    assert registry().mask("short-17") == registry().mask("a-considerably-longer-example-17") == "[masked]"


# -- delivery --------------------------------------------------------------------------------------


def test_checklist_20_unrelated_children_get_nothing(shelf, shelf_store):
    """20: reading a secret puts it into no environment; only the child it is named for has it."""
    shelf.put("x", {"EXAMPLE_20": f"{VALUE}-20"})
    value = shelf_store().get("x")
    wanted = child_environment(merge_variables({"x": value}))
    show = [sys.executable, "-c", "import os; print(os.environ)"]
    unrelated = subprocess.run(show, capture_output=True, text=True, check=True)
    related = subprocess.run(show, capture_output=True, text=True, check=True, env=wanted)
    assert f"{VALUE}-20" not in unrelated.stdout
    assert f"{VALUE}-20" in related.stdout
    assert "EXAMPLE_20" not in os.environ


def test_checklist_21_what_is_sent_elsewhere_holds_references_only(shelf, shelf_store):
    """21 (in part): the frozen stack that travels in a spec holds no value and no credential."""
    shelf.put("x", VALUE)
    store = shelf_store({"shelf": "main", "token": f"{VALUE}-token"})
    store.get("x")
    assert VALUE not in json.dumps(store.stack.snapshot())
    assert VALUE not in repr(store) + repr(store.list()) + repr(list(store.list())) + repr(store.info("x"))


def test_checklist_22_one_error_lists_all_clashes():
    """22: every clash at once, by name, and none of the values."""
    secrets = {"a": {"ONE": VALUE, "TWO": VALUE}, "b": {"ONE": VALUE, "TWO": VALUE, "HOME": VALUE}}
    error = failure_of(lambda: merge_variables(secrets, os.environ))
    assert isinstance(error, Conflict)
    assert all(f"{variable}: from" in error.message for variable in ("ONE", "TWO", "HOME"))
    assert VALUE not in str(error)


# -- backends --------------------------------------------------------------------------------------


def test_checklist_26_cache_in_memory_only_and_limited(shelf, shelf_store, clock, tmp_path):
    """26: kept in memory for a while, never on disk; what a server rejects is read again with `fresh`."""
    shelf.put("x", f"{VALUE}-old")
    store = shelf_store(cache_ttl=60)
    store.get("x")
    shelf.put("x", f"{VALUE}-new")
    assert store.get("x") == f"{VALUE}-old"
    assert store.get("x", fresh=True) == store.get("x") == f"{VALUE}-new"
    clock.advance(61)
    store.get("x")
    assert len(shelf.reads()) == 3
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_checklist_27_back_off_on_throttling(shelf, shelf_store, monkeypatch):
    """27: a throttled read waits as long as the backend asks, and then succeeds."""
    waits = []
    monkeypatch.setattr(
        "tacenda._chain.retry", lambda call, **options: _retry.retry(call, **options, sleep=waits.append)
    )
    shelf.put("x", VALUE)
    left = [3]

    def busy(action, path):
        if left[0]:
            left[0] -= 1
            raise Throttled("slow down", retry_for=180.0, retry_after=0.5)

    shelf.before = busy
    assert shelf_store(deadline=180).get("x") == VALUE
    assert waits == [0.5] * 3


def test_checklist_29_versions_are_pinned_and_recorded(shelf, shelf_store, monkeypatch, tmp_path):
    """29: an old version can be read, and the audit has the version that each read resolved to."""
    monkeypatch.setenv("TACENDA_AUDIT", str(tmp_path / "audit"))
    shelf.put("x", f"{VALUE}-1")
    shelf.put("x", f"{VALUE}-2")
    store = shelf_store({"shelf": "main", "versions": True})
    assert (store.get("x", version="1"), store.get("x")) == (f"{VALUE}-1", f"{VALUE}-2")
    versions = [json.loads(line)["version"] for line in (tmp_path / "audit").read_text().splitlines()]
    assert versions == ["1", "2"]
    assert store.info("x").version == "2"


def test_checklist_31_reading_needs_no_list(shelf, shelf_store):
    """31: `get` and `get_many` ask for documents only; neither metadata nor listings."""
    shelf.put("x", {"K": VALUE})
    shelf.put("y", VALUE)
    store = shelf_store()
    store.get("x"), store.get("x", "K"), store.get_text("y"), store.get_many(["x", "y"])
    store.get("nope", default=None)
    assert {action for action, _ in shelf.calls} == {"read"}


def test_checklist_32_caller_is_attributable(shelf, shelf_store, monkeypatch, tmp_path):
    """32: run and step stand in every event of their context."""
    monkeypatch.setenv("TACENDA_AUDIT", str(tmp_path / "audit"))
    with caller(flow="Train", run="12", step="fit"):
        shelf_store().get("x", default=None)
    event = json.loads((tmp_path / "audit").read_text())
    assert (event["flow"], event["run"], event["step"]) == ("Train", "12", "fit")


def test_checklist_33_audit_never_holds_a_value(shelf, shelf_store, monkeypatch, tmp_path):
    """33: who, what, when and how it went, in a private file, without any value."""
    log = tmp_path / "audit"
    monkeypatch.setenv("TACENDA_AUDIT", str(log))
    store = shelf_store()
    store.set("x", {"K": VALUE})
    store.get("x", "K")
    failure_of(lambda: store.get("x", "NOPE"))
    failure_of(lambda: store.get(f"postgres://user:{VALUE}@host"))
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert all({"time", "user", "host", "reference", "outcome"} <= set(event) for event in events)
    assert VALUE not in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_checklist_34_local_file_is_encrypted_and_private(workplace):
    """34: an `.age` file holds nothing readable, has mode 0600, and comes back with its identity."""
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    (workplace / "key.txt").write_text(f"{identity}\n")
    (workplace / "key.txt").chmod(0o600)
    entry = {"provider": "local", "path": "secrets.json.age", "identity": "key.txt"}
    store = tacenda.open_store(config={"stacks": {"dev": {"secrets": entry}}})
    store.set("x", VALUE)
    path = workplace / "secrets.json.age"
    assert VALUE.encode() not in path.read_bytes()
    assert path.read_bytes().startswith(b"age-encryption.org/")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert store.get("x", fresh=True) == VALUE


def test_checklist_34_plain_local_file_is_private(workplace):
    """34: also without encryption nobody else can read it."""
    store = tacenda.open_store(config={"stacks": {"dev": {"secrets": {"provider": "local", "path": "s.json"}}}})
    store.set("x", VALUE)
    assert stat.S_IMODE((workplace / "s.json").stat().st_mode) == 0o600


def test_a_value_in_place_of_a_name_is_in_no_log(shelf_store, caplog):
    """CVE-2024-45784's lesson: values that get somewhere by mistake are not repeated."""
    with caplog.at_level(logging.DEBUG):
        error = failure_of(lambda: shelf_store().get(f'{{"K": "{VALUE}"}}'))
    assert isinstance(error, InvalidReference)
    assert VALUE not in caplog.text
