"""A plugin of pytest that adds the contact field `pronouns`: a row of the list, and the column.

It shows the whole change that a field needs: see `test_fields.py`.
"""

from tests.changed import change_source

change_source(
    "accounts.clients.fields",
    {
        '    ContactField(\n        "timezone",': """
    ContactField(
        "pronouns",
        "Pronouns",
        in_summary=True,
        guest=GuestQuestion(),
        search=is_contained,
        variable="the client's pronouns",
        sample="they/them",
    ),
    ContactField(
        "timezone",""",
    },
)


change_source(
    "accounts.clients.models",
    {
        "    timezone = models.CharField(": (
            '    pronouns = models.CharField("pronouns", max_length=40, blank=True, default="")\n'
            "    timezone = models.CharField("
        ),
    },
)
