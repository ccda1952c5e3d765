"""The devices of this machine: its GPUs, the slots they are shared in, and how a process takes one."""
