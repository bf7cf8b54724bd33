"""The pages of docs/reference/, generated from the code they describe: `manage.py write_reference`.

A module for each page has `page()`, which returns the page's text. Nothing of the running site uses this app.
"""
