"""Exceptions are printed without values, and otherwise as they were."""

from __future__ import annotations

import builtins
import json
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacenda.masking import Masker
from tacenda.masking._records._exceptions import masked_exception

SECRET = "example-token-1"
ExceptionGroup = getattr(builtins, "ExceptionGroup", None)
needs_groups = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no groups and notes")


@pytest.fixture
def masker():
    masker = Masker()
    masker.add(SECRET, name="api-keys")
    return masker


class Custom(Exception):
    """Has a text that is not made of its arguments, and cannot be made again from those."""

    def __init__(self, value, *, code):
        super().__init__("custom")
        self.value = value
        self.code = code

    def __str__(self):
        return f"refused {self.value} with {self.code}"


class Unprintable(Exception):
    def __str__(self):
        raise TypeError(f"cannot print {SECRET}")


class Slotted(Exception):
    __slots__ = ("value",)

    def __setattr__(self, name, value):
        raise AttributeError("read-only")


class NotDerived(type):
    def __new__(cls, name, bases, body):
        if any(isinstance(base, NotDerived) for base in bases):
            raise TypeError("not to be derived")
        return super().__new__(cls, name, bases, body)


class Final(ValueError, metaclass=NotDerived):
    pass


class Registered(Exception):
    known = []  # noqa: RUF012 - what registries of error codes do

    def __init_subclass__(cls, *, code):
        cls.known.append((code, cls))


class OfItsOwn(Exception):
    def __new__(cls, first, second):
        return super().__new__(cls, first, second)


def caught(function, *args):
    try:
        function(*args)
    except BaseException as error:  # noqa: BLE001 - it is what the test is about
        return error
    raise AssertionError("did not raise")


def fail(error):
    raise error


def formatted(error):
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def chained(error, cause):
    error.__cause__ = cause
    return error


def having(error, **attributes):
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


LEAKING = {
    "note": lambda: having(ValueError("x"), __notes__=[SECRET]),
    "source of a syntax error": lambda: having(SyntaxError("x"), text=SECRET, lineno=1),
    "message": lambda: ValueError(f"no {SECRET}"),
    "argument": lambda: ValueError("no", {"token": [SECRET]}),
    "bytes": lambda: ValueError(SECRET.encode()),
    "key": lambda: caught(dict.__getitem__, {}, SECRET),
    "syntax": lambda: caught(compile, f"x = '{SECRET}' +", "<text>", "exec"),
    "syntax in the file's name": lambda: caught(compile, "x = ", f"/tmp/{SECRET}.py", "exec"),
    "file": lambda: caught(open, f"/nonexistent/{SECRET}"),
    "import": lambda: ImportError(f"no {SECRET}", name=SECRET, path=f"/{SECRET}"),
    "unicode": lambda: caught((SECRET + "\udc80").encode),
    "exit": lambda: SystemExit(SECRET),
    "stop": lambda: StopIteration(SECRET),
    "custom text": lambda: Custom(SECRET, code=7),
    "slots": lambda: Slotted(SECRET),
    "a type that cannot be derived": lambda: Final(SECRET),
    "a type that keeps a list of its subclasses": lambda: Registered(SECRET),
    "a type with its own __new__": lambda: OfItsOwn("a", SECRET),
    "cause": lambda: chained(ValueError("outer"), KeyError(SECRET)),
    "context": lambda: caught(fail_while_handling, ValueError(SECRET), ValueError("outer")),
    "an exception as argument": lambda: ValueError(KeyError(SECRET)),
}


def fail_while_handling(first, second):
    try:
        raise first
    except type(first):
        raise second from None


@pytest.mark.parametrize("name", LEAKING)
def test_no_value_in_what_is_printed(masker, name):
    """Whatever the type and wherever it carries the value (claim C11, checklist 9)."""
    original = LEAKING[name]()
    masked = masked_exception(original, masker)
    attributes = [
        getattr(masked, attribute, None) for attribute in ("filename", "text", "object", "name", "path", "code")
    ]
    for shown in (
        formatted(masked),
        str(masked),
        repr(masked),
        repr(masked.args),
        repr(attributes),
        repr(vars(masked)),
    ):
        assert SECRET not in shown
    assert isinstance(masked, ValueError if isinstance(original, Final) else type(original))
    assert type(masked).__name__ == type(original).__name__
    assert type(masked).__module__ == type(original).__module__
    assert type(masked).__qualname__ == type(original).__qualname__


@pytest.mark.parametrize("name", [name for name in LEAKING if name not in ("context", "import", "stop")])
def test_the_rest_of_the_text_stays(masker, name):
    """A masked traceback reads as the original, with the token in place of the value."""
    original = LEAKING[name]()
    carets = str.maketrans("", "", "^ ")  # they point into a line that is shorter now
    expected = masker.mask(formatted(original)).translate(carets)
    assert formatted(masked_exception(original, masker)).translate(carets) == expected


@pytest.mark.parametrize("error", [ValueError("clean"), Custom("clean", code=7), KeyError("x"), Unprintable("clean")])
def test_a_clean_exception_is_itself(masker, error):
    """An exception without a value is not copied."""
    assert masked_exception(chained(error, OSError(2, "clean")), masker) is error


def test_the_original_is_not_changed(masker):
    """Masking changes what is printed, never the exception that a program catches."""
    inner = caught(fail, KeyError(SECRET))
    original = caught(fail, chained(Custom(SECRET, code=7), inner))
    before = formatted(original)
    masked_exception(original, masker)
    assert formatted(original) == before
    assert original.value == SECRET
    assert original.__cause__ is inner


def test_traceback_and_links_stay(masker):
    """The frames are the user's own; a cause stays a cause, and a suppressed context suppressed."""
    original = caught(fail, chained(ValueError("outer"), caught(fail, KeyError(SECRET))))
    masked = masked_exception(original, masker)
    assert masked.__traceback__ is original.__traceback__
    assert masked.__cause__.__traceback__ is original.__cause__.__traceback__
    assert masked.__suppress_context__
    suppressed = LEAKING["context"]()
    assert masked_exception(suppressed, masker).__suppress_context__
    assert repr(masked_exception(suppressed, masker).__context__) == "ValueError('[masked]')"
    suppressed.__suppress_context__ = False
    assert not masked_exception(suppressed, masker).__suppress_context__


def test_attributes_stay(masker):
    """What handlers look at is there, masked where it holds a value."""
    masked = masked_exception(LEAKING["file"](), masker)
    assert (masked.errno, masked.filename) == (2, "/nonexistent/[masked]")
    custom = masked_exception(Custom(SECRET, code=7), masker)
    assert (custom.value, custom.code) == ("[masked]", 7)


def test_what_is_not_printed_makes_no_stand_in(masker):
    """An exception stays the same object if only an attribute that no traceback shows holds a value."""
    error = caught(json.loads, f'"{SECRET}')
    assert SECRET in error.doc
    assert masked_exception(error, masker) is error


def test_the_users_types_do_not_hear_of_it(masker):
    """`__init_subclass__` of a user's exception is not called for a stand-in."""
    assert isinstance(masked_exception(Registered(SECRET), masker), Registered)
    assert Registered.known == []


def test_cycles(masker):
    """Exceptions that lead to each other are copied once each."""
    first, second = ValueError(SECRET), KeyError("second")
    first.__cause__, second.__context__ = second, first
    masked = masked_exception(second, masker)
    assert masked.__context__.__cause__ is masked
    assert SECRET not in formatted(masked)


def test_an_argument_that_holds_the_exception_itself(masker):
    """An exception among its own arguments is masked, and masking comes to an end."""
    error = ValueError(SECRET)
    error.args = (error, SECRET)
    assert SECRET not in formatted(masked_exception(error, masker))


def test_long_chains(masker):
    """A chain longer than the recursion limit is masked to its end."""
    error = deepest = ValueError(SECRET)
    for number in range(3000):
        error = chained(ValueError(number), error)
    masked = masked_exception(error, masker)
    while masked.__cause__ is not None:
        masked = masked.__cause__
    assert masked is not deepest
    assert str(masked) == "[masked]"


@needs_groups
def test_groups_and_notes(masker):
    """Members at any depth, their notes and causes; a group is still caught by `except*` (airflow's filter leaks)."""
    inner = ValueError("clean")
    inner.add_note(f"note {SECRET}")
    group = ExceptionGroup(f"outer {SECRET}", [ExceptionGroup("inner", [inner, Custom(SECRET, code=7)]), KeyError("x")])
    masked = masked_exception(caught(fail, group), masker)
    assert SECRET not in formatted(masked)
    assert formatted(masked) == masker.mask(formatted(group))
    assert isinstance(masked, ExceptionGroup)
    assert len(masked.split(ValueError)[0].exceptions) == 1
    assert masked.message == "outer [masked]"


@needs_groups
def test_a_group_of_ones_own(masker):
    """A subclass that asks for other arguments is a group still."""

    class Failures(ExceptionGroup):
        def __new__(cls, errors):
            return ExceptionGroup.__new__(cls, f"{len(errors)} failures", errors)

    masked = masked_exception(Failures([KeyError(SECRET)]), masker)
    assert isinstance(masked, Failures)
    assert SECRET not in formatted(masked)
    assert "KeyError: '[masked]'" in formatted(masked)


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="groups come from a package on Python 3.10 only")
def test_groups_from_a_package(masker):
    """The groups that Python 3.10 has from `exceptiongroup` are groups too."""
    from exceptiongroup import ExceptionGroup as Group

    masked = masked_exception(Group(f"outer {SECRET}", [KeyError(SECRET)]), masker)
    assert SECRET not in formatted(masked) + repr(masked.exceptions) + str(masked)
    assert isinstance(masked, Group)


def test_if_masking_fails_the_exception_is_reported_all_the_same():
    """Type name and traceback stay; the message does not, because nobody could look at it."""

    class Broken(Masker):
        def holds(self, data):
            raise RuntimeError(f"broken {data}")

    original = caught(fail, KeyError(SECRET))
    masked = masked_exception(original, Broken())
    assert formatted(masked).endswith("KeyError: withheld: masking failed: RuntimeError\n")
    assert "in fail" in formatted(masked)
    assert SECRET not in formatted(masked)


def test_an_exception_that_cannot_be_printed(masker):
    """If its `__str__` fails, Python prints nothing of that failure; its cause is masked all the same."""
    masked = masked_exception(chained(Unprintable("x"), KeyError(SECRET)), masker)
    assert SECRET not in formatted(masked)


VALUES = st.recursive(
    st.sampled_from([SECRET, f"a {SECRET}", SECRET.encode(), "clean", 5, None]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from([SECRET, "key"]), inner, max_size=2),
        inner.map(ValueError),
    ),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=2))
def test_any_arguments(arguments, causes):
    """No argument survives, however it is nested, in the exception or in its causes."""
    masker = Masker()
    masker.add(SECRET)
    error = ValueError(*arguments)
    for cause in causes:
        error = chained(KeyError(cause), error)
    masked = masked_exception(error, masker)
    assert SECRET not in formatted(masked)
    assert (masked is error) == (SECRET not in repr(arguments) + repr(causes))
