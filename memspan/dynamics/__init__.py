"""What the probes of inner states share: networks run step by step in double precision, and linear read-outs."""
