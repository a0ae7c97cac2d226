"""The parts that the benchmarks share: peers, processes, cases and figures, and how to print them."""
