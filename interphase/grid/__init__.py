"""The staggered grid: cells, faces, edges, and the differences between them."""
