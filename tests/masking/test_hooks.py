"""What Python itself prints is masked, in real processes, and hooks of other people go on working."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import threading
import warnings

import pytest

from tacenda.masking import Masker
from tacenda.masking._records._hooks import attach, detach

SECRET = "example-token-1"
PLACES = [
    (logging.Filterer, "filter"),
    (logging.Handler, "format"),
    (warnings, "showwarning"),
    (warnings, "formatwarning"),
    (sys, "excepthook"),
    (threading, "excepthook"),
    (sys, "unraisablehook"),
]
# The value is put together, because a literal would stand in the source lines that tracebacks show.
PROLOGUE = """
import sys, threading, warnings
from tacenda.masking import Masker
from tacenda.masking._records._hooks import attach, detach
VALUE = "-".join(["example", "token", "1"])
masker = Masker()
masker.add(VALUE)
"""


@pytest.fixture
def masker():
    masker = Masker()
    masker.add(SECRET, name="api-keys")
    yield masker
    detach()


def run(program, *options):
    """Run a program with masking attached; return its exit code and what it printed."""
    source = PROLOGUE + textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, *options, "-c", source],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert SECRET not in done.stdout
    return done.returncode, done.stdout


def installed():
    return [getattr(owner, name) for owner, name in PLACES]


def test_an_exception_nobody_caught():
    """The traceback is there, the value is not, and the exit code is Python's (checklist 9)."""
    code, out = run("""
        attach(masker)
        try:
            {}[VALUE]
        except KeyError as error:
            raise OSError(2, "cannot open", "/" + VALUE) from error
        """)
    assert code == 1
    assert "KeyError: '[masked]'" in out
    assert "FileNotFoundError: [Errno 2] cannot open: '/[masked]'" in out
    assert out.count("Traceback (most recent call last)") == 2


@pytest.mark.parametrize(("error", "expected"), [("KeyboardInterrupt", -2), ("SystemExit", 1)])
def test_ends_of_a_process(error, expected):
    """Ctrl-C ends a process as Ctrl-C does, and `sys.exit(text)` is no traceback."""
    source = f"attach(masker)\nraise {error}({'VALUE[:0] or 1' if error == 'SystemExit' else 'VALUE'})"
    assert run(source)[0] == expected


def test_an_exception_in_a_thread():
    """Printed by `threading.excepthook`."""
    code, out = run("""
        attach(masker)
        def work(): raise ValueError(VALUE)
        thread = threading.Thread(target=work, name="worker")
        thread.start()
        thread.join()
        """)
    assert code == 0
    assert "Exception in thread worker:" in out
    assert "ValueError: [masked]" in out


def test_an_exception_that_cannot_be_raised():
    """Printed by `sys.unraisablehook`, with the `repr` of the object it came from."""
    code, out = run("""
        import weakref
        attach(masker)
        class Dies:
            def __del__(self): raise ValueError(VALUE)
        class Callback:
            def __repr__(self): return f"<Callback {VALUE}>"
            def __call__(self, reference): raise KeyError("clean")
        Dies()
        target = threading.Event()
        reference = weakref.ref(target, Callback())
        del target
        """)
    assert code == 0
    assert "ValueError: [masked]" in out
    assert "Exception ignored in: <Callback [masked]>" in out
    assert "KeyError: 'clean'" in out


def test_while_the_interpreter_shuts_down():
    """An exception of an object that is deleted with the interpreter is masked too."""
    _, out = run("""
        attach(masker)
        class Dies:
            def __init__(self): self.me = self
            def __del__(self): raise ValueError(VALUE)
        kept = Dies()
        """)
    assert "ValueError: [masked]" in out


@pytest.mark.parametrize("options", [(), ("-W", "always"), ("-X", "dev")])
def test_warnings(options):
    """The text of a warning, however warnings are shown."""
    code, out = run('attach(masker)\nwarnings.warn(f"old token {VALUE}")', *options)
    assert code == 0
    assert "UserWarning: old token [masked]" in out


def test_warnings_that_are_errors():
    """`-W error` makes an exception of a warning; it is masked as one, and our own code warns of nothing."""
    code, out = run('attach(masker)\nattach(masker)\nwarnings.warn(f"old token {VALUE}")', "-W", "error")
    assert code == 1
    assert "UserWarning: old token [masked]" in out


def test_warnings_through_logging():
    """`logging.captureWarnings`, set before or after."""
    _, out = run("""
        import logging
        logging.basicConfig(format="%(name)s %(message)s")
        logging.captureWarnings(True)
        attach(masker)
        warnings.warn(f"first {VALUE}")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn(f"second {VALUE}")
        """)
    assert "py.warnings <string>" in out
    assert "UserWarning: first [masked]" in out
    assert "UserWarning: second [masked]" in out


def test_the_source_line_of_a_warning(tmp_path):
    """A literal in the source is printed below a warning, whatever its text."""
    (tmp_path / "old.py").write_text('import warnings\nwarnings.warn("old"), "example-token-1"\n')
    code, out = run(f"attach(masker)\nsys.path.insert(0, {str(tmp_path)!r})\nimport old", "-W", "always")
    assert code == 0
    assert out.endswith("""old.py:2: UserWarning: old\n  warnings.warn("old"), "[masked]"\n""")


def test_hooks_that_were_there_are_called(masker, monkeypatch):
    """Sentry's and Rich's hooks go on working, with what is masked; a clean exception is the very same object."""
    got = []
    for owner in (sys, threading):
        monkeypatch.setattr(owner, "excepthook", lambda *args: got.append(args))
    monkeypatch.setattr(sys, "unraisablehook", got.append)
    monkeypatch.setattr(warnings, "showwarning", lambda *args, **more: got.append((args, more)))
    attach(masker)
    clean, error = ValueError("clean"), ValueError(SECRET)
    sys.excepthook(ValueError, clean, None)
    assert got.pop() == (ValueError, clean, None)
    sys.excepthook(ValueError, error, None)
    kind, masked, _ = got.pop()
    assert kind is type(masked)
    assert str(masked) == "[masked]"
    arguments = threading.ExceptHookArgs((ValueError, clean, None, threading.current_thread()))
    threading.excepthook(arguments)
    assert got.pop() == (arguments,)
    threading.excepthook(threading.ExceptHookArgs((ValueError, error, None, None)))
    assert str(got.pop()[0].exc_value) == "[masked]"
    warnings.showwarning(UserWarning(SECRET), UserWarning, "f.py", 1, file=None)
    (message, *place), more = got.pop()
    assert str(message) == "[masked]"
    assert isinstance(message, UserWarning)
    assert (place, more) == ([UserWarning, "f.py", 1], {"file": None})


def test_exceptions_without_a_value(masker, monkeypatch):
    """Python may report an exception by its type alone."""
    got = []
    monkeypatch.setattr(threading, "excepthook", got.append)
    attach(masker)
    arguments = threading.ExceptHookArgs((ValueError, None, None, None))
    threading.excepthook(arguments)
    assert got == [arguments]


def test_rich_traceback_in_a_real_process():
    """`rich.traceback.install()` before us: its traceback, folded after masking (rich#2408)."""
    pytest.importorskip("rich")
    code, out = run("""
        import rich.traceback
        rich.traceback.install(width=60)
        long = VALUE + "0123456789" * 12
        masker.add(long)
        attach(masker)
        raise ValueError(f"refused {long}")
        """)
    assert code == 1
    assert "ValueError: refused [masked]" in out
    assert "01234567890123" not in out


def test_if_masking_fails_the_exception_is_reported():
    """Its type and traceback, and why it has no message: an exception is never swallowed."""
    code, out = run("""
        attach(masker)
        def broken(data): raise RuntimeError(VALUE)
        masker.mask = broken
        def work(): raise ValueError(VALUE)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        warnings.warn(VALUE)
        work()
        """)
    assert code == 1
    assert out.count("ValueError: withheld: masking failed: RuntimeError") == 2
    assert out.count("in work") == 2
    assert "withheld: masking failed: RuntimeError" in out.split("Traceback")[1]


def test_detach_restores_everything(masker):
    """All seven places are as they were, however often it was attached."""
    before = installed()
    attach(masker)
    once = installed()
    assert all(ours is not theirs for ours, theirs in zip(once, before, strict=True))
    attach(masker)
    assert installed() == once
    detach()
    assert installed() == before
    detach()
    assert installed() == before


def test_another_masker_takes_over(masker):
    """Of several maskers the last one that was attached masks."""
    before = installed()
    attach(Masker())
    attach(masker)
    assert warnings.formatwarning(SECRET, UserWarning, "f.py", 1, "").startswith("f.py:1: UserWarning: [masked]")
    detach()
    assert installed() == before


@pytest.mark.parametrize("chains", [True, False])
def test_hooks_that_came_later_are_left_alone(masker, monkeypatch, chains):
    """Somebody's hook over ours stays when we go, and ours below it passes everything through."""
    got = []
    monkeypatch.setattr(sys, "excepthook", lambda *args: got.append(args))
    attach(masker)
    ours = sys.excepthook

    def theirs(*args):
        if chains:
            ours(*args)

    monkeypatch.setattr(sys, "excepthook", theirs)
    detach()
    assert sys.excepthook is theirs
    error = ValueError(SECRET)
    sys.excepthook(ValueError, error, None)
    assert got == ([(ValueError, error, None)] if chains else [])


def test_attached_again_over_a_hook_that_came_later(masker, monkeypatch):
    """A tool that replaced a hook of ours is masked from the next `install()` on, and gets its hook back."""
    got = []
    attach(masker)
    monkeypatch.setattr(sys, "excepthook", theirs := lambda *args: got.append(args))
    attach(masker)
    sys.excepthook(ValueError, ValueError(SECRET), None)
    assert str(got[0][1]) == "[masked]"
    detach()
    assert sys.excepthook is theirs


def test_logging_that_was_wrapped_later(masker, monkeypatch):
    """A library's patch of logging over ours stays, and works on without us."""
    attach(masker)
    ours = logging.Filterer.filter
    monkeypatch.setattr(logging.Filterer, "filter", theirs := lambda *args: ours(*args))  # noqa: PLW0108 - theirs
    detach()
    assert logging.Filterer.filter is theirs
    record = logging.makeLogRecord({"msg": SECRET})
    assert logging.NullHandler().filter(record)
    assert record.msg == SECRET
