"""One file per journey, read top to bottom: ask the store, call the engine, hand the results on."""
