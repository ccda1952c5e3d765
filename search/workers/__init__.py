"""Workers: supervisors that hold the leases, the processes that train for them, and the devices these use."""
