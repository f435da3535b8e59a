"""What all rooms share: specs, batches, networks, cells, results of probes. Imports nothing of the project."""
