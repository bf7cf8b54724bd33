"""The pages of docs/reference/, generated from the code they describe: `manage.py write_reference`.

A module for each page has `page()`, which returns the page's text. Nothing of the running site uses this app. As it is
the only app of the frame, the command of `scheduler_project/mcp/` is here too.
"""
