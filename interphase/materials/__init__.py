"""Materials: what they are made of in numbers, with the source of every number in the library."""
