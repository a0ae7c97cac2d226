"""What tests stand on: scripted peers, oracles, hosts. Nothing here stands in for code of the package."""
