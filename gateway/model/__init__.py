"""The nouns of the gateway: frozen values without I/O."""
