"""What tests of the command line expect of every complaint."""


def one_line(captured, *words):
    """The line on stderr; there is nothing else, and it has the words."""
    assert captured.err.count("\n") == 1, captured.err
    assert captured.err.startswith("j3o: ")
    assert "Traceback" not in captured.err
    for word in words:
        assert word in captured.err
    return captured.err
