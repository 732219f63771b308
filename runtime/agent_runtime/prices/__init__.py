"""What providers charge: a dated table that the operator can replace with one of their own."""
