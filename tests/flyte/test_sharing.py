"""Names that running tasks share: what is there, for how long, and what is refused."""

from __future__ import annotations

import os
import threading

import pytest

from tacenda.errors import Conflict
from tacenda_flyte import _environment
from tacenda_flyte._environment import put_variable, set_by_others
from tacenda_flyte._sharing import Place, SharedNames

pytestmark = pytest.mark.flyte


@pytest.fixture
def names() -> SharedNames:
    return SharedNames()


def wanted(log: list[str], name: str = "TOKEN", secret: str = "one") -> Place:
    def put():
        log.append(f"+{name}")
        return lambda: log.append(f"-{name}")

    return Place(f"variable {name}", repr(secret), secret, put)


def test_last_one_takes_it_away(names) -> None:
    """Two tasks with one secret: put once, taken away once, by whoever ends last."""
    log: list[str] = []
    with names.task(), names.hold([wanted(log)]):
        with names.hold([wanted(log)]):
            pass
        assert log == ["+TOKEN"]
    assert log == ["+TOKEN", "-TOKEN"]


def test_clash_while_held(names) -> None:
    """A name that stands for another secret is refused, naming both, and nothing of that task is put."""
    log: list[str] = []
    with names.task(), names.hold([wanted(log)]):
        with pytest.raises(Conflict, match=r"variable TOKEN stands for 'one' and cannot be 'two' too"):
            names.hold([wanted(log, "OTHER"), wanted(log, secret="two")]).__enter__()
        assert log == ["+TOKEN"]


def test_clash_later_in_the_run(names) -> None:
    """A name keeps its meaning as long as any task runs, also one without secrets."""
    log: list[str] = []
    with names.task():
        with names.task(), names.hold([wanted(log)]):
            pass
        with names.task(), pytest.raises(Conflict):
            names.hold([wanted(log, secret="two")]).__enter__()
    with names.task(), names.hold([wanted(log, secret="two")]):
        assert log == ["+TOKEN", "-TOKEN", "+TOKEN"]


def test_every_clash_is_listed(names) -> None:
    """One error for all names that clash."""
    log: list[str] = []
    with names.task(), names.hold([wanted(log, "A"), wanted(log, "B")]), pytest.raises(Conflict) as caught:
        names.hold([wanted(log, "A", "x"), wanted(log, "B", "y"), wanted(log, "C", "z")]).__enter__()
    assert "variable A" in str(caught.value)
    assert "variable B" in str(caught.value)
    assert "variable C" not in str(caught.value)


def test_failing_put_leaves_nothing(names) -> None:
    """What had been put before one failed is taken away again."""
    log: list[str] = []

    def fail():
        raise OSError("no space")

    with names.task():
        with pytest.raises(OSError, match="no space"):
            names.hold([wanted(log), Place("file x", "'x'", "x", fail)]).__enter__()
        assert log == ["+TOKEN", "-TOKEN"]


def test_threads(names) -> None:
    """Many threads at once: one value, and nothing in the end."""
    log: list[str] = []
    barrier = threading.Barrier(8)

    def run():
        for _ in range(50):
            barrier.wait()
            with names.task(), names.hold([wanted(log)]):
                assert log[-1] == "+TOKEN"
                barrier.wait()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log == ["+TOKEN", "-TOKEN"] * 50


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_fork_while_locked() -> None:
    """A child that is forked while a task takes its names can take its own."""
    from tacenda_flyte._sharing import SHARED

    with SHARED._lock:
        child = os.fork()
        if not child:
            with SHARED.task():
                os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


@pytest.mark.parametrize("before", [None, "of the user"])
def test_variable_comes_back(monkeypatch, before) -> None:
    """What was there before is there again, and tacenda's note is gone."""
    monkeypatch.delenv("TACENDA_INJECTED", raising=False)
    monkeypatch.delenv("TOKEN", raising=False)
    if before:
        monkeypatch.setenv("TOKEN", before)
    restore = put_variable("TOKEN", "example")
    assert os.environ["TOKEN"] == "example"
    assert os.environ["TACENDA_INJECTED"] == "TOKEN"
    assert set_by_others("TOKEN") is None
    restore()
    assert os.environ.get("TOKEN") == before == set_by_others("TOKEN")
    assert "TACENDA_INJECTED" not in os.environ


def test_variable_of_another_injector_stays_noted(monkeypatch) -> None:
    """A variable that `tacenda run` has injected is tacenda's before and after."""
    monkeypatch.setenv("TACENDA_INJECTED", "OTHER,TOKEN")
    monkeypatch.setenv("TOKEN", "example-outer")
    put_variable("TOKEN", "example-inner")()
    assert os.environ["TOKEN"] == "example-outer"
    assert os.environ["TACENDA_INJECTED"] == "OTHER,TOKEN"


def test_variable_that_the_task_changed_stays(monkeypatch) -> None:
    """What a task puts there itself is not taken away."""
    monkeypatch.setenv("TOKEN", "of the user")  # which monkeypatch brings back
    monkeypatch.delenv("TACENDA_INJECTED", raising=False)
    restore = put_variable("TOKEN", "example")
    monkeypatch.setenv("TOKEN", "of the task")
    restore()
    assert os.environ["TOKEN"] == "of the task"


def test_clash_of_stacks(names) -> None:
    """One name for secrets of two stacks is refused, and the message tells them apart."""
    mine, other = (wanted([])._replace(identity=stack) for stack in ("dev", "prod"))
    with names.task(), names.hold([mine]), pytest.raises(Conflict, match="'one' and cannot be 'one' of another stack"):
        names.hold([other]).__enter__()


def test_variable_is_never_seen_without_its_note(monkeypatch) -> None:
    """Another thread that looks in the middle does not take tacenda's variable for the user's."""
    found: list[str | None] = []
    looking = threading.Thread(target=lambda: found.append(set_by_others("TACENDA_TEST_MIDDLE")))
    real = _environment.inject

    def inject(values):
        os.environ.update(values)
        looking.start()
        looking.join(0.2)
        real(values)

    monkeypatch.setattr(_environment, "inject", inject)
    undo = put_variable("TACENDA_TEST_MIDDLE", "value")
    looking.join()
    undo()
    assert found == [None]
