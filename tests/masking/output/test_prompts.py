"""Somebody waits in front of the screen: nothing is held back for long."""

from __future__ import annotations

import subprocess
import time

import pytest


@pytest.fixture
def after_start(programs, read_until):
    """Start prompt.py, wait for its first words, and return what comes next, how soon, and what comes at the end."""

    def run(*words: str, wanted: bytes) -> tuple[bytes, float, bytes]:
        process = programs.start("prompt.py", "ready\n", "@0.3", *words, stdin=subprocess.PIPE, bufsize=0)
        out = process.stdout.fileno()
        assert read_until(out, b"ready\n") == b"ready\n"
        began = time.monotonic() + 0.3
        shown = read_until(out, wanted, timeout=2)
        took = time.monotonic() - began
        process.stdin.close()
        return shown, took, process.stdout.read()

    return run


@pytest.mark.parametrize("prompt", ["Continue? [y/N] ", "Name (exa", "10%\r"])
def test_prompt_without_a_newline(after_start, prompt):
    """A prompt and a progress bar appear at once, or after 100 ms if they end as a value begins."""
    shown, took, rest = after_start(prompt, wanted=prompt.encode())
    assert shown == prompt.encode()
    assert took < 0.4  # 0.1 s by design; machines that test are busy
    assert rest == b""


def test_longer_beginning_of_a_value_is_masked(after_start):
    """What may be most of a value is masked when it is released."""
    shown, _, rest = after_start("key: example-tok", wanted=b"]")
    assert shown == b"key: [masked]"
    assert rest == b""


def test_value_that_pauses_in_the_middle(after_start):
    """A value typed in two halves, with a pause in between, is masked as a whole (checklist 16)."""
    shown, _, rest = after_start("key: example-tok", "@0.3", "en-4711 done", wanted=b"done")
    assert shown + rest == b"key: [masked] done"


def test_progress_bar(after_start):
    """Every step of a progress bar arrives by itself."""
    steps = [word for step in range(5) for word in (f"\r{step}0% example-token-4711", "@0.05")]
    shown, _, _ = after_start(*steps, wanted=b"40% [masked]")
    assert shown == b"".join(b"\r%d0%% [masked]" % step for step in range(5))
