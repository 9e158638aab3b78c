"""One placement for many scenarios: searched by prices with a proven bound, or exactly by the extensive form."""
