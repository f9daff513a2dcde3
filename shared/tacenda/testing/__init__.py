"""For tests: `override` for users, the conformance kit for providers, and real servers for both.

::

    with tacenda.testing.override({"api-keys": {"API_KEY": "example-key"}}):   # in tests of your own code
        ...

    class TestMyProvider(tacenda.testing.ProviderConformance):                 # in tests of your own provider
        ...

    with tacenda.testing.openbao() as server:                                  # a real server of the Vault API
        ...                                                                    # also: moto, azure_key_vault, ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tacenda.testing._conformance import Harness, ProviderConformance
    from tacenda.testing._gateway import Gateway
    from tacenda.testing._moto import Moto, moto
    from tacenda.testing._openbao import OpenBao, openbao
    from tacenda.testing._override import override
    from tacenda.testing.azure import AzureKeyVault, azure_key_vault
    from tacenda.testing.gcp import GcpSecretManager, gcp_secret_manager
    from tacenda.testing.github import GithubSecrets, github_secrets

__all__ = [
    "AzureKeyVault",
    "Gateway",
    "GcpSecretManager",
    "GithubSecrets",
    "Harness",
    "Moto",
    "OpenBao",
    "ProviderConformance",
    "azure_key_vault",
    "gcp_secret_manager",
    "github_secrets",
    "moto",
    "openbao",
    "override",
]

# `override` must not cost its users pytest or a server.
_HOMES = {
    "AzureKeyVault": "azure",
    "Gateway": "_gateway",
    "GcpSecretManager": "gcp",
    "GithubSecrets": "github",
    "Harness": "_conformance",
    "Moto": "_moto",
    "OpenBao": "_openbao",
    "ProviderConformance": "_conformance",
    "azure_key_vault": "azure",
    "gcp_secret_manager": "gcp",
    "github_secrets": "github",
    "moto": "_moto",
    "openbao": "_openbao",
    "override": "_override",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
