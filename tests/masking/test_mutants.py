"""Bugs that a masking engine may well have, put into this one: the comparison with the oracle tells of each."""

from __future__ import annotations

import itertools
import re
import sys
import types
from pathlib import Path

import oracle
import pytest

import tacenda.masking

SOURCES = Path(tacenda.masking.__file__).parent
MODULES = [
    "_spans",
    "_prefixes",
    "_table",
    "_windows",
    "_shortcut",
    "_patterns",
    "_stream",
    "_engine",
]  # in order of import

MUTANTS = [
    # Where two spans meet.
    ("_spans", "if start > end", "if start >= end"),  # adjoining values give two tokens
    ("_spans", "elif stop > end:", "else:"),  # the end of a value leaks where another one is nested in it
    # What stands at the end of a text.
    ("_prefixes", "(3, 2, 1)", "(1, 2, 3)"),  # the shortest end is held back: a value split over writes leaks
    ("_prefixes", "size - self.longest + 1", "size - self.longest + 2"),  # a value all but its last byte leaks
    ("_prefixes", "len(pattern) > size - start", "len(pattern) >= size - start"),  # a whole value is held back
    ("_prefixes", ", last >> 24)", ")"),  # a split after every fourth byte leaks
    ("_prefixes", "[: len(inner) & -WORD]", "[: len(inner) - 1 & -WORD]"),  # so does one after a whole word
    ("_prefixes", "pairwise(inner)", "pairwise(inner[:-1])"),  # and one before the last byte
    ("_prefixes", "head[: WORD - 1])", "head[:1])"),  # and one after two bytes
    ("_prefixes", "(*self._heads[head], pattern)", "(pattern,)"),  # of values that begin alike, one counts
    ("_prefixes", "if not self._short[short]", "if self._short[short]"),  # removal takes others along
    ("_prefixes", "self.longest = max(self.longest, length)", "self.longest = self.longest or length"),
    # Looking through a text.
    ("_windows", "in _SHIFTS]", "in _SHIFTS[:3]]"),  # one offset in four leaks
    ("_windows", "size = len(buffer) & -WORD", "size = (len(buffer) - 1) & -WORD"),  # the last word is not looked at
    ("_windows", "range(start, start + BLOCK), map", "range(BLOCK), map"),  # hits after the first block are misplaced
    ("_windows", "first + 256 * _STEP", "first + 255 * _STEP"),  # 6 bytes after a byte 255 leak
    ("_windows", "if kept != row)", "if False)"),  # removal takes along what has the same word
    (
        "_windows",
        "(*known[row[0]], row) if row[0] in known else (row,)",
        "(row,)",
    ),  # of values with the same word, one counts
    ("_windows", "if table is not None and table.total == total:", "if table is not None:"),  # late values leak
    ("_windows", "self._rows_between(0, total), total)", "rows, total)"),  # a table that grows loses what it had
    # The same with numpy.
    ("_table", "places += start\n", "pass\n"),  # hits after the first block are misplaced
    ("_table", "hits += places.tolist()", "hits = places.tolist()"),  # those before it leak
    ("_table", "return one | two | three", "return two | three"),  # short values leak
    ("_table", "(1, 2))", "(1, 1))"),  # long ones leak, of which the second word before was looked up
    ("_table", "[known, numpy", "[2, numpy"),  # and those that have only one before
    ("_table", "self.words.copy(), self.stretches.copy()", "self.words * 0, self.stretches"),  # early values leak
    # The set.
    ("_patterns", "buffer.find(pattern, start + 1)", "buffer.find(pattern, start + len(pattern))"),  # overlaps itself
    ("_patterns", "self._short = (*self._short, pattern)", "self._short = (pattern,)"),
    # The stream.
    ("_stream", "found or self._done or self._in_run", "found or self._done"),  # two tokens for one run over two writes
    ("_stream", "if start > position or not in_run:", "if True:"),  # likewise
    ("_stream", "position - end, in_run", "0, in_run"),  # the end of a value that goes on in another one leaks
    ("_stream", "if start >= end:", "if stop > end:"),  # the beginning of a value that overlaps another one leaks
    ("_stream", "self._release(end, found)", "self._release(len(held), found)"),  # of two writes, each leaks its part
    ("_stream", "self._held = held[end:]\n        return held[:end]", "return held"),  # the beginning of a value leaks
    ("_stream", "return self._release(len(self._held), self._find(self._held))", "return self._held"),  # as it is
    # The masker.
    ("_engine", "end = stop\n", "end = start\n"),  # the value stands after its token
]
if "hyperscan" in oracle.BACKENDS:
    MUTANTS += [
        (
            "_shortcut",
            "_stop(*match: object) -> bool:\n    return True",
            "_stop(*match: object) -> bool:\n    return False",
        ),
        ("_shortcut", 'b"\\\\x%02x" % byte', "bytes([byte])"),  # a value with a dot or a star is an expression
        # A value that comes after hyperscan took over leaks.
        (
            "_patterns",
            "windows.add(pattern)\n        self._shortcut = ",
            "windows.add(pattern)\n        self._shortcut = self._shortcut if self._shortcut.misses else ",
        ),
    ]


def built(name="", old="", new=""):
    """The modules of the engine, made from their sources with one of them changed."""
    modules = {}
    for module_name in MODULES:
        [path] = SOURCES.rglob(f"{module_name}.py")
        source = path.read_text().replace("tacenda.masking._matching import", "mutant._patterns import")
        if module_name == name:
            assert source.count(old) == 1, f"{old!r} is not what {name} says (any more): bring this list up to date"
            source = source.replace(old, new)
        for other in MODULES:
            source = re.sub(rf"tacenda\.masking\.(_matching\.)?{other} ", f"mutant.{other} ", source)
        modules[module_name] = types.ModuleType(f"mutant.{module_name}")
        with oracle.mock.patch.dict(sys.modules, {f"mutant.{known}": modules[known] for known in modules}):
            exec(compile(source, f"mutant/{module_name}.py", "exec"), vars(modules[module_name]))
    return modules


def wrong(modules, case):
    """Return whether the engine differs from the oracle in one case."""
    patterns, data, cuts = case
    early, late = patterns[:2], patterns[2:]
    masker = modules["_engine"].Masker()
    for known in (early, late):
        for pattern in known:
            masker._patterns.add(pattern)
        oracle.settle(masker._patterns)
        masker.spans(data)
    for chunks in ([data], oracle.pieces(data, cuts), [data[at : at + 1] for at in range(len(data))]):
        stream = masker.stream()
        if b"".join(map(stream.write, chunks)) + stream.flush() != oracle.masked(patterns, data):
            return True
    if any(masker.partial(data[:end]) != oracle.partial(patterns, data[:end]) for end in range(0, len(data), 3)):
        return True
    for pattern in late:
        masker._patterns.discard(pattern)
    left = set(early) - set(late)
    return masker.mask(data) != oracle.masked(left, data) or masker.partial(data) != oracle.partial(left, data)


SPECIAL = [
    ([b"secret"], b"\xffsecret", []),
    ([b"secret"], b"\0secret", []),
    ([b"%d-secret" % number for number in range(40)], b"".join(b"%d-secret" % number for number in range(40)), []),
]


def found(modules, cases):
    """Return whether any of so many cases shows a difference, or an error."""
    small = oracle.mock.patch.multiple(modules["_table"], BLOCK=5, FEW=0, SPARSE=0, SMALLEST=3)
    with small, oracle.mock.patch.multiple(modules["_windows"], CROWD=1, SPOTS=3):
        for case in itertools.chain(
            map(oracle.random_case, range(20)), SPECIAL, map(oracle.random_case, range(20, cases))
        ):
            for name in oracle.BACKENDS:
                with oracle.backend(name, modules["_windows"], modules["_shortcut"]):
                    try:
                        if wrong(modules, case):
                            return True
                    except (IndexError, KeyError, TypeError):
                        return True
    return False


def test_the_engine_as_it_is_passes():
    """The comparison finds nothing where there is nothing to find."""
    assert not found(built(), 100)


@pytest.mark.parametrize(("name", "old", "new"), MUTANTS, ids=[f"{m[0]}: {m[2].strip()}" for m in MUTANTS])
def test_every_mutant_is_found(name, old, new):
    """A change for the worse does not go unnoticed."""
    assert found(built(name, old, new), 1000)
