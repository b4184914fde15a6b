"""Which events of a class a station's detector would find: templates in its own noise."""
