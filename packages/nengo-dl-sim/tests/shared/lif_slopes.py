"""How the spikes of LIF neurons follow what shapes them: a reference in NumPy."""

import numpy as np
import tensorflow as tf


def lif_slope(
    weights,
    surrogate,
    J,
    dJ=0.0,
    voltage=0.0,
    d_voltage=0.0,
    tau_rc=0.02,
    d_rc=0.0,
    tau_ref=0.002,
    d_ref=0.0,
    dt=0.001,
):
    """
    Derive weighted spikes, carried forward with the state of the neurons.

    Written after the equations of ``nengo.LIF.step``. Shapes: ``weights`` and ``J``
    (n_steps, n_neurons). ``d...`` are the derivatives of what is given.
    """
    v, dv = np.broadcast_arrays(voltage, d_voltage, J[0])[:2]
    dJ = np.broadcast_to(dJ, J.shape)
    r = dr = np.zeros(J.shape[1])
    total = 0.0
    for t in range(len(J)):
        r = r - dt
        delta = np.clip(dt - r, 0, dt)
        d_delta = np.where((dt - r > 0) & (dt - r < dt), -dr, 0)
        e = np.expm1(-delta / tau_rc)
        de = (e + 1) * (-d_delta / tau_rc + delta / tau_rc**2 * d_rc)
        v, dv = v - (J[t] - v) * e, dv - (dJ[t] - dv) * e - (J[t] - v) * de
        fires = v > 1
        d_count = surrogate.derivative(tf.constant(v - 1)).numpy() * dv
        total += np.sum(weights[t] * d_count) / dt
        above = np.where(fires, J[t] - 1, 1)
        passed = np.where(fires, (v - 1) / above, 0)
        d_passed = np.where(fires, dv / above - (v - 1) / above**2 * dJ[t], 0)
        rested = tau_ref + dt + tau_rc * np.log1p(-passed)
        d_rested = d_ref + d_rc * np.log1p(-passed) - tau_rc * d_passed / (1 - passed)
        dr = np.where(fires, d_rested, dr) + d_count * (rested - r)
        r = np.where(fires, rested, r)
        v, dv = np.maximum(v, 0), np.where(v >= 0, dv, 0)
        dv = np.where(fires, 0, dv) - d_count * v
        v = np.where(fires, 0, v)
    return total
