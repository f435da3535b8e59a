"""Large recurrent layers on the processor: torch's matrix products, with the cell's compiled loops between them."""
