"""What sets up a deployment, by make: passwords made once, images pinned. Nothing of it is in the image."""
