"""The training engine: steps, gradients, balancing, optimisers, regularisation, the run."""
