"""The web server: one event loop for all connections, and a few threads for complete requests.

A request gets a thread once it is received completely, and its response is sent without one. A slow sender or reader
occupies a connection, a few kilobytes and a deadline, and nothing others need. `docs/adr/0001-web-server.md` gives the
reasons for these parts."""
