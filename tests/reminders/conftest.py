from tests.reminders.servers import closed_port, http_server, silent_port, smtp_server

__all__ = ["closed_port", "http_server", "silent_port", "smtp_server"]
