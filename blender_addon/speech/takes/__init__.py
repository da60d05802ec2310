"""Takes that speakers keep in the .blend, and keys that follow from them without the engine."""
