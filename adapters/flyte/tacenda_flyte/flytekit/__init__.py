"""The adapter for flytekit (Flyte's first SDK), which loads it at the end of `import flytekit`.

An error here would break that import, so what is imported is the table of patches and nothing that a task does not
need yet; what is wrong with it is one log warning.
"""

try:
    from tacenda._adapters import activate
except Exception as error:  # noqa: BLE001 - half an installation: flytekit works as without it
    import logging

    logging.getLogger("tacenda").warning("tacenda's adapter for flytekit: it is not active: %s", type(error).__name__)
else:
    activate("flytekit", "tacenda_flyte.flytekit._patches")
