"""How sphinx-gallery runs scripts, and how their thumbnails look."""

import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import nengo
from sphinx.application import Sphinx
from sphinx_gallery.scrapers import matplotlib_scraper


def quick_argv(gallery_conf: dict, script_vars: dict) -> list[str]:
    """Return the arguments of every example."""
    return ["--quick"]


def without_bars(gallery_conf: dict, fname: str) -> None:
    """Turn progress bars off: each of their updates would be a line of output."""
    nengo.rc["progress"]["progress_bar"] = "False"


def scrape(block: object, block_vars: dict, gallery_conf: dict) -> str:
    """Save figures; of the last one also its largest axes, for the thumbnail."""
    page = Path(block_vars["target_file"])
    for number in plt.get_fignums():
        folder = page.parent / "images" / "axes"
        folder.mkdir(parents=True, exist_ok=True)
        _save_largest_axes(plt.figure(number), folder / f"{page.stem}.png")
    return matplotlib_scraper(block, block_vars, gallery_conf)


def _save_largest_axes(fig: plt.Figure, path: Path) -> None:
    """Save a part of a figure that can be read where the whole is too small."""
    fig.canvas.draw()  # arranges it
    axes = max(fig.axes, key=lambda ax: ax.bbox.width * ax.bbox.height)
    inches = axes.get_tightbbox().transformed(fig.dpi_scale_trans.inverted())
    fig.savefig(path, bbox_inches=inches.padded(0.05), dpi=110)


def _replace_thumbnails(app: Sphinx) -> None:
    for gallery in app.config.sphinx_gallery_conf["gallery_dirs"]:
        images = Path(app.srcdir, gallery, "images")
        for path in images.glob("axes/*.png"):
            shutil.copy(path, images / "thumb" / f"sphx_glr_{path.stem}_thumb.png")


def setup(app: Sphinx) -> dict:
    """Replace thumbnails once sphinx-gallery has made them."""
    app.connect("builder-inited", _replace_thumbnails, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
