"""The controller's side of measuring: standard library only, so that it also runs under asv."""
