"""Flows of the page are run, not collected: they need what their tests set up."""

from __future__ import annotations

collect_ignore = ["flows"]
