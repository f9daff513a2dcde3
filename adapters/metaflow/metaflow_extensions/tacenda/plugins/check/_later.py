"""Sources that are functions, called before the run: what they return then, or that only the run knows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from metaflow import current, parameters
from metaflow.exception import MetaflowException

from metaflow_extensions.tacenda.plugins.sources._callables import resolved

__all__ = ["ask_now"]

_OF_THE_RUN = ("run_id", "task_id", "origin_run_id", "retry_count", "tags")
"""What `current` knows in a task only. Outside one Metaflow says None, and a name made of that would be a wrong one."""


class _NotYetKnown(BaseException):
    """Something of the run was asked for. No Exception, so that a function's own `except` makes no guess of it."""


class _Loaded:
    """A flow before its run: its name and its configurations are there, parameters and artifacts are not."""

    def __init__(self, flow: Any) -> None:
        self.__flow = flow

    def __getattr__(self, name: str) -> Any:
        if name == "name":
            return self.__flow.name
        values = getattr(parameters.context_proto, "configs", None) or {}
        for variable, parameter in self.__flow._get_parameters():  # noqa: SLF001 - as Metaflow's own commands
            if variable == name and parameter.IS_CONFIG_PARAMETER and parameter.name in values:
                return values[parameter.name]
        raise _NotYetKnown


def ask_now(source: Any, flow: Any, step: str) -> list[Any] | None:
    """Return what a source is before the run: itself, or what the functions in it return; None if the run decides.

    Args:
        source: a source, a function, or a list of them.
        flow: the flow, loaded.
        step: the step's name.
    """
    try:
        with _before_the_run(step):
            return resolved(source, _Loaded(flow))
    except (_NotYetKnown, MetaflowException):  # it may fail for want of what the run brings, in any way
        return None


@contextmanager
def _before_the_run(step: str) -> Iterator[None]:
    kind, known = type(current), dict(vars(current))
    usual = {name: vars(kind)[name] for name in _OF_THE_RUN if name in vars(kind)}
    vars(current)["_step_name"] = step
    for name in usual:
        setattr(kind, name, property(_not_yet))
    try:
        yield
    finally:
        for name, attribute in usual.items():
            setattr(kind, name, attribute)
        vars(current).clear()
        vars(current).update(known)


def _not_yet(_: Any) -> Any:
    raise _NotYetKnown
