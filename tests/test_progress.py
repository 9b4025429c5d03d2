"""What a log hears of long work: nothing while it is short, then each stage on a line."""

import threading

from geo_service.cli import output


def test_short_work_says_nothing(capsys):
    with output.progress_bar() as report:
        report("read", 0, 2)
        report("write", 1, 2)
    assert capsys.readouterr() == ("", "")


def test_long_work_names_the_stage_it_is_in_and_each_that_follows(capsys, monkeypatch):
    monkeypatch.setattr(output, "PATIENCE_S", 0.2)
    is_heard, echo = threading.Event(), output.click.echo

    def listen(text, err):
        echo(text, err=err)
        is_heard.set()

    monkeypatch.setattr(output.click, "echo", listen)
    with output.progress_bar() as report:
        report("read", 0, 2)
        assert is_heard.wait(30)
        report("write", 1, 2)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == ["read …", "write …"]
