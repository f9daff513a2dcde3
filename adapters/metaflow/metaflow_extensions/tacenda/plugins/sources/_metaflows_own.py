"""Reading by Metaflow's own providers, and whatever other extensions have registered: as upstream reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from metaflow.exception import MetaflowException
from metaflow.plugins.secrets import utils

if TYPE_CHECKING:
    from metaflow.plugins.secrets.secrets_spec import SecretSpec

__all__ = ["read"]


def read(spec: SecretSpec) -> tuple[Any, dict[str, str]]:
    """Return what a provider gives: for `current.secrets`, and as environment variables.

    Args:
        spec: what it is asked.

    Raises:
        MetaflowException: as upstream, and for what is no text, without repeating it.
    """
    provider = utils.get_secrets_backend_provider(spec.secrets_backend_type)
    try:
        content = provider.get_secret_as_dict(spec.secret_id, options=spec.options, role=spec.role)
    except Exception as error:  # noqa: BLE001 - as upstream: a provider fails in any way
        problem = str(error)
    else:
        _refuse_other_than_text(spec, content)
        return _registered(_natural(spec, content), spec.secret_id), content
    raise MetaflowException(f"Failed to retrieve secret '{spec.secret_id}': {problem}")


def _natural(spec: SecretSpec, content: Mapping[str, str]) -> Any:
    """Return what a provider gave as `current.secrets` shows it: a text in one variable is that text."""
    from tacenda import SecretBundle
    from tacenda._values import natural, wrap

    texts = [*content.values()]
    if len(texts) == 1:
        kind, as_json = spec.secrets_backend_type, spec.options.get("json")
        if kind == "az-key-vault" or (kind == "gcp-secret-manager" and not as_json):
            return natural(texts[0], spec.secret_id)
        if kind == "aws-secrets-manager" and as_json is False:
            return wrap(texts[0])
    return SecretBundle(content, spec.secret_id)


def _registered(value: Any, name: str) -> Any:
    from tacenda._register import register

    register(value, name)
    return value


def _refuse_other_than_text(spec: SecretSpec, content: Mapping[Any, Any]) -> None:
    # Upstream's rule; its own message would repeat the value.
    odd = [f"{key!r} ({type(value).__name__})" for key, value in content.items() if not isinstance(value, str)]
    if odd:
        raise MetaflowException(f"Invalid env vars from secret {spec.secret_id}: not text: {', '.join(odd)}")
