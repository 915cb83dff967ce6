"""Bundle, final query and the registry of releases."""
