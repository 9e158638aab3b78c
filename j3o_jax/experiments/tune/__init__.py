"""Tuning: which settings of a method do best on a population, and how that holds on seeds it has not seen."""
