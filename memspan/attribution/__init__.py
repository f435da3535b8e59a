"""What the probes of inputs, answers and weights share: one selected answer, its gradients, scores, curves by lag."""
