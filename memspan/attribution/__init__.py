"""What the probes of inputs and answers share: one watched answer, its slopes, its loss, and curves by lag."""
