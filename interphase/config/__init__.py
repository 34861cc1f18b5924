"""From text to objects: the only floor that knows every name and every unit a person may write."""
