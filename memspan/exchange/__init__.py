"""Exchange: models as other frameworks write and read them: layouts of weights, ONNX graphs, and what runs them."""
