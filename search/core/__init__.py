"""What training, workers and views share: a trial's handle, its outcome, and the events of a search.

It imports no other room of search.
"""
