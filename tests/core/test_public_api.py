"""What people import, and what importing costs them."""

from __future__ import annotations

import inspect

import pytest

import tacenda

PUBLIC = [
    "Secret",
    "SecretBundle",
    "SecretBytes",
    "SecretInfo",
    "SecretStore",
    "__version__",
    "errors",
    "get",
    "get_many",
    "masking",
    "open_store",
    "reveal",
    "testing",
]
ERRORS = [
    "AccessDenied",
    "BackendUnavailable",
    "ConfigurationError",
    "Conflict",
    "InvalidReference",
    "MissingDependency",
    "SecretError",
    "SecretLeak",
    "SecretNotFound",
    "Throttled",
    "Unsupported",
]
STORE = [
    "aget",
    "aget_many",
    "close",
    "delete",
    "get",
    "get_many",
    "get_text",
    "info",
    "list",
    "set",
    "stack",
    "update",
]


def test_public_names_are_pinned():
    """Nothing public appears or goes away by accident, and there are at most fifteen names."""
    assert tacenda.__all__ == PUBLIC
    assert len(PUBLIC) <= 15


def test_public_errors_are_pinned():
    """The names for `except` clauses are stable."""
    assert tacenda.errors.__all__ == ERRORS


def test_public_methods_of_a_store_are_pinned():
    """A store has the documented methods and no others."""
    store = tacenda.open_store(config={"stacks": {"dev": {"secrets": "env"}}})
    assert [name for name in dir(store) if not name.startswith("_")] == STORE


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there(name):
    """Each public name can be had as an attribute of the package."""
    assert getattr(tacenda, name) is not None
    assert name in dir(tacenda)


def test_star_import_gives_the_public_names():
    """`from tacenda import *` works with names that are loaded lazily."""
    names: dict[str, object] = {}
    exec("from tacenda import *", names)
    assert set(PUBLIC) <= set(names)


def test_unknown_name_is_an_attribute_error():
    """A typo in a name is answered as by any module."""
    with pytest.raises(AttributeError, match="'tacenda' has no attribute 'gett'"):
        tacenda.gett  # noqa: B018


def test_public_names_have_docstrings():
    """`help()` has an answer for everything public."""
    objects = [getattr(tacenda, name) for name in PUBLIC if name != "__version__"]
    objects += [getattr(tacenda.SecretStore, name) for name in STORE if name != "stack"]
    assert all(inspect.getdoc(thing) for thing in objects)


def test_import_loads_no_sdk_and_no_orchestrator(python):
    """`import tacenda` costs nothing that is not used."""
    heavy = "'hvac','boto3','yaml','click','metaflow','flytekit','flyte','zenml','flowyml','requests','asyncio'"
    assert python(f"import sys, tacenda; print([m for m in ({heavy}) if m in sys.modules])") == "[]\n"


def test_import_loads_nothing_else_of_tacenda(python):
    """Of tacenda itself only the package is loaded until a name is used."""
    code = "import sys, tacenda; print([m for m in sys.modules if m.startswith('tacenda.')])"
    assert python(code) == "[]\n"


def test_reading_from_the_environment_loads_no_sdk(python):
    """A stack on `env` imports no SDK and no event loop; also `logging` stays out of a cold process."""
    code = """
import sys, tacenda
assert tacenda.get("EXAMPLE") == "example-value"
print([m for m in ("hvac", "requests", "yaml", "click", "asyncio", "logging") if m in sys.modules])
"""
    assert python(code, EXAMPLE="example-value") == "[]\n"


def test_error_module_is_the_same_tree():
    """`tacenda.errors.X` is what the core raises."""
    from tacenda import _errors

    assert all(getattr(tacenda.errors, name) is getattr(_errors, name) for name in ERRORS)
