"""Which of upstream's own tests are run, and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import NamedTuple

__all__ = ["SUITES", "Suite"]


class Suite(NamedTuple):
    """Tests of one repository.

    Attributes:
        repository: on GitHub, with its owner.
        tag: what is put before the version.
        directory: the one of all their tests.
        trigger: imports the orchestrator as its users do.
        patterns: the tests, as patterns of paths.
        options: for pytest.
    """

    repository: str
    tag: str
    directory: str
    trigger: str
    patterns: Sequence[str]
    options: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The repository's name, without its owner."""
        return self.repository.rpartition("/")[2]

    def archive(self, distribution: str) -> str:
        """Return the address of the sources of the version that is installed."""
        return f"https://codeload.github.com/{self.repository}/tar.gz/refs/tags/{self.tag}{version(distribution)}"


SUITES = {
    "flytekit": Suite(
        "flyteorg/flytekit",
        "v",
        "tests",
        "import flytekit",
        ["tests/flytekit/unit/core/test_context_manager.py", "tests/flytekit/unit/models/core/test_security.py"],
    ),
    "flyte": Suite(
        "flyteorg/flyte-sdk",
        "v",
        "tests",
        "import flyte.types; flyte.types._load_custom_type_transformers()",
        ["tests/user_api/test_secret*.py", "tests/flyte/remote/*secret*.py"],
    ),
    # All unit tests: secrets, datastore, cards, logs, serializers, packaging, `spin`, mutators, inheritance; without
    # those that need Docker, conda's servers or pandas.
    "metaflow": Suite(
        "Netflix/metaflow",
        "",
        "test",
        "import metaflow",
        ["test/unit"],
        ["--ignore=test/unit/localbatch", "-k", "not complex_dag and not artifacts_module and not card_flow"],
    ),
}
"""By distribution."""
