"""Large recurrent layers on the processor: torch's matrix products, with the cell's own loops woven in between."""
