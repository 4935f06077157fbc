"""How the bundled model `tiny` is made, from nothing: its music, its codec, its language model."""
