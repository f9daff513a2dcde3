"""FlowyML's documented secrets, on tacenda's stacks: `get_secrets_provider`, `StackDefinition`, `Pipeline(stack=...)`.

FlowyML loads this while it is imported, by the entry point `flowyml.stack_components`. It expects the class of a stack
component there and passes over anything else without a word, so nothing of ours is in its registry of components.
"""

try:
    from tacenda._adapters import activate
except Exception as error:  # noqa: BLE001 - half an installation, of which FlowyML would say nothing
    import logging

    logging.getLogger("tacenda").warning("tacenda's adapter for flowyml: it is not active: %s", type(error).__name__)
else:
    activate("flowyml", "tacenda_flowyml._patches")
