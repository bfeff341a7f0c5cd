"""Scripts that stand in for a user's own: what spawn and forkserver run again in each child."""
