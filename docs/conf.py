"""Configuration of the site; see CONTRIBUTING.rst for the command that builds it."""

import os
import sys
import warnings
from pathlib import Path

# Notices about the processor would end up on the pages of examples.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore", "No GPU support detected")

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from nengo_dl import __copyright__, __version__  # noqa: E402

project = "NengoDL"
author = "NengoDL developers"
copyright = __copyright__
release = __version__
version = ".".join(release.split(".")[:2])

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
    "nengo_sphinx_theme",
    "numpydoc",
    "aliases",
    "curves",
    "front",
    "gallery",
    "mathml",
    "notebooks",
    "picture",
    "source_links",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "examples", "tutorials", "**/sg_execution_times.rst"]
templates_path = ["_templates"]
nitpicky = True
default_role = "autolink"
show_warning_types = True

# -- Docstrings
autosummary_generate = [
    f"reference/{page.name}" for page in Path(__file__).parent.glob("reference/*.rst")
]
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings name the types, with shapes
numpydoc_show_class_members = False
toc_object_entries = False

# -- Tutorials, and examples in their short mode: executed
sphinx_gallery_conf = {
    "examples_dirs": ["tutorials", "examples"],
    "gallery_dirs": ["tutorial", "gallery"],
    "within_subsection_order": "FileNameSortKey",
    "filename_pattern": r"\.py$",
    "image_scrapers": "gallery.scrape",
    "reset_argv": "gallery.quick_argv",
    "reset_modules": ("matplotlib", "gallery.without_bars"),
    "abort_on_example_error": True,
    "min_reported_time": float("inf"),
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "download_all_examples": False,
}

# -- Code that is copied: without prompts and what is printed
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_selector = "div:not(.sphx-glr-script-out) > div.highlight > pre"

# -- Pages
html_math_renderer = "mathml"
html_theme = "nengo_sphinx_theme"
html_theme_options = {"sidebar_toc_depth": 3}
html_title = f"NengoDL {release}"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_context = {"building_version": release}
html_show_sphinx = False
html_show_sourcelink = False
