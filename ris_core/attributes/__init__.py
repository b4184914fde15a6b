"""Attributes of events: numbers with a name, a unit and a meaning, measured above the noise.

>>> from ris_core.attributes import attribute_columns, attributes
>>> table = attributes(events)  # one row for each event
>>> attribute_columns()[0].meaning
"""

from ris_core.attributes.columns import attribute_columns, columns_of
from ris_core.attributes.table import attributes
from ris_core.contracts.attribute import Attribute

__all__ = ["Attribute", "attribute_columns", "attributes", "columns_of"]
