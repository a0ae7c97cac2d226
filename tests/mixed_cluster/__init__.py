"""Clusters of servers of ours and of Node, on one Redis."""
