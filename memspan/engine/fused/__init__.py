"""The fused engine: small recurrent networks on the processor, by loops that are generated from their cells."""
