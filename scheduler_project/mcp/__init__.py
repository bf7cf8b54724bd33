"""The MCP server: tools with which language models use the API, as the owner of an API key.

A tool is an operation of the API. A call of it is a request to the API, in this process and with the key, so rights,
limits, idempotency, audit log and errors are the API's own. `docs/adr/0205-mcp-tools-are-api-requests.md` says why.

The package `mcp` is imported by `server.py`, and that only when the first message arrives: it takes a second.
"""
