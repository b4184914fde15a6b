"""Clusters in latent space: initial centroids, how many clusters, scores."""
