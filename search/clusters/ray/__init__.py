"""Workers on a Ray cluster.

Ray must be imported in the driver's process alone (`driver.py`, `placement.py`, `supervisor.py`).
"""
