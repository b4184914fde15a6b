"""The explorer: a web page in which to see, hear, filter and review the events of one network.

It reads products through `ris_core` and knows nothing of Dagster; a room of it is a folder that answers the requests of
one view of the page.
"""
