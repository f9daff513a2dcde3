"""tacenda's adapter for ZenML: the documented `context.stack.secrets_manager` on today's ZenML, masked.

ZenML calls `init_hook` at the very start of `import zenml`, in the `zenml` command and in step processes too.
"""

__all__ = ["init_hook"]


def init_hook() -> None:
    """Have ZenML changed as its modules come in. Never raises: that would break `import zenml`."""
    try:
        from tacenda._adapters import activate

        activate("zenml", "tacenda_zenml._patches")
    except Exception as error:  # noqa: BLE001 - as above
        import logging

        logging.getLogger("tacenda").warning("tacenda's adapter for zenml is not active: %s", type(error).__name__)
