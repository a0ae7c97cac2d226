"""Proxies, configured as the documentation says, between real clients and our server."""
