"""The parts of the OpenAPI document that drf-spectacular does not read from the views.

Guides, tags in the order of a newcomer's journey, the meaning of ids in paths, links, and webhooks.
"""
