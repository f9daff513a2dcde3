"""What keeps values out of artifacts, exceptions, cards and tags. The places in Metaflow are in `_patches`."""
