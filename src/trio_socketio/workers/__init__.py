"""Workers: several processes on one host that serve one port together."""
