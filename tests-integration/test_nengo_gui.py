"""Nengo's GUI with NengoDL as its backend: its own server, driven as its page does."""

import base64
import http.client
import os
import re
import select
import socket
import struct
import subprocess
import sys
import time
from urllib.parse import urlsplit

import numpy as np
import pytest

COMMAND = "import nengo_gui; nengo_gui.main()"  # as the command nengo does
TIMEOUT = 300  # seconds: until the server is up, has built, or has come to a value

# Silent at 0: all neurons have positive encoders and intercepts.
MODEL = """
import nengo

model = nengo.Network(seed=0)
with model:
    stim = nengo.Node([0])
    ens = nengo.Ensemble(
        50, 1, encoders=[[1]] * 50, intercepts=nengo.dists.Uniform(0.1, 0.7)
    )
    nengo.Connection(stim, ens)

def on_start(sim):
    print("started", type(sim).__module__, sim.closed, flush=True)

def on_close(sim):
    print("closes", type(sim).__module__, sim.closed, flush=True)
"""
LAYOUT = """
_viz_0 = nengo_gui.components.Slider(stim)
_viz_1 = nengo_gui.components.Raster(ens)
_viz_2 = nengo_gui.components.Value(ens)
_viz_3 = nengo_gui.components.Voltage(ens)
_viz_config[_viz_1].n_neurons = 50
"""

#: The module of the simulator that the server starts.
OURS = "nengo_dl_sim.simulator.simulator"


class Server:
    """The command of the GUI, in a process of its own."""

    def __init__(self, folder):
        (folder / "model.py").write_text(MODEL)
        (folder / "model.py.cfg").write_text(LAYOUT)
        arguments = "--no-browser --port 0 --backend nengo_dl --auto-shutdown 0"
        self._log = folder / "server.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, *arguments.split(), "model.py"],
                cwd=folder,
                env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.url = urlsplit(self.wait_for(r"http://\S+"))

    def wait_for(self, pattern):
        for _ in patiently():
            found = re.search(pattern, self._log.read_text())
            if found:
                return found[0]
            assert self._process.poll() is None, self._log.read_text()
        pytest.fail(f"no {pattern!r} in {self._log.read_text()}")

    def log(self):
        return self._log.read_text()

    def stop(self):
        self._process.kill()
        self._process.wait()


class Page:
    """The page that the server makes of a model, and sockets of its components."""

    def __init__(self, url):
        self._address = url.hostname, url.port
        self._host = f"{url.hostname}:{url.port}"
        connection = http.client.HTTPConnection(*self._address, timeout=TIMEOUT)
        connection.request("GET", f"/?{url.query}")
        response = connection.getresponse()
        assert response.status == 200
        text = response.read().decode()
        self._cookie = response.headers["Set-Cookie"].split(";")[0]
        connection.close()
        # Each component is made by one line, which says what it is called.
        found = re.findall(r'new Nengo\.(\w+)\(.*?"?uid"?: *"?(\d+)', text)
        self.components = [(kind, int(uid)) for kind, uid in found]

    def open(self, kind, number=0):
        """Connect to a component, as its part of the page does."""
        uids = [uid for name, uid in self.components if name == kind]
        return Socket(self._address, self._host, self._cookie, uids[number])


class Socket:
    """A WebSocket (RFC 6455) to a component."""

    def __init__(self, address, host, cookie, uid):
        self._socket = socket.create_connection(address, timeout=TIMEOUT)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET /viz_component?uid={uid} HTTP/1.1",
            f"Host: {host}",
            f"Origin: http://{host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            f"Cookie: {cookie}",
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        assert b"101 Switching Protocols" in head

    def send(self, text):
        mask = os.urandom(4)
        data = bytes(c ^ mask[i % 4] for i, c in enumerate(text.encode()))
        self._socket.sendall(bytes([0x81, 0x80 | len(data)]) + mask + data)

    def frames(self):
        """Return what has come: texts, and arrays of single precision numbers."""
        while select.select([self._socket], [], [], 0)[0]:
            self._receive()
        frames = []
        while (frame := self._take()) is not None:
            opcode, data = frame
            if opcode == 1:
                frames.append(data.decode())
            elif opcode == 2:
                frames.append(data)
        return frames

    def close(self):
        self._socket.close()

    def _receive(self):
        data = self._socket.recv(1 << 16)
        assert data, "the server has closed the connection"
        self._buffer += data

    def _take(self):
        """Take a frame from the buffer, once all of it has come."""
        if len(self._buffer) < 2:
            return None
        size, start = self._buffer[1], 2
        for marker, form in ((126, "!H"), (127, "!Q")):
            if size == marker:
                start += struct.calcsize(form)
                if len(self._buffer) < start:
                    return None
                size = struct.unpack(form, self._buffer[2:start])[0]
                break
        if len(self._buffer) < start + size:
            return None
        opcode, data = self._buffer[0] & 15, self._buffer[start : start + size]
        self._buffer = self._buffer[start + size :]
        return opcode, data


def patiently():
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        yield
        time.sleep(0.02)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("gui"))
    yield server
    server.stop()


def watch(plots, n_seconds, since):
    """
    Collect what the plots show of some simulated time.

    Returns
    -------
    shown : list of list of (float, array)
        Of each plot, times and values.
    """
    shown = [[] for _ in plots]
    for _ in patiently():
        for (plot, read), values in zip(plots, shown, strict=True):
            new = [value for frame in plot.frames() for value in read(frame)]
            values += [value for value in new if value[0] > since]
        last = min(values[-1][0] if values else since for values in shown)
        if last >= since + n_seconds:
            return shown
    pytest.fail(f"the plots came to {[values[-1:] for values in shown]}")


def read_values(n_lines):
    def read(frame):
        return [
            (v[0], v[1:]) for v in np.frombuffer(frame, "<f4").reshape(-1, 1 + n_lines)
        ]

    return read


def read_raster(frame):
    (t,) = struct.unpack("<f", frame[:4])
    return [(t, np.frombuffer(frame[4:], "<u2"))]


def test_a_slider_changes_what_raster_and_plots_show(server):
    page = Page(server.url)
    control, slider = page.open("SimControl"), page.open("Slider")
    raster, value = page.open("Raster"), page.open("Value", 0)
    voltage = page.open("Value", 1)
    plots = [
        (raster, read_raster),
        (value, read_values(1)),
        (voltage, read_values(5)),
    ]

    control.send("continue")
    spikes, values, _ = watch(plots, 0.2, 0)
    assert server.wait_for("started .*") == f"started {OURS} False"
    assert not any(len(indices) for _, indices in spikes)
    assert all(abs(v[0]) < 0.01 for _, v in values)

    slider.send("0,0.8")
    now = values[-1][0]
    spikes, values, voltages = watch(plots, 0.8, now)
    late = now + 0.4  # the filters have settled
    assert np.mean([v for t, v in values if t > late]) == pytest.approx(0.8, abs=0.05)
    n_spikes = sum(len(indices) for t, indices in spikes if t > late)
    assert n_spikes > 50 * 100 * 0.4  # a hundred a second, of all neurons
    assert len({i for t, indices in spikes if t > late for i in indices}) == 50
    # Of each step once.
    for shown in (spikes, values):
        np.testing.assert_allclose(np.diff([t for t, _ in shown]), 0.001, atol=1e-5)
    assert len(voltages) > 100
    assert np.ptp([v - np.arange(5) for _, v in voltages], axis=0).min() > 0.5

    slider.send("0,reset")
    now = values[-1][0]
    _, values, _ = watch(plots, 0.8, now)
    assert all(abs(v[0]) < 0.05 for t, v in values if t > now + 0.5)

    control.send("pause")
    control.send("reset")  # gives the simulator up
    assert server.wait_for("closes .*") == f"closes {OURS} False"
    raster.frames()
    control.send("continue")  # builds another one
    server.wait_for(r"(?s)started .*started nengo_dl_sim")
    spikes, *_ = watch(plots[:1], 0.01, 0)
    assert spikes[0][0] == pytest.approx(0.001)
    assert "Traceback" not in server.log()
    for opened in (control, slider, raster, value, voltage):
        opened.close()
