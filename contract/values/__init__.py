"""Values of bodies and headers, and what expressions and changes make of them."""
