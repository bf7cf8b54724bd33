"""The frame: settings, the Celery app, the URL map, the API's table of contents, and the embedded servers."""

import zoneinfo

# Zones come from the shipped tzdata package, not from whatever the machine has (an old one shifts real appointments).
zoneinfo.reset_tzpath(to=())
