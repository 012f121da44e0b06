"""Each module of Spaun, alone, in spikes."""

import nengo
import numpy as np

from nengo_dl_spaun_bench.spaun import (
    counting,
    decoding,
    encoding,
    motor,
    ramp,
    register,
    reward,
    vision,
    working_memory,
)
from nengo_dl_spaun_bench.spaun.drawing import strokes
from nengo_dl_spaun_bench.spaun.memory import gated_memory, widen_first
from nengo_dl_spaun_bench.spaun.plan import Plan
from nengo_dl_spaun_bench.spaun.reader import read
from nengo_dl_spaun_bench.spaun.symbols import (
    GLYPHS,
    SYMBOLS,
    digit_images,
    glyph_image,
    split,
)
from nengo_dl_spaun_bench.spaun.trials import read_pen
from nengo_dl_spaun_bench.spaun.vocabulary import make_words


def pulse(n_steps, *spans, size=1, at=0, items=1):
    """Return an input that is 1 in some spans of steps."""
    values = np.zeros((items, n_steps, size))
    for start, end in spans:
        values[:, start:end, at] = 1
    return values


def test_register_holds_a_word_until_another_comes_and_passes_it_on_when_told(bench):
    with bench.net:
        part = register.register(4, "r")
    bench.drive("word", part.input)
    bench.drive("pass_on", part.pass_on)
    bench.watch("next", part.next)
    bench.watch("output", part.output)
    word = pulse(2500, (100, 180), size=4, at=2) + pulse(2500, (500, 580), size=4, at=1)
    seen = bench.run(word=word, pass_on=pulse(2500, (250, 350)))
    assert seen["next"][0, 230].argmax() == 2
    assert seen["output"][0, 230].max() < 0.2
    for step in (650, 2499):
        assert seen["next"][0, step].argmax() == 1
        assert seen["output"][0, step].argmax() == 2
        for name in ("next", "output"):
            held = np.sort(seen[name][0, step])
            assert held[-1] > 0.7 and held[-2] < 0.2


def test_gated_memory_holds_a_pointer_for_five_seconds(bench):
    words = make_words(16)
    with bench.net:
        part = gated_memory(16, 1.0, 200, "m")
    bench.drive("vector", part.input)
    bench.drive("open", part.open)
    bench.watch("output", part.output, 0.05)
    vector = np.zeros((2, 5300, 16))
    vector[0, 50:200], vector[1, 50:200] = words.digits[3], words.positions[1]
    vector[:, 1000:] = words.digits[7]
    seen = bench.run(vector=vector, open=pulse(5300, (80, 180), items=2))
    for held, wanted in zip(
        seen["output"][:, -1], (words.digits[3], words.positions[1]), strict=True
    ):
        assert held @ wanted / np.linalg.norm(held) > 0.85
        assert 0.7 < np.linalg.norm(held) < 1.3


def test_memory_that_is_widened_holds_the_identity(bench):
    identity = np.eye(32)[:1]
    for name in ("usual", "widened"):
        with bench.net:
            part = gated_memory(32, 1.0, 50, name)
        if name == "widened":
            widen_first(part)
        bench.drive(name, part.input)
        bench.drive(f"open {name}", part.open)
        bench.watch(name, part.output, 0.05)
    vector = np.tile(identity, (350, 1))[None]
    opened = pulse(350, (80, 250))
    seen = bench.run(
        **dict.fromkeys(("usual", "widened"), vector),
        **dict.fromkeys(("open usual", "open widened"), opened),
    )
    held = {name: values[0, -1] for name, values in seen.items()}
    assert held["widened"][0] > 0.85 > 0.8 > held["usual"][0]
    assert np.abs(held["widened"][1:]).max() < 0.2


def test_what_was_recalled_before_does_not_keep_off_what_comes_next(bench):
    words = make_words(16)
    with bench.net:
        source = nengo.Node(size_in=16)
        part = decoding.decoding(Plan(words), [source])
    bench.drive("list", source)
    bench.drive("recall", part.open[0])
    bench.drive("forget", part.forget)
    bench.watch("digit", part.digit)
    # At the only position that is looked for is first a 4, then both a 7 and a 4.
    items = np.zeros((2, 700, 10))
    items[:, :350, 4] = 0.9
    items[:, 350:, 4], items[:, 350:, 7] = 0.6, 0.8
    spectra = np.fft.rfft(items @ words.digits) * np.fft.rfft(words.positions[0])
    first, forget = pulse(700, (0, 120), items=2), pulse(700, (300, 550), items=2)
    forget[1] = 0
    bench.drive("first", part.start[0])
    bench.drive("pass_on", part.pass_on)
    seen = bench.run(
        list=np.fft.irfft(spectra, n=16),
        recall=np.ones((2, 700, 1)),
        forget=forget,
        first=first,
        pass_on=pulse(700, (150, 230), items=2),
    )["digit"]
    assert (seen[:, 280].argmax(axis=1) == 4).all() and seen[:, 280].max() > 0.6
    assert seen[0, 520].max() < 0.2
    assert seen[0, 690].argmax() == 7 and seen[0, 690].max() > 0.6
    assert seen[1, 690].argmax() == 4


def test_list_of_three_comes_back(bench):
    words = make_words(32)
    plan, digits = Plan(words), (4, 8, 1)
    with bench.net:
        coder = encoding.encoding(plan)
        memory = working_memory.list_memory(plan, "list")
    bench.watch("list", memory.output, 0.05)
    for name, posts in {
        "digits": [coder.digits],
        "start": [coder.start, memory.clear],
        "storing": [coder.storing, memory.open],
        "blank": [coder.pass_on, memory.pass_on],
    }.items():
        bench.drive(name, posts[0])
        with bench.net:
            for post in posts[1:]:
                nengo.Connection(bench.inputs[name], post, synapse=0.005)
    with bench.net:
        nengo.Connection(coder.output, memory.input, synapse=None)
    shown = [(300 * k, 300 * k + 95) for k in range(1, 4)]
    seen = bench.run(
        digits=sum(
            pulse(2000, span, size=10, at=d)
            for d, span in zip(digits, shown, strict=True)
        ),
        start=pulse(2000, (0, 120)),
        storing=pulse(2000, *((a + 15, b) for a, b in shown)),
        blank=1 - pulse(2000, (0, 120), *((a - 60, b + 70) for a, b in shown)),
    )
    spectrum = np.fft.rfft(seen["list"][0, -1])
    for position, digit in zip(words.positions, digits, strict=False):
        unbound = np.fft.irfft(spectrum * np.conj(np.fft.rfft(position)), n=32)
        assert (words.digits @ unbound).argmax() == digit


def test_ramp_takes_as_long_each_time_and_its_phases_come_in_order(bench):
    with bench.net:
        part = ramp.ramp()
    bench.drive("run", part.run)
    phases = ("early", "latch", "pen", "late", "tick")
    for name in phases:
        bench.watch(name, getattr(part, name), 0.005)
    seen = bench.run(run=pulse(2500, (100, 2500)))
    begun = {
        name: np.flatnonzero(np.diff((seen[name][0, :, 0] > 0.5).astype(int)) == 1)
        for name in phases
    }
    ticks = begun["tick"][np.diff(begun["tick"], prepend=-999) > 200]
    assert len(ticks) >= 4
    assert np.ptp(np.diff(ticks)) < 200
    assert 350 < np.diff(ticks).mean() < 600
    firsts = [begun[name][begun[name] > 150][0] for name in phases[1:]]
    assert firsts == sorted(firsts)


def test_counting_takes_as_many_steps_as_it_is_told(bench):
    with bench.net:
        part = counting.counting()
    for name in ("digit", "take", "step", "pass_on"):
        bench.drive(name, getattr(part, name))
    bench.watch("value", part.value)
    bench.watch("counted", part.counted)
    n_steps, starts = 1900, (400, 800, 1200)
    digit = pulse(n_steps, (0, 300), size=10, at=2)
    digit += pulse(n_steps, (300, n_steps), size=10, at=3)
    seen = bench.run(
        digit=digit,
        take=pulse(n_steps, (100, 180)),
        step=pulse(n_steps, *((t, t + 150) for t in starts)),
        pass_on=pulse(n_steps, *((t - 200, t - 50) for t in (*starts, 1600))),
    )
    for k, start in enumerate((*starts, 1600)):
        assert seen["value"][0, start - 20].argmax() == 2 + k
    assert seen["counted"][0, 1100, 0] < 0.3
    assert seen["counted"][0, 1400, 0] > 0.7


def test_motor_draws_digits_that_can_be_read(bench):
    with bench.net:
        part = motor.motor()
    bench.drive("run", part.ramp.run)
    bench.drive("drawing", part.drawing)
    bench.drive("digit", part.sources)
    bench.watch("pen", part.pen, None)
    n_steps = 850
    digit = np.zeros((11, n_steps, 11))
    digit[np.arange(11), :, np.arange(11)] = 1
    on = pulse(n_steps, (50, n_steps), items=11)
    seen = bench.run(run=on, drawing=on, digit=digit)
    drawn = [read(strokes(pen)[0]) for pen in seen["pen"]]
    right = [a == b for a, b in zip(drawn, "0123456789-", strict=True)]
    assert np.mean(right) > 0.85


def test_spiking_vision_tells_symbols_apart_in_time(bench):
    images, labels = digit_images()
    _, test = split()
    rng = np.random.RandomState(0)
    chosen = rng.permutation(test)[:70]
    glyphs = [glyph_image(s, rng) for s in list(GLYPHS) * 3]
    shown = np.concatenate([images[chosen], glyphs])
    wanted = np.concatenate([labels[chosen], np.tile(10 + np.arange(len(GLYPHS)), 3)])
    with bench.net:
        part = vision.vision()
    bench.drive("pixels", part.pixels)
    for name in ("seen", "changing", "blank", "digit"):
        bench.watch(name, getattr(part, name), 0.005)
    pixels = np.zeros((len(shown), 550, 64))
    pixels[:, 150:300] = shown[:, None]
    seen = bench.run(pixels=pixels)
    late = seen["seen"][:, 240:300].mean(axis=1)
    right = late.argmax(axis=1) == wanted
    assert right[: len(chosen)].mean() > 0.9 and right[len(chosen) :].mean() > 0.95
    assert late.shape[1] == len(SYMBOLS)
    # A change is told at once, and nothing is seen while it lasts, or after it.
    assert (seen["changing"][:, 160:205].max(axis=1) > 0.5).mean() > 0.95
    assert seen["seen"][:, 400:].max() < 0.2
    assert (seen["blank"][:, 450:].mean(axis=1) > 0.7).all()
    assert (seen["blank"][:, 230:290].mean(axis=1) < 0.2).all()
    told = seen["digit"][:, 270:290].mean(axis=1)[:, 0] > 0.5
    assert (told == (wanted < 10)).mean() > 0.9


def test_reward_changes_the_value_of_what_was_chosen(bench):
    with bench.net:
        part = reward.reward()
    for name in ("chosen", "paid", "unpaid"):
        bench.drive(name, getattr(part, name))
    bench.watch("values", part.values, 0.05)
    chosen = np.zeros((2, 1500, 3))
    chosen[:, 200:, 1] = 1
    spans = [(t, t + 100) for t in range(300, 1500, 300)]
    paid, unpaid = (pulse(1500, *spans, items=2) for _ in range(2))
    paid[1], unpaid[0] = 0, 0
    values = bench.run(chosen=chosen, paid=paid, unpaid=unpaid)["values"]
    change = values[:, -1] - values[:, 250]
    assert change[0, 1] > 0.05 and change[1, 1] < -0.05
    assert np.abs(change[:, [0, 2]]).max() < 0.03


def test_pen_that_is_never_down_draws_nothing():
    assert read_pen(np.zeros((100, 3))) == ""
