"""Operations: the rules. Each is one unit of work that a route or a worker asks for."""
