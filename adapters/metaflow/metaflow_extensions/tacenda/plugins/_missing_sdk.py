"""A backend's SDK that a step's container lacks: tacenda comes there with the code package, SDKs do not."""

from __future__ import annotations

from collections.abc import Iterable

from metaflow_extensions.tacenda.plugins._carried import carried

__all__ = ["advice"]

_PACKAGES = {
    "azure": ("azure-identity", "azure-keyvault-secrets", "requests"),
    "boto3": ("boto3",),
    "botocore": ("boto3",),
    "github": ("pygithub", "requests"),
    "google": ("google-cloud-secret-manager",),
    "google_crc32c": ("google-cloud-secret-manager", "google-crc32c"),
    "grpc": ("google-cloud-secret-manager",),
    "hvac": ("hvac",),
    "pyrage": ("pyrage",),
    "requests": ("requests",),
    "yaml": ("pyyaml",),
}
"""What to install for each module that tacenda asks for, by its first name."""


def advice(errors: Iterable[Exception]) -> list[str]:
    """Return what to do about missing packages where the code package came from another machine; else nothing.

    Args:
        errors: tacenda's errors, of which each may be a MissingDependency.
    """
    from tacenda.errors import MissingDependency

    modules = [str(error.name) for error in errors if isinstance(error, MissingDependency)]
    if not modules or carried() is None:
        return []
    wanted = {package for module in modules for package in _PACKAGES.get(module.partition(".")[0], (module,))}
    packages = ", ".join(sorted(wanted))
    return [
        f"  this step runs elsewhere, and tacenda came with its code: put {packages} into the step's image or @pypi"
    ]
