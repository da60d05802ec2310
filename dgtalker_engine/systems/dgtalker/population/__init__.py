"""People who do not exist, for the prior to learn: `people` makes one of a code, `traits` names its numbers."""
