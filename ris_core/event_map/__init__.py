"""The map of events: features of the model that labels in two dimensions, and which events are nearest to one."""
