"""What the groups of the kit share: the store under test, seeding, and the search for leaked values."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import pytest

import tacenda

if TYPE_CHECKING:
    from tacenda._errors import SecretError
    from tacenda.providers import Capabilities
    from tacenda.testing._conformance._harness import Harness

__all__ = ["FAULTS", "ConformanceBase", "Opener", "Put", "assert_no_leak", "needs", "refused"]

FAULTS = ("denied", "down", "throttled", "expired")

Put = Callable[[str, Any], Any]
"""Seeds a secret: `put(name, value)`."""

_Test = TypeVar("_Test", bound=Callable[..., object])


class Opener(Protocol):
    """Opens a store on the harness's entry, without a cache; `deadline` caps its retries, in seconds."""

    def __call__(self, deadline: float = ...) -> tacenda.SecretStore: ...


def needs(fault: str) -> Callable[[_Test], _Test]:
    """Mark a test of a fault, which is not collected where `impossible` names the fault."""

    def mark(test: _Test) -> _Test:
        test.fault = fault  # type: ignore[attr-defined]
        return test

    return mark


class ConformanceBase:
    """The fixtures of the kit."""

    impossible: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        unknown = set(cls.impossible) - set(FAULTS)
        if unknown:
            raise TypeError(f"{cls.__name__}.impossible: no such fault {sorted(unknown)}; there are {FAULTS}")
        for name in dir(cls):
            if getattr(getattr(cls, name), "fault", None) in cls.impossible:
                setattr(cls, name, None)

    @pytest.fixture
    def harness(self) -> Harness:
        raise NotImplementedError(f"{type(self).__name__} must define the fixture `harness`")

    @pytest.fixture
    def can(self, harness: Harness) -> Capabilities:
        return harness.capabilities

    @pytest.fixture
    def opener(self, harness: Harness) -> Iterator[Opener]:
        opened: list[tacenda.SecretStore] = []

        def open_store(deadline: float = 10.0) -> tacenda.SecretStore:
            stack = {"secrets": dict(harness.entry), "cache_ttl": 0, "deadline": deadline}
            opened.append(tacenda.open_store(config={"stacks": {"conformance": stack}}))
            return opened[-1]

        yield open_store
        for store in opened:
            store.close()

    @pytest.fixture
    def store(self, opener: Opener) -> tacenda.SecretStore:
        return opener()

    @pytest.fixture
    def put(self, harness: Harness, store: tacenda.SecretStore) -> Put:
        return store.set if harness.capabilities.write else harness.seed


def refused(kind: type[SecretError], call: Callable[[], object], *values: str) -> SecretError:
    """Return the error that a call raises, after making sure of its kind, that it pickles and that it leaks nothing.

    Args:
        kind: the error's class.
        call: what must fail.
        values: seeded values, which must not occur anywhere in the error.
    """
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - made in the same line
    assert_no_leak(error, *values)
    return error


def assert_no_leak(error: BaseException, *values: str) -> None:
    """Fail if a value occurs in an error, in what caused it, or in a local variable between store and backend."""
    for place, text in texts_of(error):
        for value in values:
            assert value not in text, f"the secret value occurs in {place}"


def texts_of(error: BaseException, seen: frozenset[int] = frozenset()) -> Iterator[tuple[str, str]]:
    """Yield each place where an error reporter could see something of an error, and the text there."""
    what = type(error).__name__
    yield f"str({what})", str(error)
    yield f"repr({what})", repr(error)
    yield f"{what}.args", repr(error.args)
    yield f"vars({what})", repr(vars(error))
    traceback, inside = error.__traceback__, False
    while traceback is not None:
        frame = traceback.tb_frame
        module = str(frame.f_globals.get("__name__"))
        # From the store on everything counts: the provider's frames, and an SDK's if its exception was kept.
        inside = inside or (module.split(".", maxsplit=1)[0] == "tacenda" and not module.startswith("tacenda.testing"))
        if inside:
            for name, value in frame.f_locals.items():
                yield f"{what}: local variable {name!r} in {module}.{frame.f_code.co_name}", repr(value)
        traceback = traceback.tb_next
    related = [error.__cause__, error.__context__, *getattr(error, "failures", {}).values()]
    for other in related:
        if other is not None and id(other) not in seen:
            yield from texts_of(other, seen | {id(error)})
