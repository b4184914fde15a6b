"""Environmental series: what they are, readers of the files that hold them, and the table of each."""
