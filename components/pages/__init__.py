"""The base of every HTML page: style, components, charts, and the renderer."""
