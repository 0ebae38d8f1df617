"""Kill -9 in a loop under load."""
