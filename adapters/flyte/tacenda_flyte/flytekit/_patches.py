"""All that tacenda changes in flytekit.

| patched | for |
|---|---|
| `SecretsManager.get` | the platform's secrets as ever, then the stack's |
| `SecretsManager.get_secrets_file` | the file of a secret that tacenda mounted |
| `SecretsManager._GroupSecrets.__getattr__` | `TACENDA_FLYTEKIT_FILE_ATTRIBUTE=path` |
| `flytekit.core.secrets` (new) | the module that Flyte's documentation imports from |
| `PythonTask.dispatch_execute` | masking, `env_var=` and mounts while a task runs |
| `PythonTask._output_to_literal_map` | outputs are searched before they are stored |
| `ContainerError.__init__` | `error.pb` is masked |
| `deck._get_deck` | the HTML of decks is masked |
| `TypeTransformerFailedError.__init__` | the message shows no value |
| `utils.pretty_print_exception` | errors that `pyflyte` prints, folded by Rich, are masked |

`PATCHES` says what is lost where one does not fit. The functions here only say when; what happens then is in the module
that each of them imports on its first call.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

from tacenda._adapters import Patch, mask_output, masked_error, masked_text

__all__ = ["PATCHES"]

FITS = "1.15 to 1.16"

Function = Callable[..., Any]


def _get(upstream: Function) -> Function:
    @functools.wraps(upstream)
    def get(
        self: Any,
        group: str | None = None,
        key: str | None = None,
        group_version: str | None = None,
        encode_mode: str = "r",
    ) -> Any:
        from tacenda_flyte.flytekit._lookup import find
        from tacenda_flyte.flytekit._wanted import Wanted

        return find(upstream, self, Wanted(group or None, key or None, group_version or None), encode_mode)

    return get


def _get_secrets_file(upstream: Function) -> Function:
    @functools.wraps(upstream)
    def get_secrets_file(
        self: Any, group: str | None = None, key: str | None = None, group_version: str | None = None
    ) -> Any:
        from tacenda_flyte.flytekit._mounts import MOUNTS
        from tacenda_flyte.flytekit._wanted import Wanted, declared_as

        path = upstream(self, group, key, group_version)
        if not MOUNTS or os.path.exists(path):  # the platform's own mount comes first
            return path
        return MOUNTS.get(declared_as(Wanted(group, key, group_version)), path)

    return get_secrets_file


def _attribute(upstream: Function) -> Function:
    @functools.wraps(upstream)
    def __getattr__(self: Any, item: str) -> Any:  # noqa: N807 - as upstream calls it
        from tacenda_flyte.flytekit._settings import file_attribute_is_path
        from tacenda_flyte.flytekit._wanted import Wanted, is_declared_file

        if file_attribute_is_path() and is_declared_file(Wanted(self._group, item)):
            return self._sm.get_secrets_file(self._group, item)
        return upstream(self, item)

    return __getattr__


def _dispatch_execute(upstream: Function) -> Function:
    @functools.wraps(upstream)
    def dispatch_execute(self: Any, ctx: Any, input_literal_map: Any) -> Any:
        from tacenda_flyte.flytekit._task import running

        mask_output()
        with running(self, ctx) as run:
            outcome = upstream(self, ctx, input_literal_map)
        run.check(outcome)
        return outcome

    return dispatch_execute


def _output_to_literal_map(upstream: Function) -> Function:
    @functools.wraps(upstream)
    async def _output_to_literal_map(self: Any, native_outputs: Any, ctx: Any) -> Any:
        from tacenda_flyte.flytekit._outputs import checked

        return await upstream(self, checked(self, native_outputs), ctx)

    return _output_to_literal_map


def _container_error(upstream: Function) -> Function:
    @functools.wraps(upstream)
    def __init__(self: Any, code: str, message: str, *more: Any, **named: Any) -> None:  # noqa: N807 - as above
        upstream(self, code, masked_text(message), *more, **named)

    return __init__


def _get_deck(upstream: Function) -> Function:
    @functools.wraps(upstream)
    def _get_deck(*args: Any, **named: Any) -> Any:
        from tacenda_flyte._values import masked_html

        return masked_html(upstream(*args, **named))

    return _get_deck


def _type_error(upstream: Function) -> Function:
    @functools.wraps(upstream)
    def __init__(self: Any, *args: Any) -> None:  # noqa: N807 - as above
        from tacenda_flyte.flytekit._masked import explained

        upstream(self, *map(explained, args))

    return __init__


def _pretty_print_exception(upstream: Function) -> Function:
    @functools.wraps(upstream)
    def pretty_print_exception(e: Exception, *args: Any, **named: Any) -> None:
        # Rich folds long values, and a mask of the whole value does not fit the pieces.
        upstream(masked_error(e), *args, **named)

    return pretty_print_exception


def _documented_module(_: Any) -> Any:
    from tacenda_flyte.flytekit._documented import module

    return module()


MANAGER = "flytekit.core.context_manager:SecretsManager"
TASK = "flytekit.core.base_task:PythonTask"
ARGUMENTS = ("group", "key", "group_version")

PATCHES = (
    Patch(f"{MANAGER}.get", _get, FITS, "secrets come from the platform only", (*ARGUMENTS, "encode_mode")),
    Patch(f"{MANAGER}.get_secrets_file", _get_secrets_file, FITS, "FILE secrets have no file in local runs", ARGUMENTS),
    Patch(
        f"{MANAGER}._GroupSecrets.__getattr__",
        _attribute,
        FITS,
        "TACENDA_FLYTEKIT_FILE_ATTRIBUTE is ignored",
        ("item",),
    ),
    Patch("flytekit.core:secrets", _documented_module, FITS, "flytekit.core.secrets cannot be imported", adds=True),
    Patch(
        f"{TASK}.dispatch_execute",
        _dispatch_execute,
        FITS,
        "output is not masked, and env_var= and FILE mounts do nothing in local runs",
        ("ctx", "input_literal_map"),
    ),
    Patch(
        f"{TASK}._output_to_literal_map",
        _output_to_literal_map,
        FITS,
        "outputs are not searched for secret values",
        ("native_outputs", "ctx"),
    ),
    Patch(
        "flytekit.models.core.errors:ContainerError.__init__",
        _container_error,
        FITS,
        "error.pb is not masked",
        ("code", "message"),
    ),
    Patch("flytekit.deck.deck:_get_deck", _get_deck, FITS, "decks are not masked"),
    Patch(
        "flytekit.core.type_engine:TypeTransformerFailedError.__init__",
        _type_error,
        FITS,
        "errors about types show values",
    ),
    Patch(
        "flytekit.clis.sdk_in_container.utils:pretty_print_exception",
        _pretty_print_exception,
        FITS,
        "errors that pyflyte prints show fragments of values",
        ("e",),
    ),
)
