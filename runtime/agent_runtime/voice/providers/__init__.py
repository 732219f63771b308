"""One module a provider; `build` finds the builder of each stage by the catalogue's name."""
