"""The run-time type checker behind the shape annotations."""

from beartype import BeartypeConf, beartype

# An int is a float and a float is a complex number, as static type checkers have it.
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
