"""Exchange with other libraries: each module loads its library only when called."""
