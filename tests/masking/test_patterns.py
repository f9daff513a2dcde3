"""The set of patterns finds what a naive search finds, in every way of looking: dictionary and numpy."""

from __future__ import annotations

import multiprocessing
import random
import subprocess
import sys
import threading
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from oracle import BACKENDS, EXAMPLES, backend, cases, occurrences, partial, random_case, settle

from tacenda.masking._matching import _patterns, _shortcut, _table, _windows
from tacenda.masking._matching._patterns import PatternSet


def set_of(patterns):
    found = PatternSet()
    for pattern in patterns:
        found.add(pattern)
    settle(found)
    return found


@pytest.mark.parametrize("name", BACKENDS)
@EXAMPLES
@given(cases())
@example(([b"aaaaaaa"], b"aaaaaaaaaaaa"))
@example(([b"abcdef", b"abcdefg"], b".abcdefg"))
def test_finds_every_occurrence(name, case):
    """Overlapping, nested and self-overlapping ones too, of any length and at any offset."""
    patterns, data = case
    with backend(name):
        assert sorted(set_of(patterns).find(data)) == occurrences(set(patterns), data)


@pytest.mark.parametrize("name", BACKENDS)
def test_finds_every_occurrence_in_many_random_texts(name):
    """The same for more kinds of bytes, binary ones too."""
    with backend(name):
        for seed in range(200):
            patterns, data, _ = random_case(seed)
            assert sorted(set_of(patterns).find(data)) == occurrences(set(patterns), data)


@EXAMPLES
@given(cases())
@example(([b"ab"], b"ab"))
@example(([b"abcdefgh"], b"abcdefg"))
def test_holds_back_a_real_beginning_only(case):
    """The longest end of the text that a pattern begins with: no byte more, none less."""
    patterns, data = case
    assert set_of(patterns).partial(data) == partial(patterns, data)


@pytest.mark.parametrize("seed", range(4))
def test_every_beginning_of_a_long_pattern_is_known(seed):
    """Wherever a PEM of several kilobytes is cut, all of its beginning is held back."""
    pem = bytes(random.Random(seed).choices(b"ABC+/\n", k=600))
    patterns = set_of([pem])
    assert [patterns.partial(b"x" * seed + pem[:size]) for size in range(600)] == [seed] * 600
    assert patterns.partial(pem) == partial([pem], pem)


@pytest.mark.parametrize("name", BACKENDS)
@EXAMPLES
@given(cases(), st.lists(st.tuples(st.booleans(), st.integers(0, 7)), max_size=40))
def test_adding_and_discarding(name, case, steps):
    """After any steps, what is found and held back is what a new set of the same patterns finds and holds back."""
    patterns, data = case
    several, left = PatternSet(), {}
    with backend(name):
        for add, number in steps if patterns else ():
            pattern = patterns[number % len(patterns)]
            if add:
                several.add(pattern)
                left[pattern] = None
            else:
                several.discard(pattern)
                left.pop(pattern, None)
            settle(several)
            several.find(data)  # so that a table has to catch up
        assert sorted(several.find(data)) == occurrences(left, data)
    assert several.partial(data) == partial(left, data)
    assert several.longest == max(map(len, left), default=0)
    assert (len(several), [pattern in several for pattern in patterns]) == (len(left), [p in left for p in patterns])


@pytest.mark.parametrize("with_numpy", [True, False])
@pytest.mark.parametrize("size", [5, 6, 7, 8, 15, 64])
def test_at_every_offset_of_a_large_text(with_numpy, size, monkeypatch):
    """Around the edges of blocks, at the very start and the very end."""
    if not with_numpy:
        monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.setattr(_table, "BLOCK", 1024)
    pattern = bytes(range(1, size + 1))
    patterns = set_of([pattern, b"another-example-value"])
    for total in (2 * _windows.TABLE_FROM, 2 * _windows.TABLE_FROM + 3, 3 * 4096 + 1):
        edges = [0, _windows.BLOCK * 4, _windows.TABLE_FROM, 4096, 8192, total - size]
        for start in {edge + near for edge in edges for near in range(-9, 10) if 0 <= edge + near <= total - size}:
            data = b"." * start + pattern + b"." * (total - size - start)
            assert patterns.find(data) == [(start, start + size)]


@pytest.mark.parametrize("name", BACKENDS)
def test_patterns_that_share_their_words(name):
    """A thousand addresses that differ by a password are told apart, and quickly found among each other."""
    addresses = [b"db://user:%04d-example@host.example/production" % number for number in range(1000)]
    patterns = set_of(addresses)
    crowds = [len(rows) for rows in patterns._windows._rows.values()]
    assert max(crowds) <= 300  # a thousand, if the words were always taken from the end
    with backend(name):
        data = b" ".join(addresses[::100])
        assert sorted(patterns.find(data)) == occurrences(addresses, data)


def test_numpy_passes_over_text_that_only_has_the_words_of_a_pattern():
    """Text full of beginnings and ends costs no look in Python at each of them (near-prefix text)."""
    dice = random.Random(1)
    secrets = [b"example-" + dice.randbytes(12).hex().encode() for _ in range(500)]
    patterns = set_of(secrets)
    data = b"\n".join(secret[:-4] + b"#" + secret[-7:] for secret in secrets)
    patterns.find(data)
    hits = patterns._windows._table.hits(data)
    assert len(hits) < 50
    assert len(list(patterns._windows._hits(memoryview(data[: len(data) & -4]).cast("I")))) > 500


def test_numpy_tells_the_letters_of_utf_32_apart():
    """Each word is one letter there, so a thousand values have the same few: those before a word count too."""
    dice = random.Random(1)
    secrets = ["".join(dice.choices("abcdefgh", k=20)).encode("utf-32-le") for _ in range(1000)]
    patterns = set_of(secrets[:500])
    data = b"".join(secrets[500:])
    assert patterns.find(data) == []
    assert len(patterns._windows._table.hits(data)) < len(data) / 4 * 0.7
    assert len(patterns.find(b"".join(secrets[:20]) + data)) == 20


def test_numpy_is_used_once_it_is_there(monkeypatch):
    """A set that was made before numpy was imported uses it afterwards; without it, the result is the same."""
    data = b"." * 3000 + b"example-token-1" + b"." * 3000
    monkeypatch.setitem(sys.modules, "numpy", None)
    patterns = set_of([b"example-token-1"])
    assert patterns.find(data) == [(3000, 3015)]
    assert patterns._windows._table is None
    half = types.ModuleType("numpy")
    half.__spec__ = types.SimpleNamespace(_initializing=True)
    monkeypatch.setitem(sys.modules, "numpy", half)  # another thread is importing it
    assert patterns.find(data) == [(3000, 3015)]
    assert patterns._windows._table is None
    monkeypatch.setitem(sys.modules, "numpy", np)
    assert patterns.find(data) == [(3000, 3015)]
    assert patterns._windows._table is not None


def test_numpy_is_never_imported():
    """A masker costs a program no import of a large library, whatever it masks."""
    program = """if True:
        import sys
        from tacenda.masking import Masker
        masker = Masker()
        masker.add("example-token-1")
        assert masker.mask("example-token-1" + "." * 100_000) == "[masked]" + "." * 100_000
        assert "numpy" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", BACKENDS)
def test_table_grows_with_what_is_added(name):
    """Patterns added after a table was made are found at once, one at a time and by the thousand."""
    patterns, added = PatternSet(), []
    with backend(name):
        for batch in (1, 1, 10, 3000, 1, 3000):
            added += [b"example-%d-value" % (len(added) + number) for number in range(batch)]
            for pattern in added[-batch:]:
                patterns.add(pattern)
            data = b" ".join([added[-batch], added[-1], added[0]])
            assert len(patterns.find(data)) == 3


def test_discarded_patterns_leave_no_trace_in_the_end():
    """A value that comes and goes all day makes nothing grow (and does not stay in memory: checklist 7)."""
    patterns = set_of([b"example-always-there"])
    for number in range(1000):
        pattern = b"example-%d-value" % number
        patterns.add(pattern)
        patterns.find(b"." * 5000)
        patterns.discard(pattern)
    assert len(patterns._windows._log) <= 3
    assert len(patterns._prefixes._words) < 20
    assert patterns.find(b"example-always-there example-7-value") == [(0, 20)]


@pytest.mark.parametrize("with_numpy", [True, False])
def test_threads_look_while_another_adds_and_discards(with_numpy, monkeypatch):
    """No look fails, none misses what was there all the time, and what was added is found from then on."""
    if not with_numpy:
        monkeypatch.setitem(sys.modules, "numpy", None)
    before = sys.getswitchinterval()
    patterns = set_of([b"always-there", b"always-too", b"nine56"])
    data = (b"always-there nine56 always-too" + b"." * 71) * 30
    expected = occurrences([b"always-there", b"always-too", b"nine56"], data)
    done, failures = threading.Event(), []

    def look():
        while not done.is_set():
            try:
                assert sorted(patterns.find(data)) == expected
                assert patterns.partial(b"x always-t") == 2
                assert sorted(patterns.find(data[:100])) == expected[:3]
            except BaseException as error:  # noqa: BLE001 - told at the end
                failures.append(error)
                return

    threads = [threading.Thread(target=look) for _ in range(3)]
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for number in range(300):
            several = [
                b"always-%d" % number,
                b"%d-always-there-%d" % (number, number),
                b"%06d" % number,
                b"al%d" % number,
            ]
            for pattern in several:
                patterns.add(pattern)
                assert (1, 1 + len(pattern)) in patterns.find(b"<" + pattern + b">" + b"." * (number % 2 * 3000))
            for pattern in several[number % 2 :]:
                patterns.discard(pattern)
                assert (0, len(pattern)) not in patterns.find(pattern)
    finally:
        done.set()
        for thread in threads:
            thread.join(10)
        sys.setswitchinterval(before)
    assert failures == []


def test_without_hyperscan_nothing_is_missed(monkeypatch):
    """It is optional: where it is not installed, a set that settles goes on as before."""
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    patterns = set_of([b"example-token-1"])
    for _ in range(3 * _shortcut.LOOKS):
        assert patterns.find(b"x example-token-1") == [(2, 17)]
    assert patterns._shortcut.misses is None


@pytest.mark.skipif("hyperscan" not in BACKENDS, reason="hyperscan is not installed")
class TestHyperscan:
    """What is special about a set that hyperscan looks for."""

    def test_it_takes_over_after_many_looks(self):
        """Not before: compiling takes time."""
        patterns = PatternSet()
        for pattern in (b"example-token-1", b"example-token-2"):
            patterns.add(pattern)
        for _ in range(2 * _shortcut.LOOKS - 1):
            patterns.find(b"x")
            assert patterns._shortcut.misses is None
        patterns.find(b"x")
        assert patterns._shortcut.misses(b"nothing here")
        assert not patterns._shortcut.misses(b"an example-token-2")

    def test_any_change_ends_it(self):
        """A value that comes later is found at once."""
        patterns = set_of([b"example-token-1"])
        for change in (patterns.add, patterns.discard):
            for _ in range(2 * _shortcut.LOOKS):
                patterns.find(b"x")
            assert patterns._shortcut.misses
            change(b"late-example-2")
            assert patterns._shortcut.misses is None
            assert patterns.find(b"late-example-2") == ([(0, 14)] if change == patterns.add else [])

    def test_very_many_patterns_are_not_compiled(self, monkeypatch):
        """It would take too long for somebody who only wants to write a line."""
        monkeypatch.setattr(_shortcut, "MOST", 1)
        patterns = set_of([b"example-token-1", b"example-token-2"])
        for _ in range(3 * _shortcut.LOOKS):
            patterns.find(b"x")
        assert patterns._shortcut.misses is None

    def test_what_it_cannot_compile_is_found_without_it(self):
        """A pattern may be longer than it takes."""
        long = bytes(range(256)) * 500
        patterns = set_of([long])
        for _ in range(2 * _shortcut.LOOKS):
            assert patterns.find(b"x" + long) == [(1, 1 + len(long))]

    @pytest.mark.parametrize("value", [b"a\0b\0c\0d\0", b"[a-z]+.*", b"\\x41{3}", b"\xff\xfe\n\r$", b"(?i)EXAMPLE"])
    def test_patterns_are_bytes_and_no_expressions(self, value):
        """Whatever a value consists of, it stands for itself."""
        with backend("hyperscan"):
            patterns = set_of([value])
            assert patterns._shortcut.misses(b"abcd aaa AAA example xyz \xff")
            assert patterns.find(b"<" + value + b">") == [(1, 1 + len(value))]

    def test_threads_and_forks(self):
        """Threads look at the same time, and so does a child that was forked meanwhile."""
        with backend("hyperscan"):
            patterns = set_of([b"example-token-1"])
        misses, data, wrong = patterns._shortcut.misses, b"." * 200_000, []

        def look():
            for _ in range(50):
                wrong.extend(patterns.find(data))
                wrong.extend(set(patterns.find(data + b"example-token-1")) ^ {(200_000, 200_015)})

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        context = multiprocessing.get_context("fork")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks among threads
            child = context.Process(target=lambda: sys.exit(patterns.find(b"x example-token-1") != [(2, 17)]))
            child.start()
        child.join(30)
        for thread in threads:
            thread.join(30)
        assert (wrong, child.exitcode) == ([], 0)
        assert patterns._shortcut.misses is misses


def test_nothing_but_the_standard_library():
    """The helper process runs the engine by an isolated interpreter without site-packages."""
    program = """if True:
        import sys
        sys.path.insert(0, sys.argv[1])
        from tacenda.masking import Masker
        masker = Masker()
        masker.add("example-token-1")
        assert masker.stream().write(b"example-token-1" + b"." * 9999) == b"[masked]" + b"." * 9999
        print(sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - {"__main__"}))
    """
    root = Path(_patterns.__file__).parents[3]
    command = [sys.executable, "-I", "-S", "-c", program, root]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "['tacenda']\n"
