"""What rooms hand to each other: names, places in time, inputs of networks, and what each stage found."""
