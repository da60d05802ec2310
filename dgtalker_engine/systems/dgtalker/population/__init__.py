"""People who do not exist: what the prior is trained on. `people.Population` makes one from a code, `traits` names its numbers."""
