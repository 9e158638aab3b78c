"""What a reader sees of a figure."""

import itertools

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg


def texts(figure):
    """Every text that is seen, with its box in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(mpl.text.Text)
        if text.get_text() and text.get_visible()
    ]


def assert_readable(figure):
    """No text runs into another by more than a pixel, or over the edge of the page."""
    seen = texts(figure)
    boxes = [(text, box.padded(-1.0)) for text, box in seen]
    assert [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if one.overlaps(other)] == []
    for text, box in seen:
        assert min(box.x0, box.y0) >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text


def labels(axes, which="y"):
    """What the ticks of an axis are called."""
    return [label.get_text() for label in getattr(axes, f"get_{which}ticklabels")()]
