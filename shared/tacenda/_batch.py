"""Which of the documents that several secrets are in one call to their backend can bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tacenda._errors import SecretError
from tacenda._reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from tacenda._chain import Chain, Target
    from tacenda.providers import Provider

__all__ = ["Batch", "batches"]


class Batch(NamedTuple):
    """One call.

    Attributes:
        provider: whom it asks.
        paths: the documents.
        refusals: why a call like it failed; shared with those that ask the same provider in the same place.
    """

    provider: Provider
    paths: Sequence[str]
    refusals: list[SecretError]


def batches(chain: Chain, names: Iterable[str], wanted: Callable[[Provider, str], bool]) -> list[Batch]:
    """Return the calls that read what several secrets are asked of first, names and references alike.

    What is alone where it is, is in none: a call for one would need another permission for nothing.

    Args:
        chain: the stack's providers.
        names: names and references.
        wanted: whether a provider's document at a path is to be read at all.
    """
    groups: dict[tuple[Provider, Hashable], dict[str, None]] = {}
    for name in names:
        target = _first(chain, name)
        if target is not None and wanted(target.provider, target.place.path):
            provider, path = target.provider, target.place.path
            groups.setdefault((provider, provider.batched_with(path)), {})[path] = None
    return [batch for (provider, _), paths in groups.items() if len(paths) > 1 for batch in _cut(provider, [*paths])]


def _first(chain: Chain, name: str) -> Target | None:
    """Return where a name or reference is looked for first; None if several documents cannot be read there at once."""
    try:
        reference = parse_reference(name)
        if reference is None and chain.providers[0].capabilities.batch == 1:
            return None  # as in most stacks, without a look at what the name means
        if reference is not None and reference.version:
            return None  # batches have the current version only
        target = chain.targets(name)[0]
    except SecretError:  # the single read says so
        return None
    return target if target.provider.capabilities.batch > 1 else None


def _cut(provider: Provider, paths: Sequence[str]) -> Iterable[Batch]:
    size, refusals = provider.capabilities.batch, list[SecretError]()
    return [Batch(provider, paths[start : start + size], refusals) for start in range(0, len(paths), size)]
