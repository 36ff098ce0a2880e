"""Trains the encoder that Guida ships: from multilingual-e5-small, laws, bank rules and our own questions to a GGUF file."""
