"""Classes from the reviews of scientists: a classifier that says how sure it is, and what it cannot say."""
