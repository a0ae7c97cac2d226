"""Small benchmarks. Each answers one question with a line of JSON. ``make bench-micro`` runs all of them."""
