"""What `onetrunk serve` tells a service that runs: which release answers, and which is tried beside it."""
