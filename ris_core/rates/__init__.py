"""Events of each class per hour of live time, with exact intervals, and corrected for confused classes."""
