"""The guard names the secrets in data that is about to be persisted, also if it is compressed or encoded."""

from __future__ import annotations

import base64
import bz2
import dataclasses
import functools
import gzip
import html
import io
import json
import lzma
import os
import pickle
import threading
import tracemalloc
import urllib.parse
import zipfile
import zlib
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacenda._values import Secret, SecretBundle, SecretBytes
from tacenda.errors import SecretLeak
from tacenda.masking import Masker, registry
from tacenda.masking._guard import _unescape, allow_leak, find_leaks, leak_allowed, refuse_leaks

PLAIN = "example-plain-token"
ODD = 'example "quoted" \\ <tag> vä & 100%\nsecond line'
BINARY = bytes(range(180, 240)) + b"\n\\x\x00"
WIDE = "пример-значения-πλ-😀"
VALUES = {"plain": PLAIN, "odd": ODD, "binary": BINARY, "wide": WIDE}
TEXTS = {name: value for name, value in VALUES.items() if isinstance(value, str)}


@pytest.fixture(scope="module")
def masker() -> Masker:
    """A masker that knows the values above by their names."""
    masker = Masker()
    for name, value in VALUES.items():
        masker.add(value, name)
    return masker


def zipped(data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as writer:
        writer.writestr("first.txt", "nothing in here")
        writer.writestr("second.txt", data)
    return archive.getvalue()


def in_json(data: bytes) -> bytes:
    return json.dumps({"content": data.decode("latin-1")}).encode()


def in_html(data: bytes) -> bytes:
    return f"<pre>{html.escape(data.decode('latin-1'))}</pre>".encode("latin-1")


COMPRESSIONS = {
    "gzip": gzip.compress,
    "gzip, fastest": lambda data: gzip.compress(data, 1),
    "zlib": zlib.compress,
    "zlib, not compressed": lambda data: zlib.compress(data, 0),
    "zlib, fastest": lambda data: zlib.compress(data, 1),
    "zlib, level 5": lambda data: zlib.compress(data, 5),
    "zlib, best": lambda data: zlib.compress(data, 9),
    "bz2": bz2.compress,
    "bz2, smallest": lambda data: bz2.compress(data, 1),
    "xz": lzma.compress,
    "zip": zipped,
    "zip, stored": lambda data: zipped(data, zipfile.ZIP_STORED),
}
SPELLINGS = {
    "base64": base64.b64encode,
    "base64, lines": base64.encodebytes,
    "base64url": base64.urlsafe_b64encode,
    "base64url, no padding": lambda data: base64.urlsafe_b64encode(data).rstrip(b"="),
    "hex": lambda data: data.hex().encode(),
    "HEX": lambda data: data.hex().upper().encode(),
}
WRAPPERS = {**COMPRESSIONS, **SPELLINGS}


# -- bytes and text -------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(masker: Masker, protocol: int):
    """Text and bytes are found in pickles of every protocol, also where old protocols write bytes as text."""
    for name, value in VALUES.items():
        data = pickle.dumps({"first": 1, "found": [value], "more": "text"}, protocol)
        assert find_leaks(data, masker=masker) == [name]
    assert find_leaks(pickle.dumps(list(VALUES.values()), protocol), masker=masker) == sorted(VALUES)


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_wrapped(masker: Masker, wrap):
    """Compressed or encoded bytes are looked into."""
    for name, value in VALUES.items():
        assert find_leaks(wrap(pickle.dumps({"key": value})), masker=masker) == [name]


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("before", range(4))
def test_wrapped_twice(masker: Masker, compress, spell, before: int):
    """Compressed bytes in base64 or hex are found wherever that begins, whatever stands around it."""
    data = b"A" * before + spell(compress(pickle.dumps({"key": ODD}))) + b"q.:"
    assert find_leaks(data, masker=masker) == ["odd"]


@pytest.mark.parametrize(("name", "value"), TEXTS.items(), ids=TEXTS)
def test_json_in_json_in_html(masker: Masker, name: str, value: str):
    """Escapes upon escapes are taken off: JSON in JSON, in HTML, in a URL; ASCII or not."""
    for ascii_only in (True, False):
        inner = json.dumps({"key": [value]}, ensure_ascii=ascii_only)
        outer = json.dumps({"text": inner}, ensure_ascii=ascii_only)
        for data in (inner, outer, html.escape(inner), html.escape(outer), urllib.parse.quote(inner), repr(outer)):
            assert find_leaks(data, masker=masker) == [name], data
            assert find_leaks(data.encode(), masker=masker) == [name], data


def test_card(masker: Masker):
    """What a card or deck is made of: a page, with JSON in it, with the base64 of a compressed pickle in that."""
    content = base64.b64encode(gzip.compress(pickle.dumps({"model": WIDE}))).decode()
    page = f"<html><script>data = {html.escape(json.dumps({'name': 'card', 'content': content}))}</script></html>"
    assert find_leaks(page, masker=masker) == ["wide"]


def test_several_members(masker: Masker):
    """Each member of a gzip file is looked into, and what follows the last one."""
    data = gzip.compress(b"nothing") + gzip.compress(PLAIN.encode()) + b"rest " + ODD.encode()
    assert find_leaks(data, masker=masker) == ["odd", "plain"]


def test_damaged(masker: Masker):
    """Data that is cut off or damaged is searched as far as possible, and is no error."""
    data = gzip.compress(PLAIN.encode() + os.urandom(100_000))
    assert find_leaks(data[:60_000], masker=masker) == ["plain"]
    assert find_leaks(data[:50_000] + b"\xff" * 5_000, masker=masker) == ["plain"]
    for sign in (b"PK\x03\x04", b"BZh9", b"\xfd7zXZ\0", b"\x1f\x8b\x08", b"x\x9c", b"\\u12", b"&#x110000;", b"%"):
        assert find_leaks(sign + PLAIN.encode() + sign, masker=masker) == ["plain"]


@pytest.mark.parametrize(
    "kind", [bytes, bytearray, memoryview, lambda data: memoryview(data)[::-1][::-1], np.frombuffer]
)
def test_bytes_like(masker: Masker, kind):
    """Anything with the buffer protocol is searched."""
    data = np.frombuffer(PLAIN.encode(), np.uint8) if kind is np.frombuffer else kind(PLAIN.encode())
    assert find_leaks(data, masker=masker) == ["plain"]
    assert find_leaks(kind(b"x" * 8), masker=masker) == []


def test_masked(masker: Masker):
    """Text that was masked is no leak, and neither is text without secrets, or nothing at all."""
    assert find_leaks(masker.mask(f"token: {PLAIN}, {ODD}, {WIDE}"), masker=masker) == []
    for nothing in ("", b"", None, [], {}, 0, "example", np.zeros(0), np.zeros((3, 0))):
        assert find_leaks(nothing, masker=masker) == []


@given(
    st.sampled_from(sorted(VALUES)),
    st.lists(st.sampled_from(sorted(WRAPPERS)), max_size=3),
    st.binary(max_size=40),
    st.binary(max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_nesting(masker: Masker, name: str, wrappers: list[str], before: bytes, after: bytes):
    """Up to three layers are taken off, whichever they are; and the secret that is in there is named, no other."""
    data = pickle.dumps([before, VALUES[name], after])
    for wrapper in wrappers:
        data = WRAPPERS[wrapper](data)
    assert find_leaks(data, masker=masker) == [name]


@given(st.lists(st.sampled_from(sorted(WRAPPERS)), max_size=3), st.binary(max_size=2000))
@settings(max_examples=100, deadline=None)
def test_nothing_found(masker: Masker, wrappers: list[str], data: bytes):
    """What holds no secret is never said to hold one."""
    for wrapper in wrappers:
        data = WRAPPERS[wrapper](data)
    assert find_leaks(data, masker=masker) == []


# -- large input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, (1 << 20) - 7, 2 << 20], ids=["start", "across two pieces", "later"])
def test_across_pieces(masker: Masker, at: int):
    """A value is found wherever it is, also where the pieces meet that large input is searched in."""
    data = bytearray(os.urandom(5 << 18).hex().encode())  # random bytes would be stored, not compressed
    data[at : at + len(PLAIN)] = PLAIN.encode()
    assert find_leaks(data, masker=masker) == ["plain"]
    assert find_leaks(gzip.compress(data, 1), masker=masker) == ["plain"]
    assert find_leaks("ä" + "x" * at + PLAIN, masker=masker) == ["plain"]
    assert find_leaks("x" * at + json.dumps(json.dumps(ODD)), masker=masker) == ["odd"]


@pytest.mark.parametrize("size", [1, 3, 50])
def test_pieces_of_any_size(masker: Masker, monkeypatch: pytest.MonkeyPatch, size: int):
    """Whatever the size of the pieces and wherever they meet, a sign, an escape or a run of symbols is not lost."""
    monkeypatch.setattr("tacenda.masking._guard._scan.BLOCK", size)
    inner = json.dumps({"key": ODD})
    for data in (json.dumps(inner), html.escape(inner), urllib.parse.quote(inner)):
        assert find_leaks(data, masker=masker) == ["odd"], data
    assert find_leaks(json.dumps(json.dumps(["\\" * 5 + WIDE])), masker=masker) == ["wide"]
    for wrap in WRAPPERS.values():
        assert find_leaks(b" " * 20 + wrap(PLAIN.encode() * 2) + b" ", masker=masker) == ["plain"]
        assert find_leaks(base64.b64encode(wrap(PLAIN.encode() * 2)), masker=masker) == ["plain"]
    assert find_leaks(pickle.dumps([BINARY], 2), masker=masker) == ["binary"]


@pytest.mark.parametrize("before", range(1, 100, 9))
def test_where_pieces_meet(masker: Masker, before: int):
    """What is encoded is found also if only its beginning is in one of the pieces."""
    encoded = base64.b64encode(gzip.compress(ODD.encode()))
    assert find_leaks(b" " * ((1 << 20) - before) + encoded, masker=masker) == ["odd"]


def test_large_wrapped(masker: Masker):
    """Megabytes of base64 of gzip are one stream: what is at their end is found too."""
    data = base64.b64encode(gzip.compress(os.urandom(2 << 20).hex().encode() + ODD.encode(), 1))
    assert find_leaks(b"x" + data, masker=masker) == ["odd"]


def memory_without_a_leak(held: object, masker: Masker) -> int:
    """Return the bytes that it took to find nothing in it."""
    tracemalloc.start()
    try:
        assert find_leaks(held, masker=masker) == []
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_large_memory(masker: Masker):
    """64 MB are searched within 16, and large arrays and bytes in an object are not copied."""
    data = bytes(64 << 20)
    array = np.frombuffer(data, np.float64)
    for held in (data, {"array": [array[: len(array) // 4]], "bytes": (data[: len(data) // 4],)}):
        assert memory_without_a_leak(held, masker) < 16 << 20


def test_bomb(masker: Masker):
    """What decompresses to a thousand times its size is decompressed piece by piece."""
    bomb = gzip.compress(bytes(32 << 20))
    assert memory_without_a_leak(bomb, masker) < 16 << 20


# -- objects --------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Record:
    name: str
    content: object = None


class Slotted:
    __slots__ = ("__private", "value")

    def __init__(self, value: object) -> None:
        self.__private = value


class Forgetful:
    def __init__(self, value: object) -> None:
        self.value = value

    def __getstate__(self):
        return {}


class Unwilling:
    def __init__(self, value: object) -> None:
        self.value = value

    def __reduce__(self):
        raise RuntimeError(PLAIN)


Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - as users write them


def holding(value: object) -> dict[str, object]:
    """Return objects of many kinds that hold a value, by what they are."""
    cycle: list[object] = [value]
    cycle.append(cycle)
    parent = SimpleNamespace(value=value)
    parent.child = SimpleNamespace(parent=parent)

    class Local:
        def __init__(self) -> None:
            self.value = value

    return {
        "list": [1, [value]],
        "key": {value: 1},
        "set": {value},
        "frozenset": frozenset({value}),
        "tuple": ((), (value,)),
        "dataclass": Record("x", Record("y", value)),
        "namedtuple": Pair(1, value),
        "slots": Slotted(value),
        "namespace": parent,
        "local class": Local(),
        "deque": deque([value]),
        "OrderedDict": OrderedDict(key=value),
        "defaultdict": defaultdict(list, key=[value]),
        "Counter": Counter([value]),
        "partial": functools.partial(print, value),
        "closure": lambda: value,
        "default": lambda given=value: given,
        "exception": ValueError("no", value),
        "cycle": cycle,
        "refuses": Unwilling(value),
        "lock beside it": [threading.Lock(), value],
        "object array": np.array([None, value], dtype=object),
        "array of text": np.array(["x", value]),
        "columns": {"names": np.array([["x"], [value]]), "figures": np.arange(3)},
    }


@pytest.mark.parametrize("kind", holding(""))
@pytest.mark.parametrize(("name", "value"), TEXTS.items(), ids=TEXTS)
def test_objects(masker: Masker, kind: str, name: str, value: str):
    """A value is found in an object of any type, however deep, also if the object refuses to be pickled."""
    assert find_leaks(holding(value)[kind], masker=masker) == [name]
    if kind not in ("array of text", "columns", "object array"):
        assert find_leaks(holding(Secret(value))[kind], masker=masker) == [name]


def test_memory_of_arrays(masker: Masker):
    """numpy's text is found in an array of any shape and order, in its pickle and in its file; bytes in it too."""
    for name, value in TEXTS.items():
        table = np.array([["x", value], ["", "y" * 50]])
        file = io.BytesIO()
        np.save(file, table)
        for data in (table, table.T, table[:, 1], pickle.dumps(table), pickle.dumps(table, 2), file.getvalue()):
            assert find_leaks(data, masker=masker) == [name]
    assert find_leaks(np.array([BINARY + b"x"]), masker=masker) == ["binary"]
    assert find_leaks(np.array([(1, PLAIN)], dtype=[("n", int), ("text", object)]), masker=masker) == ["plain"]


def test_secrets_that_refuse(masker: Masker):
    """Our secret types refuse to be pickled, and are searched all the same."""
    bundle = SecretBundle({"a": PLAIN, "b": {"c": [ODD]}})
    with pytest.raises(SecretLeak):
        pickle.dumps(bundle)
    assert find_leaks(bundle, masker=masker) == ["odd", "plain"]
    assert find_leaks(Record("x", [bundle["b"]["c"]]), masker=masker) == ["odd"]
    assert find_leaks(SecretBytes(BINARY), masker=masker) == ["binary"]
    assert find_leaks({"x": SecretBytes(BINARY)}, masker=masker) == ["binary"]


def test_what_is_not_persisted(masker: Masker):
    """What an object leaves out of its pickle is no leak, and a generator is not used up."""
    assert find_leaks(Forgetful(PLAIN), masker=masker) == []
    generator = (value for value in [PLAIN])
    assert find_leaks([generator], masker=masker) == []
    assert list(generator) == [PLAIN]
    assert find_leaks([json, print, Record, pytest], masker=masker) == []


def test_buffers_inside(masker: Masker):
    """Memory views and encoded bytes inside an object are looked into like everything else."""
    assert find_leaks([memoryview(PLAIN.encode())], masker=masker) == ["plain"]
    assert find_leaks({"page": gzip.compress(ODD.encode())}, masker=masker) == ["odd"]
    assert find_leaks({"page": json.dumps(json.dumps(ODD))}, masker=masker) == ["odd"]


def test_too_deep(masker: Masker):
    """An object that is nested too deeply to be searched is an error; it is not taken for clean."""
    deep: list[object] = []
    for _ in range(200_000):
        deep = [deep]
    with pytest.raises(SecretLeak, match="nested too deeply"):
        find_leaks({"deep": deep}, masker=masker)


# -- the answer -----------------------------------------------------------------------------------------


def test_names_only(masker: Masker):
    """The answer is names, sorted, each once; the error has the names, what holds them and what to do, no value."""
    data = [PLAIN, ODD, PLAIN, BINARY, WIDE]
    assert find_leaks(data, masker=masker) == ["binary", "odd", "plain", "wide"]
    with pytest.raises(SecretLeak) as caught:
        refuse_leaks(data, "artifact 'model'", masker=masker)
    assert "artifact 'model' holds the value of 'binary', 'odd', 'plain', 'wide'" in str(caught.value)
    assert "read the secret again where it is needed" in str(caught.value)
    shown = repr(pickle.loads(pickle.dumps(caught.value)).__dict__) + str(caught.value)
    assert masker.mask(shown) == shown
    assert refuse_leaks(["nothing"], "artifact 'model'", masker=masker) is None


def test_process_wide():
    """Without a masker it is that of the process; while nothing is registered nothing is searched."""
    assert find_leaks(PLAIN) == []
    registry().add(PLAIN, "api-keys#TOKEN")
    assert find_leaks({"key": PLAIN}) == ["api-keys#TOKEN"]
    registry().remove(PLAIN)
    assert find_leaks({"key": PLAIN}) == []


def test_not_registered(masker: Masker):
    """What policy leaves alone is no leak: a short value, a host."""
    masker = Masker()
    masker.add("5432", "port")
    masker.add(PLAIN, "plain")
    assert find_leaks({"port": "5432", "host": "db.example.com"}, masker=masker) == []


# -- what is allowed ------------------------------------------------------------------------------------


def test_allow_leak():
    """`allow_leak` exempts the outputs it names, or all, and leaves the function what it was."""

    @allow_leak("token", "key")
    def renew() -> str:
        """Return a token."""
        return "token"

    @allow_leak()
    def export() -> None: ...

    assert [leak_allowed(renew, name) for name in ("token", "key", "log")] == [True, True, False]
    assert leak_allowed(export, "anything")
    assert not leak_allowed(test_allow_leak, "anything")
    assert (renew(), renew.__doc__) == ("token", "Return a token.")


def test_allow_leak_without_parentheses():
    """`@allow_leak` without its parentheses is an error, not an exemption of nothing."""
    with pytest.raises(TypeError, match=r"@allow_leak\(\)"):
        allow_leak(test_allow_leak)


def test_no_escaped_value_is_kept(masker: Masker):
    """What was unescaped once is noted, to be fast, but never so much of it that a value could be put together."""
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in PLAIN)
    assert find_leaks(json.dumps({"a": escaped}) + escaped + '\\"', masker=masker)
    assert _unescape._PLAIN[b'\\"'] == b'"'
    assert not [escape for escape, plain in _unescape._PLAIN.items() if len(escape) > 6 or len(plain) > 4]
