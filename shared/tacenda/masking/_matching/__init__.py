"""Finding many byte strings in a text at once, without compiling anything when one more is added."""

from tacenda.masking._matching._patterns import PatternSet

__all__ = ["PatternSet"]
