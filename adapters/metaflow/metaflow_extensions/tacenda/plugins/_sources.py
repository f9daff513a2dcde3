"""Which source is tacenda's and which is Metaflow's own, and what both hold."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from metaflow import metaflow_config
from metaflow.exception import MetaflowException
from metaflow.plugins.secrets.secrets_spec import SecretSpec
from metaflow.plugins.secrets.utils import get_secrets_backend_provider

from metaflow_extensions.tacenda.plugins._fetched import Fetched


def fetch(sources: Sequence[str | dict[str, Any]], role: str | None) -> list[Fetched]:
    """Return what each source holds, in order; tacenda's are asked for in one call.

    Raises:
        tacenda.SecretError: from tacenda's stack.
        MetaflowException: from Metaflow's own providers, or for two sources of one name.
    """
    import tacenda

    ours = [source for source in sources if is_tacendas(source)]
    values = tacenda.get_many(ours) if ours else {}
    fetched: dict[str, Fetched] = {}
    for source in sources:
        if isinstance(source, str) and source in values:
            secret = Fetched(source, values[source])
        else:
            secret = _from_metaflow(_spec(source, metaflow_config.DEFAULT_SECRETS_ROLE if role is None else role))
        if secret.source in fetched:
            raise MetaflowException(f"@secrets has two sources named {secret.source!r}: declare each secret once")
        fetched[secret.source] = secret
    return [*fetched.values()]


def is_tacendas(source: Any) -> TypeGuard[str]:
    """Return whether a source goes to tacenda's stack: every text does, unless Metaflow has an answer for it.

    Metaflow has one for `type.id` with a type it knows, and for a name without a dot when it has a default backend;
    then a tacenda configuration goes first, because somebody put it there for this project.
    """
    from metaflow.plugins import SECRETS_PROVIDERS

    if not isinstance(source, str):
        return False
    head, dot, _ = source.partition(".")
    if dot and head in {provider.TYPE for provider in SECRETS_PROVIDERS}:
        return False
    return bool(dot) or "://" in source or metaflow_config.DEFAULT_SECRETS_BACKEND_TYPE is None or _is_configured()


def _is_configured() -> bool:
    if os.environ.get("TACENDA_STACK") or os.environ.get("TACENDA_CONFIG"):
        return True
    try:
        from tacenda._config import find_configuration
    except ImportError:  # in a container whose image lacks tacenda
        return False
    return find_configuration().path is not None


def _spec(source: Any, role: str | None) -> SecretSpec:
    if isinstance(source, str):
        return SecretSpec.secret_spec_from_str(source, role=role)
    if isinstance(source, dict):
        return SecretSpec.secret_spec_from_dict(source, role=role)
    raise MetaflowException("@secrets sources items must be either a string or a dict")


def _from_metaflow(spec: SecretSpec) -> Fetched:
    """Return a secret from one of Metaflow's own providers, as upstream reads it: a flat bundle of texts."""
    from tacenda import SecretBundle
    from tacenda._register import register

    provider = get_secrets_backend_provider(spec.secrets_backend_type)
    try:
        content = provider.get_secret_as_dict(spec.secret_id, options=spec.options, role=spec.role)
    except Exception as error:  # noqa: BLE001 - as upstream: a provider fails in any way
        problem = str(error)
    else:
        _refuse_other_than_text(spec, content)
        bundle = SecretBundle(content, spec.secret_id)
        register(bundle, spec.secret_id)
        return Fetched(spec.secret_id, bundle, content)
    raise MetaflowException(f"Failed to retrieve secret '{spec.secret_id}': {problem}")


def _refuse_other_than_text(spec: SecretSpec, content: Mapping[Any, Any]) -> None:
    # Upstream's rule; its own message would repeat the value.
    odd = [f"{key!r} ({type(value).__name__})" for key, value in content.items() if not isinstance(value, str)]
    if odd:
        raise MetaflowException(f"Invalid env vars from secret {spec.secret_id}: not text: {', '.join(odd)}")
