"""The first settings of a network: what an archive holds, and a commented file that describes it."""
