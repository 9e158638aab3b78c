"""What a reader sees of a figure."""

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
