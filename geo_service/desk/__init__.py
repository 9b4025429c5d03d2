"""The operator's questions: who may do what, what to check next, what a standard asks, where a station is shown."""
