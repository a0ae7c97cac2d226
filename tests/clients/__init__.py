"""The real JavaScript clients, under Node, against our server."""
