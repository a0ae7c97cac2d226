"""Small benchmarks: one question each, answered in a line of JSON. ``make bench-micro`` shows them all."""
