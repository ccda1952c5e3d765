"""The devices of this machine: its GPUs, the slots that they are shared in, and how a process takes one."""
