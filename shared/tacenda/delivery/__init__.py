"""Handing secrets to programs that cannot ask for them: environment variables of this process or of a child."""

from tacenda.delivery._env import child_environment, inject, merge_variables, variables

__all__ = ["child_environment", "inject", "merge_variables", "variables"]
