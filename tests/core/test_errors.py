"""Errors say what was asked, where, why not and what next; and they travel between processes."""

from __future__ import annotations

import copy
import pickle

import pytest

from tacenda import errors
from tacenda._errors import worst

KINDS = [getattr(errors, name) for name in errors.__all__]
BASES = {
    errors.SecretNotFound: KeyError,
    errors.Unsupported: NotImplementedError,
    errors.InvalidReference: ValueError,
    errors.ConfigurationError: ValueError,
    errors.MissingDependency: ImportError,
}


def full(kind):
    return kind(
        "cannot read 'db'",
        name="db",
        tried=["vault://secret/db: no such path", "env://DB: not set"],
        hint="run `tacenda check`",
        retry_for=180.0,
        retry_after=2.5,
        failures={"db": errors.AccessDenied("not for you", name="db")},
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_a_secret_error(kind):
    """`except SecretError` catches everything that tacenda raises on purpose."""
    assert issubclass(kind, errors.SecretError)


@pytest.mark.parametrize(("kind", "base"), BASES.items())
def test_errors_are_also_what_python_calls_them(kind, base):
    """Code that expects Python's own kind of error keeps working."""
    assert issubclass(kind, base)


def test_could_not_ask_is_never_a_key_error():
    """Missing and "could not ask" share no base but `SecretError` (S0.53, S4.52)."""
    others = [kind for kind in KINDS if kind not in (errors.SecretNotFound, errors.SecretError)]
    assert not any(issubclass(kind, (KeyError, errors.SecretNotFound)) for kind in others)


@pytest.mark.parametrize("kind", KINDS)
def test_text_tells_the_places_and_the_next_step(kind):
    """Every kind prints as sentences, also where Python's base class would print a repr (S4.51)."""
    assert str(full(kind)).splitlines() == [
        "cannot read 'db'",
        "  tried: vault://secret/db: no such path",
        "  tried: env://DB: not set",
        "  next: run `tacenda check`",
    ]


def test_text_of_a_bare_error_is_its_message():
    """Nothing is printed that there is nothing to say about."""
    assert str(errors.SecretNotFound("there is no secret 'db'")) == "there is no secret 'db'"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", KINDS)
def test_errors_survive_pickling(kind, protocol):
    """An error arrives in another process with everything it says."""
    error = full(kind)
    copied = pickle.loads(pickle.dumps(error, protocol))
    assert type(copied) is kind
    assert str(copied) == str(error)
    assert (copied.name, copied.tried, copied.hint) == (error.name, error.tried, error.hint)
    assert (copied.retry_for, copied.retry_after) == (180.0, 2.5)
    assert type(copied.failures["db"]) is errors.AccessDenied
    assert copied.failures["db"].name == "db"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy])
def test_errors_can_be_copied(kind, copying):
    """Each waiting thread gets an error of its own."""
    error = full(kind)
    copied = copying(error)
    assert copied is not error
    assert (type(copied), str(copied), copied.name) == (kind, str(error), "db")


def test_a_subclass_survives_pickling():
    """A plug-in's own kind of error travels as well."""
    copied = pickle.loads(pickle.dumps(PluginError("no shelf", hint="build one")))
    assert (type(copied), copied.hint) == (PluginError, "build one")


class PluginError(errors.BackendUnavailable):
    pass


def test_notes_survive_pickling():
    """What somebody added with `add_note` is not lost on the way."""
    error = errors.Throttled("slow down")
    error.__notes__ = ["in step train"]
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["in step train"]


def test_failures_are_a_copy():
    """Changing the mapping afterwards does not change the error."""
    failures = {"a": errors.Throttled("slow down")}
    error = errors.Throttled("1 of 2", failures=failures)
    failures.clear()
    assert list(error.failures) == ["a"]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((errors.SecretNotFound, errors.AccessDenied), errors.AccessDenied),
        ((errors.AccessDenied, errors.BackendUnavailable), errors.BackendUnavailable),
        ((errors.SecretNotFound, errors.Throttled), errors.Throttled),
        ((errors.Throttled, errors.AccessDenied), errors.Throttled),
        ((errors.BackendUnavailable, errors.ConfigurationError), errors.ConfigurationError),
        ((errors.SecretNotFound,), errors.SecretNotFound),
    ],
)
def test_worst_error_is_the_one_that_matters_most(kinds, expected):
    """Broken comes before denied, denied before missing, in any order."""
    several = [kind("example") for kind in kinds]
    assert type(worst(several)) is expected
    assert type(worst(several[::-1])) is expected


def test_worst_of_one_kind_is_the_first():
    """Among equals the first one is told."""
    first, second = errors.AccessDenied("first"), errors.AccessDenied("second")
    assert worst([first, second]) is first
