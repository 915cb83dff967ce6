"""Records of a source -> rows of the contract: read, cleaned, split."""
