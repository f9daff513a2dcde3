"""`@task(secrets=...)` as documented: flyte itself has tasks in a `TaskEnvironment` only."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, overload

__all__ = ["task"]


@overload
def task(function: Callable[..., Any], /) -> Any: ...
@overload
def task(*, secrets: Any = None, **options: Any) -> Callable[[Callable[..., Any]], Any]: ...
def task(function: Any = None, /, *, secrets: Any = None, **options: Any) -> Any:
    """Make a function a task of its module's environment, named after the module.

    What else an environment has, such as an image, takes a `flyte.TaskEnvironment(secrets=...)` and its `task`.

    Args:
        function: the function, async or not.
        secrets: a name, a `flyte.Secret`, or a list of them.
        options: everything that `TaskEnvironment.task` takes.

    Raises:
        TypeError: if `secrets` is nothing of that kind.

    Example:
        >>> import flyte
        >>> @task(secrets=flyte.Secret("openai-key", as_env_var="OPENAI_API_KEY"))
        ... def ask() -> None: ...
        >>> ask.secrets.key
        'openai-key'
    """
    if function is None:
        return lambda function: _made(function, secrets, options)
    return _made(function, secrets, options)


def _made(function: Callable[..., Any], secrets: Any, options: dict[str, Any]) -> Any:
    from flyte import Secret

    if secrets and not isinstance(secrets, (str, Secret, list)):
        raise TypeError(f"Expected secrets to be of type SecretRequest, got {type(secrets)}")
    made = _environment(function.__module__).task(**options)(function)
    made.secrets = secrets
    return made


_ENVIRONMENTS: dict[str, Any] = {}


def _environment(module: str) -> Any:
    """Return the environment of a module's tasks."""
    from flyte import TaskEnvironment
    from flyte._environment import list_loaded_environments

    if module not in _ENVIRONMENTS:
        name = _name(module)
        if name in {environment.name for environment in list_loaded_environments()}:
            name += "-tasks"  # the module has an environment of its own name
        _ENVIRONMENTS[module] = TaskEnvironment(name)
    return _ENVIRONMENTS[module]


def _name(module: str) -> str:
    """Return a legal name: kebab case. A program's module is called as where it is imported: after its file."""
    if module == "__main__":
        file = getattr(sys.modules["__main__"], "__file__", None)
        module = Path(file).stem if file else "tasks"
    return "-".join(re.findall(r"[a-z0-9]+", module.lower())) or "tasks"
