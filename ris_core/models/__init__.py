"""The networks: autoencoder, clustering layer, DEC; their weights in and out; inference in blocks."""
