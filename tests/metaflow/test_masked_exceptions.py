"""Exceptions on their way out of a step, in this process: masked there, and in no other respect changed."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest
import requests
from metaflow.exception import MetaflowException, MetaflowExceptionWrapper
from metaflow.plugins.secrets.inline_secrets_provider import InlineSecretsProvider
from metaflow.plugins.secrets.secrets_func import get_secret
from metaflow.plugins.secrets.utils import get_secrets_backend_provider
from metaflow.system import SystemLogger
from metaflow.task import MetaflowTask

from tacenda.masking import registry

VALUE = "example-value-4711"

pytestmark = pytest.mark.usefixtures("empty_registry")


class RefusedError(Exception):
    """A user's own error, which keeps what it was given."""

    def __init__(self, token: str, *, code: int) -> None:
        super().__init__(f"refused {token}")
        self.token = token
        self.code = code


def refused() -> None:
    raise RefusedError(VALUE, code=401)


def chained() -> None:
    try:
        refused()
    except RefusedError as error:
        raise KeyError(VALUE) from error


def during_another() -> None:
    try:
        refused()
    finally:
        {}[VALUE]


def metaflows() -> None:
    raise MetaflowException(f"no access with {VALUE}")


def as_system_error() -> None:
    open(f"/nowhere/{VALUE}").close()


def over_http() -> None:
    requests.get(f"http://127.0.0.1:1/{VALUE}", headers={"Authorization": VALUE}, timeout=1)


FAILURES: dict[Callable[[], None], type[Exception]] = {
    refused: RefusedError,
    chained: KeyError,
    during_another: KeyError,
    metaflows: MetaflowException,
    as_system_error: FileNotFoundError,
    over_http: requests.ConnectionError,
}


class Step:
    """As much of a step as Metaflow asks for when it calls one."""

    name = "start"
    wrappers = ()


def failed(step: Callable[[], None]) -> Exception:
    """Run a step through Metaflow's own code, and return what comes out of it."""
    task = object.__new__(MetaflowTask)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any
        run_in(task, step)
    return caught.value


def run_in(task: MetaflowTask, step: Callable[[], None]) -> None:
    # Before 2.16 the second argument is what a join step is called with.
    task._exec_step_function(lambda *_: step(), Step())


@pytest.mark.parametrize("step", FAILURES)
def test_leaving(step: Callable[[], None]) -> None:
    """Decorators and loggers get the same type with the same traceback and attributes, and nowhere the value."""
    registry().add(VALUE, "token")
    error = failed(step)
    kind = FAILURES[step]
    assert isinstance(error, kind)
    assert (type(error).__name__, type(error).__module__) == (kind.__name__, kind.__module__)
    told = "".join(traceback.format_exception(error))
    assert "[masked]" in told
    assert VALUE not in told + repr(vars(error)) + repr(error.args)
    assert f"in {step.__name__}" in told
    assert getattr(error, "code", 401) == 401
    assert getattr(error, "errno", None) in (2, None)


def test_chain() -> None:
    """What an exception was raised from, and during, stays there."""
    registry().add(VALUE, "token")
    assert isinstance(failed(chained).__cause__, RefusedError)
    context = failed(during_another).__context__
    assert isinstance(context, RefusedError)
    assert context.__context__ is None


@pytest.mark.parametrize("step", FAILURES)
def test_no_secret(step: Callable[[], None]) -> None:
    """An exception that holds no secret is the user's own object."""
    raised: list[BaseException] = []

    def noting() -> None:
        try:
            step()
        except Exception as error:
            raised.append(error)
            raise

    registry().add("example-other-4711", "other")
    assert failed(noting) is raised[0]


def test_inside() -> None:
    """Inside the step an `except` sees what was raised, value included."""
    registry().add(VALUE, "token")
    seen = []

    def step() -> None:
        try:
            refused()
        except RefusedError as error:
            seen.append(error.token)

    run_in(object.__new__(MetaflowTask), step)
    assert seen == [VALUE]


def test_wrapper() -> None:
    """The text that Metaflow stores of an exception is masked, its source lines too, and names type and place."""
    registry().add(VALUE, "token")
    try:
        raise ValueError("example-value-4711")  # the source line has it
    except ValueError as error:
        wrapped = MetaflowExceptionWrapper(error)
    assert (wrapped.exception, wrapped.type) == ("[masked]", "builtins.ValueError")
    assert wrapped.stacktrace.count("[masked]") == 2
    assert "in test_wrapper" in str(wrapped)
    assert MetaflowExceptionWrapper(ValueError("plain")).stacktrace is None
    assert vars(MetaflowExceptionWrapper()) == {}


class Logger:
    """An event logger that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def log(self, payload: dict[str, Any]) -> None:
        """Keep it."""
        self.sent.append(payload)

    def terminate(self) -> None:
        """There is nothing to end."""


def test_event_logger() -> None:
    """What goes to an event logger is masked, and of the same shape; what holds no secret is the same object."""
    registry().add(VALUE, "token")
    logger = SystemLogger()
    logger.init_system_logger("TestFlow", Logger())
    plain = {"run_id": "1", "retry_count": 0}
    logger.log_event("info", "metaflow.task", "start", payload=plain)
    logger.log_event(level="error", module="m", name="exception", payload={"msg": f"failed with {VALUE}", "n": 1})
    logger.log_event("info", "m", "nothing")
    sent = logger.logger.sent
    assert sent[0]["payload"] is plain
    assert sent[1] == {"level": "error", "module": "m", "name": "exception"} | {
        "payload": {"msg": "failed with [masked]", "n": 1}
    }
    assert sent[2]["payload"] == {}


INLINE = {"type": "inline", "id": "db", "options": {"env_vars": {"PASSWORD": VALUE, "HOST": "db.example"}}}


def test_get_secret() -> None:
    """Metaflow's `get_secret()` returns what it always did, and the values are masked from then on (S1.47)."""
    assert get_secret(INLINE) == {"PASSWORD": VALUE, "HOST": "db.example"}
    assert registry().mask(f"{VALUE} at db.example") == "[masked] at db.example"
    assert registry().names(VALUE.encode()) == ["db#PASSWORD"]


def test_providers() -> None:
    """So is what is read from one of Metaflow's providers directly; it is of its own class, and errors stay its own."""
    provider = get_secrets_backend_provider("inline")
    assert type(provider) is InlineSecretsProvider
    assert provider.get_secret_as_dict("id", options=json.loads(json.dumps(INLINE["options"])))["PASSWORD"] == VALUE
    assert registry().mask(VALUE) == "[masked]"
    with pytest.raises(MetaflowException, match="Unknown secrets backend type nothing"):
        get_secrets_backend_provider("nothing")
