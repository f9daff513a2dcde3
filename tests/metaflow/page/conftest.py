"""Flows of the page are run, not collected: they need what their tests set up."""

from __future__ import annotations

import sys
from pathlib import Path

collect_ignore = ["flows"]

HERE = Path(__file__).parent
for helpers in (HERE, HERE.parents[1] / "orchestrators", HERE.parents[1] / "providers"):
    sys.path.insert(0, str(helpers))  # import-mode=importlib finds no helpers beside the tests
