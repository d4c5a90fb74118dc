"""The declared sources, one module per system."""
