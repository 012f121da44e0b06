"""What a network is made of, in words."""

import nengo


def describe(net):
    """Return a line for each object, with the parameters that were set."""
    lines = [f"{net}, seed {net.seed}"]
    for obj in net.all_objects:
        if isinstance(obj, nengo.Network):
            lines.append(f"  {obj}, seed {obj.seed}")
        else:
            given = [f"{name}={value!r}" for name, value in _given(obj)]
            lines.append(f"  {obj!r}: {', '.join(given)}")
    return "\n".join(lines)


def _given(obj):
    for name in obj.params:
        param, value = getattr(type(obj), name), getattr(obj, name)
        if value is not param.default and name not in ("pre", "post"):
            yield name, value
        init = getattr(value, "init", None)
        if init is not None:
            yield f"{name}.init", init
