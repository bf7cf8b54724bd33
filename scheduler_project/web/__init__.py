"""The web server: one event loop for everybody's connections, a few threads for what is whole.

A request gets a thread once all of it has come, and its answer leaves without one. Whoever sends or reads slowly holds
a connection, a few kilobytes and a deadline, and nothing anybody else needs. `docs/adr/0001-web-server.md` says why
the server is made of these parts.
"""
