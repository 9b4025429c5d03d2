"""
What reads files of strangers: runs in a child process of its own, under limits, without network.

Nothing here is imported by the program itself except the words the two sides share
(``rows``); ``exchange/intake`` starts the child and takes over what it says.
"""
