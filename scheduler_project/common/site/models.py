"""The site's settings: whose site it is, and what it looks and sounds like."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from scheduler_project.common.countries import country_choices
from scheduler_project.common.currencies import currency_choices
from scheduler_project.common.db.translations import TranslatedModel
from scheduler_project.common.pictures.models import PictureField
from scheduler_project.common.site.enums import Clock
from scheduler_project.common.time.zones import validate_timezone

ONLY = 1
"""The key of the only row."""


class SiteSettings(TranslatedModel):
    """The site as its staff want it. One row; without it, the defaults below hold."""

    translated = ("headline", "introduction")

    name = models.CharField(
        _("name"), max_length=80, blank=True, help_text=_("The name of your practice, shop or office.")
    )
    logo = PictureField(verbose_name=_("logo"), help_text=_("Shown next to the name and in emails."))
    colour = models.CharField(
        _("brand colour"),
        max_length=7,
        blank=True,
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}\Z", _("Enter a colour such as #0a655d."))],
        help_text=_(
            "For buttons and links, such as #0a655d. We darken it on light pages and lighten it on dark ones "
            "where it would be hard to read."
        ),
    )
    email = models.EmailField(
        _("email"), blank=True, help_text=_("Replies to our emails go here unless the provider has their own address.")
    )
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    imprint_url = models.URLField(_("imprint"), blank=True, help_text=_("Link to your imprint."))
    privacy_url = models.URLField(_("privacy policy"), blank=True, help_text=_("Link to your privacy policy."))
    headline = models.CharField(_("headline"), max_length=100, blank=True, help_text=_("Shown on the front page."))
    introduction = models.TextField(
        _("introduction"), max_length=600, blank=True, help_text=_("Shown on the front page.")
    )
    country = models.CharField(
        _("country"),
        max_length=2,
        blank=True,
        choices=country_choices,
        help_text=_("Used for phone numbers without a country code."),
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        blank=True,
        default="",
        db_default="",
        choices=currency_choices,
        help_text=_("Used for prices without their own currency."),
    )
    timezone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        validators=[validate_timezone],
        help_text=_("Used when a visitor's browser doesn't tell us theirs."),
    )
    clock = models.CharField(_("clock"), max_length=2, blank=True, choices=Clock, default=Clock.BY_PLACE)
    clients_sign_up = models.BooleanField(
        _("clients can create an account"), default=True, help_text=_("They can always book without one.")
    )
    providers_sign_up = models.BooleanField(_("providers can create an account"), default=True)
    offers_anybody = models.BooleanField(
        _("clients can choose any available provider"),
        default=True,
        help_text=_("Shows services offered by several providers on the front page."),
    )

    class Meta:
        verbose_name = _("site settings")
        verbose_name_plural = _("site settings")
        constraints = [models.CheckConstraint(condition=Q(pk=ONLY), name="sitesettings_only_one")]

    def __str__(self) -> str:
        return self.title

    @property
    def brand_url(self) -> str:
        return reverse("brand", args=[self.colour[1:].lower()])

    @property
    def title(self) -> str:
        """The name of the site."""
        return self.name or settings.SITE_NAME
