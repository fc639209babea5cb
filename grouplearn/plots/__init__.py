"""Pictures of groups, actions, findings and trainings.

Functions with one panel take `axes`, to draw into a figure of your own, and return them; those with
several return a `matplotlib.figure.Figure`. Nothing is shown and no global state of pyplot is
touched: `figure.savefig(...)`, or `png(axes.figure)`, draws.
"""

from grouplearn.plots.drawing import pixels_png, png
from grouplearn.plots.evidence import Mark, plot_violations
from grouplearn.plots.matrices import orbits_of, plot_generator, plot_moments, plot_spectrum
from grouplearn.plots.orbits import plot_arcs, plot_orbit, plot_patches, plot_windows
from grouplearn.plots.training import plot_history

__all__ = [
    "Mark",
    "orbits_of",
    "pixels_png",
    "plot_arcs",
    "plot_generator",
    "plot_history",
    "plot_moments",
    "plot_orbit",
    "plot_patches",
    "plot_spectrum",
    "plot_violations",
    "plot_windows",
    "png",
]
