"""The admin theme's own words, for our translators: Unfold ships no translations at all.

Nothing imports this. It is here for ``manage.py makemessages``, which does not look into installed packages; strings
that Django itself translates are left out. tests/contactcenter/test_translations.py says what a new Unfold adds.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext_lazy

STRINGS = (
    # lists and their actions
    _("Select record"),
    _("Select action"),
    _("Select action to run"),
    _("Select all rows"),
    _("Expand row"),
    _("Run"),
    _("More actions"),
    _("No data"),
    _("No results found"),
    _("This page yielded into no results. Create a new item or reset your filters."),
    _("Previous"),
    _("Next"),
    _("Dataset not found. No action performed."),
    # filters
    _("Apply Filters"),
    _("Reset filters"),
    _("Value"),
    _("From"),
    _("To"),
    _("Date"),
    _("Date from"),
    _("Date to"),
    _("Not enough data."),
    # search
    _("Type to search"),
    _("Search apps and models..."),
    _("Recent searches"),
    _("No recent searches"),
    _("No results matching your query"),
    _("Loading more results..."),
    ngettext_lazy(
        "\n                Found %(counter)s result in %(time)s seconds\n            ",
        "\n                Found %(counter)s results in %(time)s seconds\n            ",
        "counter",
    ),
    # forms
    _("General"),
    _("Submit"),
    _("Cancel"),
    _("True"),
    _("False"),
    _("Select value"),
    _("Select currency"),
    _("Record picture"),
    _("Image preview"),
    _("Choose file to upload"),
    _("Click to download"),
    _("This item will be deleted."),
    _("Click to cancel"),
    _("You can not create nested object without parent"),
    # people and passwords
    _("Toggle password visibility"),
    _("After you've created a user, you’ll be able to edit more user options."),
    _(
        "Raw passwords are not stored, so there is no way to see this user’s password, but you can change the password "
        'using <a href="{}" class="text-primary-600 dark:text-primary-500">this form</a>.'
    ),
    _("Welcome"),
    _("Welcome back to"),
    _("Forgotten your password or username?"),
    _("You have been successfully logged out from the administration"),
    # around the page
    _("All applications"),
    _("Go back"),
    _("Return to site"),
    _("Light"),
    _("Dark"),
    _("System"),
)
