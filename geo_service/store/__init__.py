"""The layer store: versions, history, and nothing acknowledged lost."""
