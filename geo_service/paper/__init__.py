"""Tables, documents and figures as files: the only room that knows spreadsheet libraries."""
