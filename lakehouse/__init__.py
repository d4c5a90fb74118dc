"""What the layers share, and nothing else."""
