"""What stands in the OpenAPI document beside what drf-spectacular reads from the views.

Guides, tags in the order of a newcomer's journey, the meaning of ids in paths, and webhooks.
"""
