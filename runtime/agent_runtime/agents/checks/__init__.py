"""What is judged about a configuration beyond its types: addresses, plugin options, keys without effect."""
