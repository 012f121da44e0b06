"""How sphinx-gallery runs the examples."""


def quick_argv(gallery_conf: dict, script_vars: dict) -> list[str]:
    """Return the arguments of every example."""
    return ["--quick"]
