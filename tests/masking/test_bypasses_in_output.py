"""How other maskers were bypassed, one test per report: real processes whose whole output is masked."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys

import pytest

SECRET = "example-token-4711"
BEGINNING = """
import logging, os, subprocess, sys, threading, time, warnings
from tacenda.masking import registry
from tacenda.masking._output._install import install
install()
SECRET = "example-" + "token-4711"
registry().add(SECRET, name="api-keys")
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(message)s")
log = logging.getLogger("job")
"""


def run(code, *, first=BEGINNING):
    """The output of a program, both streams together, after everything that writes has ended."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "", "COLUMNS": "60"}
    done = subprocess.run(
        [sys.executable, "-c", first + code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return done.stdout.decode()


def forms(value=SECRET):
    """What must not be there: the value, or half of it, or its base64 and hex."""
    data = value.encode()
    return [value, value[:12], value[-9:], base64.b64encode(data).decode()[:12], data.hex()]


def assert_masked(code, *, least=1):
    """Check that a program's output holds masks, its last line and nothing of the value."""
    out = run(f"{code}\nprint('the last line')\n")
    assert "the last line" in out
    assert out.count("[masked]") >= least, out
    assert not any(form in out for form in forms()), out
    return out


def test_registering_echoes_nothing():
    """actions/runner#475 (and #159): the command that registers a value was itself written to the log."""
    quiet = """
logging.getLogger().setLevel(1)
registry().add("example-second-" + "value", name="second")
registry().remove("example-second-" + "value")
"""
    assert run(quiet) == ""


@pytest.mark.parametrize(
    "code",
    ["print(SECRET)", "log.info(SECRET)", "log.info('%s', SECRET)", "sys.stderr.write(SECRET + '\\n')"],
    ids=["print", "log", "argument", "stderr"],
)
def test_what_a_user_registers_is_masked_everywhere(code):
    """airflow#54540: `mask_secret` had no effect on print and logging in some executors."""
    assert assert_masked(code).count("[masked]") == 1


STRUCTLOG = """
import structlog
structlog.configure(processors=[{processors}])
slog = structlog.get_logger()
"""


def test_print_and_structlog():
    """airflow#63921: configuration secrets were masked in logging, and not with print or structlog."""
    assert_masked(
        STRUCTLOG.format(processors="structlog.processors.JSONRenderer()")
        + "print('print', SECRET)\nslog.info('structlog ' + SECRET, key=SECRET, nested={'a': [SECRET]})",
        least=4,
    )


def test_structlog_tracebacks_with_locals():
    """structlog#715: `dict_tracebacks` shows local variables, among them credentials."""
    assert_masked(
        STRUCTLOG.format(
            processors="structlog.processors.ExceptionRenderer("
            "structlog.tracebacks.ExceptionDictTransformer(show_locals=True)), structlog.processors.JSONRenderer()"
        )
        + """
def connect(dsn):
    raise RuntimeError("no connection")
try:
    connect("postgres://user:" + SECRET + "@db.example/app")
except RuntimeError:
    slog.exception("failed")
"""
    )


LOCALS = """
from rich.console import Console
def connect(dsn):
    password = SECRET
    raise RuntimeError("refused " + SECRET)
try:
    connect("postgres://user:" + SECRET + "@db.example/app")
except RuntimeError:
    Console(width={width}).print_exception(show_locals=True)
"""


@pytest.mark.parametrize("width", [60, 100])
def test_rich_tracebacks_with_locals(width):
    """rich#2408: `show_locals=True` prints credentials."""
    assert_masked(LOCALS.format(width=width))


@pytest.mark.parametrize("width", [40, 60])
def test_rich_tracebacks_that_cut_a_random_value(width):
    """rich#2408, in a narrow box: what is left of a token that Rich cuts is masked but for a few characters."""
    token = "x7Kq2mZ9w4Tb8Lc1Vn5RfG3hJ6pS0dYaXe7U"
    start = f"SECRET = {token[:20]!r} + {token[20:]!r}\nregistry().add(SECRET, name='token')\n"
    out = run(start + LOCALS.format(width=width))
    assert "[masked]" in out
    assert "connect" in out
    assert not any(token[place : place + 10] in out for place in range(len(token) - 9)), out


def test_rich_logging_handler():
    """rich#2408, as kedro met it: the logging handler with tracebacks and local variables."""
    assert_masked(
        """
from rich.console import Console
from rich.logging import RichHandler
log.propagate = False
log.addHandler(RichHandler(console=Console(width=60), rich_tracebacks=True, tracebacks_show_locals=True))
def connect(password):
    raise RuntimeError("refused " + password)
try:
    connect(SECRET)
except RuntimeError:
    log.exception("failed with %s", SECRET)
"""
    )


def test_masked_before_a_formatter_cuts():
    """CVE-2025-68438: truncated first, half a value was in no masker's list (checklist 11)."""
    assert_masked(
        "logging.root.handlers[0].setFormatter(logging.Formatter('%(message).14s'))\nlog.info('at ' + SECRET)"
    )


def test_output_that_does_not_pass_through_the_program():
    """Jenkins CVE-2023-33001: in push mode the agent wrote the log past the masker; here children share our pipe."""
    assert_masked(
        """
subprocess.run(["sh", "-c", "echo direct $S; echo error $S >&2"], env={**os.environ, "S": SECRET}, check=True)
os.write(1, b"descriptor " + SECRET.encode() + b"\\n")
os.system("echo system " + SECRET)
""",
        least=4,
    )


def test_output_of_a_child_that_outlives_the_program():
    """Jenkins CVE-2023-33001: a durable task writes on after its parent has gone."""
    out = run(
        'subprocess.Popen(["sh", "-c", "sleep 0.5; echo late $S"], env={**os.environ, "S": SECRET})\nprint("gone")\n'
    )
    assert out.split("\n") == ["gone", "late [masked]", ""]


LEAKS_OF_AIRFLOW = {
    "objects as arguments": """
class Connection:
    def __repr__(self): return f"Connection({SECRET})"
    __str__ = __repr__
log.info("%s", Connection())
log.info("%r", [Connection()])
log.info(Connection())""",
    "bytes as arguments": "log.info('%s', SECRET.encode())\nlog.info('%r', bytearray(SECRET.encode()))",
    "exceptions as arguments": "log.info('failed: %s', ValueError(SECRET))\nlog.info(ValueError(SECRET))",
    "dict keys": "log.info('%s', {SECRET: 1})\nlog.info({SECRET: {SECRET: 2}})",
    "depth above 5": "log.info('%s', {'a': [{'b': [{'c': [{'d': [{'e': [{'f': [SECRET]}]}]}]}]}]})",
    "custom __str__": """
class Failure(Exception):
    def __str__(self): return "cannot log in with " + SECRET
try:
    raise Failure
except Failure:
    log.exception("it failed")""",
    "chained exceptions": """
try:
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        raise RuntimeError("outer") from error
except RuntimeError:
    log.exception("it failed")""",
    "extra": """
logging.root.handlers[0].setFormatter(logging.Formatter("%(message)s %(token)s"))
log.info("with extra", extra={"token": SECRET})
logging.root.handlers[0].setFormatter(None)""",
    "writelines": "sys.stdout.writelines(['a ', SECRET[:9], SECRET[9:], '\\n'])",
    "split writes": "for letter in SECRET + '\\n':\n    sys.stdout.write(letter)\n    sys.stdout.flush()",
    "split writes to a descriptor": "for letter in SECRET + '\\n':\n    os.write(2, letter.encode())",
    "base64": "import base64\nprint(base64.b64encode(b'user:' + SECRET.encode()).decode())",
    "hex": "print(SECRET.encode().hex())",
    "UTF-16": "sys.stdout.buffer.write(SECRET.encode('utf-16-le') + b'\\n')",
    "warnings": "warnings.warn('deprecated token ' + SECRET)",
    "a thread's exception": """
def work():
    raise RuntimeError("refused " + SECRET)
thread = threading.Thread(target=work)
thread.start()
thread.join()""",
}


@pytest.fixture(scope="module")
def printed():
    """What each of the above prints, by its name: all in one process."""
    program = "".join(
        f"sys.stdout.flush()\nprint({f'== {leak} =='!r}, flush=True)\n{code}\n"
        for leak, code in LEAKS_OF_AIRFLOW.items()
    )
    out = run(program)
    _, *parts = re.split(r"== (.+) ==\n", out)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("leak", LEAKS_OF_AIRFLOW)
def test_what_gets_past_a_logging_filter(printed, leak):
    """Airflow 3.3's `SecretsMasker`, a logging filter that walks arguments: each of these was reproduced."""
    assert "[masked]" in printed[leak]
    assert not any(form in printed[leak] for form in forms()), printed[leak]


def test_an_uncaught_exception():
    """The traceback of an exception that nobody caught, with its cause, is printed by the interpreter itself."""
    out = run(
        "try:\n    raise KeyError(SECRET)\nexcept KeyError as error:\n    raise RuntimeError(SECRET) from error\n"
    )
    assert out.count("[masked]") == 2
    assert "Traceback" in out
    assert SECRET not in out


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes and groups came with Python 3.11")
def test_exception_notes_and_groups():
    """Airflow: `add_note` and the members of an `ExceptionGroup` leak."""
    assert_masked(
        """
inner = ValueError("member " + SECRET)
inner.add_note("note " + SECRET)
group = ExceptionGroup("group " + SECRET, [inner, ExceptionGroup("nested", [KeyError(SECRET)])])
try:
    raise group
except ExceptionGroup:
    log.exception("it failed")
""",
        least=4,
    )


def test_a_pem_line_by_line():
    """Airflow: a key that is written line by line leaks fully."""
    pem = """
import base64, textwrap
KEY = "\\n".join(textwrap.wrap(base64.b64encode(b"example key material " * 20).decode(), 64))
PEM = "-----BEGIN EXAMPLE KEY-----\\n" + KEY + "\\n-----END EXAMPLE KEY-----\\n"
registry().add(PEM, name="key")
for line in PEM.splitlines():
    log.info("  | %s", line)
    print(line)
print("the last line")
"""
    out = run(pem)
    key = base64.b64encode(b"example key material " * 20).decode()
    assert "the last line" in out
    assert "-----BEGIN EXAMPLE KEY-----" in out
    assert not any(key[start : start + 20] in out for start in range(len(key) - 20))


def test_a_value_that_is_registered_while_a_line_is_half_written():
    """airflow#54540: values came to be known after the stream was set up; here that takes effect at once."""
    out = run(
        """
sys.stdout.write("before ")
sys.stdout.flush()
registry().add("example-late-" + "value", name="late")
sys.stdout.write("example-late-" + "value after\\n")
"""
    )
    assert out == "before [masked] after\n"
