"""Pictures and a page from a run folder alone, so that they can be drawn again at any time."""
