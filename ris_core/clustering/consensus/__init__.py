"""Consensus of clusterings: several algorithms vote on which events belong together, and a tree joins the votes."""
