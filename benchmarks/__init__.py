"""Figures that anyone can measure again, with the peers measured in the same run."""
