"""What models are made of: initialisers, dense layers, recurrent stacks."""
