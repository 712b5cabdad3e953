"""Charts as files and as terminal views: the only room that knows vl-convert and jinja2."""
