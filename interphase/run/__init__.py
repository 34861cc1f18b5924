"""The host side of a run: the loop over steps, what it writes, how it stops and goes on."""
