"""The process that trains, the pipe to it, the processes of further workers, and the signals that end them.

The supervisor's side must not import Keras: `trainer.py` and `trainer_main.py` are the training process's.
"""
