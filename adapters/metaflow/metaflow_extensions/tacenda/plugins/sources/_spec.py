"""What a source means: who reads it, what they are asked for, and what it is called in `current.secrets`.

- `type.id` with a registered type, and a dict: that provider of Metaflow's; for a type of tacenda's, the stack in force
  with the entries of that provider alone, or what the options describe;
- a reference (`vault://…`, an ARN, an Azure URL, a GCP resource name): the stack whose settings hold for that backend;
- any other text: a name in the stack in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from metaflow import metaflow_config
from metaflow.exception import MetaflowException
from metaflow.plugins.secrets.secrets_spec import SecretSpec

from metaflow_extensions.tacenda.plugins.backend import _stack
from metaflow_extensions.tacenda.plugins.backend._backend_types import default_type, is_ours, is_registered, known_type
from metaflow_extensions.tacenda.plugins.sources import _references
from metaflow_extensions.tacenda.plugins.sources._namespace import filled_in

if TYPE_CHECKING:
    from tacenda._stack import Stack

__all__ = ["Spec", "left_to_metaflow", "parse"]

_VARIABLE = "env_var_name"


class Spec(NamedTuple):
    """A source, understood.

    Attributes:
        source: as it was written; the `id` of a dict.
        called: what that has become, with `{namespace}` filled in and without a version; of a dict with its type.
        metaflows: what Metaflow's own machinery is asked; None where tacenda is.
        name: what tacenda is asked for.
        stack: in which stack.
        spelled_by: the type of Metaflow's whose spelling the environment variables have; None for tacenda's own.
        variable: the environment variable of a text, if the source names one.
    """

    source: str
    called: str
    metaflows: SecretSpec | None = None
    name: str = ""
    stack: Stack | None = None
    spelled_by: str | None = None
    variable: str | None = None


def parse(sources: Iterable[Any], role: str | None = None) -> list[Spec]:
    """Return what the sources of a step mean. Nothing is asked.

    Args:
        sources: texts and dicts.
        role: the decorator's.

    Raises:
        SecretError: for a reference or a configuration that means nothing.
        MetaflowException: for a source that is none.
    """
    parser = _Parser(role)
    return [parser.spec(source) for source in sources]


def left_to_metaflow(sources: Iterable[Any]) -> list[Any] | None:
    """Return the sources for Metaflow's own decorator, if it can read them all: where tacenda's core is missing."""
    sources = [filled_in(source) if isinstance(source, str) else source for source in sources]
    return sources if all(map(_is_metaflows, sources)) else None


def _is_metaflows(source: Any) -> bool:
    kind = default_type()
    if isinstance(source, Mapping):
        kind = source.get("type", kind)
        return kind is not None and not (isinstance(kind, str) and is_ours(kind))
    if not isinstance(source, str):
        return True  # and says that it is none
    head, dot, _ = source.partition(".")
    if dot:
        return is_registered(head) and not is_ours(head)
    return kind is not None and not is_ours(kind) and "://" not in source and not _stack.is_chosen()


class _Parser:
    """Understands the sources of one step; what is in force is found out when the first of them needs it."""

    def __init__(self, role: str | None) -> None:
        self._role = role
        self._metaflows_role = metaflow_config.DEFAULT_SECRETS_ROLE if role is None else role

    @cached_property
    def _in_force(self) -> _stack.InForce:
        return _stack.in_force(self._role)

    @cached_property
    def _for_references(self) -> _stack.InForce:
        return _stack.for_references(self._role)

    def spec(self, source: Any) -> Spec:
        """Return what one source means."""
        if isinstance(source, Mapping):
            return self._of_dict(dict(source))
        if isinstance(source, str):
            return self._of_text(filled_in(source))._replace(source=source)
        raise MetaflowException(
            "@secrets sources items must be either a string or a dict, or functions that return such - found "
            f"{type(source).__name__}"
        )

    def _of_text(self, text: str) -> Spec:
        kind, dot, identifier = text.partition(".")
        if dot and is_registered(kind):
            if is_ours(kind):
                return Spec(text, text, name=identifier, stack=_stack.of_provider(kind))
            return Spec(text, text, self._of_metaflow(kind, identifier))
        reference = _references.parsed(text)
        if reference is None:
            return self._plain(text)
        in_force = self._for_references
        if reference.provider is None and in_force.stack is None and default_type() is not None:
            return self._plain(text)  # such as `op://vault/item`, for somebody else's provider
        if _references.is_left_to_metaflow(reference, text, in_force):
            return Spec(text, text, self._of_metaflow(str(reference.kind), text))
        stack = _references.stack_for(reference, in_force, self._role)
        return Spec(text, text, name=text, stack=stack, spelled_by=_references.spelling(reference, in_force))

    def _plain(self, name: str) -> Spec:
        stack, _, described = self._in_force
        kind = default_type()
        if stack is None:
            return Spec(name, name, self._of_metaflow(str(kind), name))
        if not described or kind is None:
            return Spec(name, name, name=name, stack=stack)
        called, wanted = _references.versioned(kind, name, stack)
        return Spec(name, called, name=wanted, stack=stack, spelled_by=kind)

    def _of_metaflow(self, kind: str, identifier: str) -> SecretSpec:
        return SecretSpec(kind, identifier, options={}, role=self._metaflows_role)

    def _of_dict(self, source: dict[str, Any]) -> Spec:
        written = source.get("id")
        if isinstance(written, str):
            source["id"] = filled_in(written)
        kind = source.get("type", default_type())
        if isinstance(kind, str):
            source["type"] = kind = known_type(kind)
        nobodys = kind is None and "type" not in source
        # For its checks: with a type, so that it does not miss one.
        spec = SecretSpec.secret_spec_from_dict(
            {**source, "type": ""} if nobodys else source, role=self._metaflows_role
        )
        if not nobodys and not is_ours(spec.secrets_backend_type):
            return Spec(str(written), f"{spec.secrets_backend_type}.{spec.secret_id}", spec)
        options = dict(spec.options)
        variable = options.pop(_VARIABLE, None)
        if variable is not None and not isinstance(variable, str):
            raise MetaflowException(f"@secrets: {_VARIABLE!r} must be a string - found {type(variable)}")
        stack = self._asked_in(None if nobodys else spec.secrets_backend_type, options)
        return Spec(str(written), spec.secret_id, name=spec.secret_id, stack=stack, variable=variable)

    def _asked_in(self, kind: str | None, options: Mapping[str, Any]) -> Stack | None:
        if kind is None:
            if options:
                raise MetaflowException(
                    f"@secrets: the options {', '.join(map(repr, options))} need a `type`: no secrets backend of "
                    "Metaflow's is configured, and a tacenda stack has its settings itself"
                )
            return self._in_force.stack
        return _stack.described_by(kind, options) if options else _stack.of_provider(kind)
