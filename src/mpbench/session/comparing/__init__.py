"""Controller of a comparison: arms, pairs, episodes, stopping."""

__all__ = ()
