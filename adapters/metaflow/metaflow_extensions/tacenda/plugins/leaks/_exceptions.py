"""Exceptions as they leave a step: masked, whoever prints, stores or sends them. Inside it they are the user's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tacenda._adapters import masked_copy, masked_error, masked_text

__all__ = ["masked_event", "masked_raise", "masked_wrapper"]


def masked_raise(run_step: Callable[..., None]) -> Callable[..., None]:
    """Return `MetaflowTask._exec_step_function`, out of which exceptions come masked.

    Decorators, Metaflow's event logger and its artifacts get the same type, with the same traceback.
    """

    @functools.wraps(run_step)
    def run(self: Any, *step: Any, **settings: Any) -> None:
        try:
            return run_step(self, *step, **settings)
        except Exception as error:
            masked = masked_error(error)
            if masked is error:
                raise
        # Not in the except clause: the user's exception would become the context of this one.
        traceback = masked.__traceback__
        raise masked.with_traceback(traceback and traceback.tb_next)

    return run


def masked_wrapper(init: Callable[..., None]) -> Callable[..., None]:
    """Return `MetaflowExceptionWrapper.__init__`, which makes texts of an exception for @catch and for artifacts.

    A traceback has source lines in it, and those are masked nowhere else.
    """

    @functools.wraps(init)
    def init_masked(self: Any, *error: Any, **settings: Any) -> None:
        init(self, *error, **settings)
        for name, text in vars(self).items():
            setattr(self, name, masked_text(text))

    return init_masked


def masked_event(log_event: Callable[..., None]) -> Callable[..., None]:
    """Return `SystemLogger.log_event`, which sends tracebacks, too, to wherever a company has it send them."""

    @functools.wraps(log_event)
    def log_masked(self: Any, level: str, module: str, name: str, payload: Any = None) -> None:
        log_event(self, level, module, name, masked_copy(payload))

    return log_masked
