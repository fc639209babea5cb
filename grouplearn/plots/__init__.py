"""Pictures of groups, actions, findings and trainings.

Functions that begin with `draw_` draw an object into one panel: they take `axes`, to draw into a
figure of your own, and return them. Those that begin with `plot_` make a figure, of several panels
where that is needed. Nothing is shown and no global state of pyplot is touched:
`figure.savefig(...)`, or `png(axes.figure)`, draws. Forms and lines differ where colours do, so
that pictures can be read in grey.
"""

from grouplearn.plots.comparing import Bar, draw_bars, draw_choice, draw_confusion
from grouplearn.plots.displacement import draw_displacement
from grouplearn.plots.drawing import pixels_png, png
from grouplearn.plots.evidence import Mark, plot_violations
from grouplearn.plots.lattice import draw_lattice
from grouplearn.plots.matrices import (
    draw_cayley,
    draw_spectrum,
    orbits_of,
    plot_generator,
    plot_moments,
    plot_spectrum,
)
from grouplearn.plots.orbits import (
    letter_f,
    plot_arcs,
    plot_orbit,
    plot_patches,
    plot_samples,
    plot_windows,
)
from grouplearn.plots.testing import draw_evidence, draw_scores
from grouplearn.plots.training import plot_history

__all__ = [
    "Bar",
    "Mark",
    "draw_bars",
    "draw_cayley",
    "draw_choice",
    "draw_confusion",
    "draw_displacement",
    "draw_evidence",
    "draw_lattice",
    "draw_scores",
    "draw_spectrum",
    "letter_f",
    "orbits_of",
    "pixels_png",
    "plot_arcs",
    "plot_generator",
    "plot_history",
    "plot_moments",
    "plot_orbit",
    "plot_patches",
    "plot_samples",
    "plot_spectrum",
    "plot_violations",
    "plot_windows",
    "png",
]
