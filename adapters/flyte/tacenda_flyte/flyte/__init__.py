"""The adapter for flyte 2: importing this activates it, which is what its entry point is for."""

from __future__ import annotations

from tacenda._adapters import activate

activate("flyte", "tacenda_flyte.flyte._patches")
