"""Install, start, watch and talk to the engine process."""
