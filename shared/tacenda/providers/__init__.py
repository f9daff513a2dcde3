"""One module per backend, one base for all: `tacenda.providers.Provider`.

Third parties add a backend by subclassing `Provider`, running the conformance kit of `tacenda.testing`
over it, and naming it in the entry-point group `tacenda.providers`. CONTRIBUTING.md has the steps.
"""

from tacenda.providers._base import Capabilities, Document, Place, Provider
from tacenda.providers._encoding import decode_fields, decode_leaf, encode_fields, encode_leaf

__all__ = [
    "Capabilities",
    "Document",
    "Place",
    "Provider",
    "decode_fields",
    "decode_leaf",
    "encode_fields",
    "encode_leaf",
]
