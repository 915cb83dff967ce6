"""Files, packages and remotes -> records with the place where each stands."""
