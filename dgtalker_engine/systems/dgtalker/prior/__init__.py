"""The prior that the engine ships: a generator trained on people who do not exist, by `python build.py train prior`."""
