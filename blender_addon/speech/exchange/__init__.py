"""Performances of other programs in, performances for them out."""
