"""What the conformance kit needs to know about a backend, and how it makes that backend fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tacenda.providers import Capabilities

__all__ = ["Harness"]


class Harness:
    """One backend, made ready for one test. Subclass it next to your subclass of `ProviderConformance`.

    A harness is made afresh for every test by the fixture `harness`, and must give an empty place: a mount,
    prefix, directory or file that no other test uses. Which server it talks to is your fixture's business.

    Set in `__init__` or on the class:
        entry: the stack entry, as under `stacks.<name>.secrets` of `tacenda.yaml`: `{"provider": …, settings …}`.
        capabilities: what the provider declares with these settings (`MyProvider.capabilities`).
        one_document: True if the entry makes the stack one document (`vault_path`, `secret_name`, a local file),
            whose keys are the secrets; tags and deleted versions are then the document's.
        unknown_version: a version that is well spelled and does not exist.

    Faults are context managers: inside the `with` block the backend fails, afterwards it works and has kept its
    secrets. Implement each one, by the backend's real means wherever it has one (a policy, a quota, a closed
    port). A fault that the backend cannot have is named in `ProviderConformance.impossible`, with the reason;
    its tests are then not collected. A fault neither implemented nor declared impossible fails.

    Example:
        >>> class FilesHarness(Harness):
        ...     def __init__(self, directory):
        ...         self.directory = directory
        ...         self.entry = {"provider": "files", "path": str(directory)}
        ...         self.capabilities = Capabilities(list=True)
        ...
        ...     def seed(self, name, value):
        ...         (self.directory / name).write_bytes(value if isinstance(value, bytes) else value.encode())
    """

    entry: Mapping[str, Any]
    capabilities: Capabilities
    one_document: bool = False
    unknown_version: str = "999999"

    def seed(self, name: str, value: Any) -> None:
        """Put a secret into a read-only backend by the backend's own means; writable ones are seeded by `store.set`.

        Args:
            name: the secret's name within the stack.
            value: text, bytes or a dict, as given to `store.set`. Raise `Unsupported` for a kind that the backend
                has no way to hold.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement seed(): its backend is read-only")

    def largest(self, name: str) -> int | None:
        """Return how many bytes of plain ASCII text the secret `name` may have; None for no limit.

        Override it only where the place takes room of its own (a document that holds several secrets).
        """
        return self.capabilities.max_bytes

    def denied(self, name: str) -> AbstractContextManager[Any]:
        """Inside the block, the identity that the entry uses may not read the secret `name`."""
        raise self._missing("denied")

    def down(self) -> AbstractContextManager[Any]:
        """Inside the block, the backend cannot be reached (nothing listens, a file cannot be opened)."""
        raise self._missing("down")

    def throttled(self, *, briefly: bool) -> AbstractContextManager[Any]:
        """Inside the block, reading a secret is refused as too many requests.

        Args:
            briefly: refuse at least the next request, and serve a repetition within five seconds; otherwise
                refuse as long as the block lasts.
        """
        raise self._missing("throttled")

    def expire_login(self) -> None:
        """Make the login that the store has used so far invalid, as if its time were up; a new one works."""
        raise self._missing("expired")

    def _missing(self, fault: str) -> NotImplementedError:
        return NotImplementedError(
            f"{type(self).__name__} implements no fault {fault!r}; if its backend cannot have it, "
            f"say why in ProviderConformance.impossible"
        )
