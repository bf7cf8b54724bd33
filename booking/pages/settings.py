"""A provider's profile, and the policy of their schedule."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.providers.operations import edit_provider
from booking.availability import operations as availability
from booking.availability.forms import PolicyForm
from booking.availability.views.previewed import action_of, do_if_previewed
from booking.links import booking_link
from booking.models import Schedule
from booking.pages.forms import ProviderProfileForm
from booking.views.access import actor_of, provider_page
from scheduler_project.common.errors import DomainError
from scheduler_project.common.pages.forms import refuse


@provider_page
def settings(request: HttpRequest, schedule: Schedule) -> HttpResponse:
    """Edit profile and policy, a form each. A changed policy is previewed first."""
    now, action = timezone.now(), action_of(request)
    profile = ProviderProfileForm(
        request.POST if action == "profile" else None,
        request.FILES or None,
        row=schedule.provider,
        auto_id="profile_%s",
    )
    policy = PolicyForm(request.POST if action == "policy" else None, row=schedule, auto_id="policy_%s")
    context: dict[str, Any] = {"schedule": schedule, "profile": profile, "policy": policy}
    if profile.is_bound and profile.is_valid():
        try:
            edit_provider(
                provider_id=schedule.provider_id, changes=profile.cleaned_data, actor=actor_of(request), now=now
            )
        except DomainError as refusal:
            refuse(profile, refusal)
        else:
            messages.success(request, _("Your profile was saved."))
            return HttpResponseRedirect(request.path)
    if policy.is_bound and policy.is_valid():
        try:
            context["tried"] = do_if_previewed(
                request,
                lambda: availability.set_policy(
                    provider_id=schedule.provider_id,
                    changes={name: policy.cleaned_data[name] for name in policy.changed_data},
                    actor=actor_of(request),
                    now=now,
                ),
            )
        except DomainError as refusal:
            refuse(policy, refusal)
        else:
            if context["tried"].done:
                return HttpResponseRedirect(request.path)
    return render(request, "booking/dashboard/settings.html", {**context, "link": booking_link(schedule.provider)})
