"""Sphinx configuration: `make docs` builds the site, and every warning is an error."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.inspect import TypeAliasForwardRef
from sphinx.util.nodes import make_refnode

project = "grouplearn"
author = "the grouplearn authors"
copyright = "the grouplearn authors"
try:
    release = metadata.version("grouplearn")
except metadata.PackageNotFoundError:
    release = "development"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "jupyter_execute"]

# Pages
html_theme = "furo"
html_title = "grouplearn"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_math_renderer = "mathml"
copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = "$ "

# Notebooks: every number and picture on a page is computed while the page is built.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 900
nb_merge_streams = True
nb_render_markdown_format = "myst"
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence", "fieldlist"]
myst_heading_anchors = 3

# Docstrings
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_type_aliases = {
    name: name for name in ("ArrayLike", "ChildClass", "Elements", "Scalar", "Word")
}
# Aliases within other types are shown by name too.
TypeAliasForwardRef.__repr__ = lambda self: self.name
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Cost"]

# Names of this package must resolve; those of other packages have their own documentation.
nitpicky = True
nitpick_ignore_regex = [("py:obj", r".*"), ("py:class", r"(?!grouplearn\b).*")]


def _visit_math(self: Any, node: Any) -> None:
    self.body.append(tex2mathml(node.astext()))
    raise SkipNode


def _visit_math_block(self: Any, node: Any) -> None:
    self.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise SkipNode


def _resolve_by_suffix(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Link `losses.closure_loss` and `DenseRepresentation` from any docstring of the package."""
    if node.get("reftype") != "obj":
        return None
    wanted = node["reftarget"].removesuffix("()")
    python = env.get_domain("py")
    full = [n for n in python.objects if n.endswith(f".{wanted}") and not python.objects[n].aliased]
    if len(full) != 1 or wanted.startswith("_"):
        return None
    found = python.objects[full[0]]
    return make_refnode(
        app.builder, node["refdoc"], found.docname, found.node_id, contnode, full[0]
    )


def _give_captions_a_level(*event: Any) -> None:
    """Captions of the navigation are headings, which screen readers expect to have a level."""
    context: dict[str, Any] = event[3]  # after the application, the page and its template
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace(
        'class="caption" role="heading"', 'class="caption" role="heading" aria-level="2"'
    )


def setup(app: Any) -> None:
    """Formulas become MathML, which browsers show without a script or a network."""
    app.connect("html-page-context", _give_captions_a_level, priority=900)
    app.connect("missing-reference", _resolve_by_suffix)
    app.add_html_math_renderer("mathml", (_visit_math, None), (_visit_math_block, None))
