"""One encoder and a head for each task: packing, saving, inference."""
