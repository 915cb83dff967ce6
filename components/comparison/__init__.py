"""Does sharing help? Every task trained alone too, on the joint run's own rows; gains and a grouping."""
