"""Trains the encoder that Guida ships: from laws, rules and our own questions to a GGUF file."""
