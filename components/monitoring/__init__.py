"""New articles, scored: what has been seen of them, and whether negative news surges."""
