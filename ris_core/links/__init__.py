"""Which classes follow which environmental series: tests that can say no, and what each assumes."""
