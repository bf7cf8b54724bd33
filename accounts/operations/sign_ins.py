"""Sign-ins: each place where a login is signed in, and ending them."""

from datetime import datetime

from accounts.models import SignIn, User
from scheduler_project.common.operations import operation


@operation
def end_sign_ins(*, user: User, keep: SignIn | None = None, now: datetime) -> int:
    """End every page session and every token of a login at once, but those of the sign-in to `keep`.

    A request's own is `request.user.sign_in`. Returns how many ended.
    """
    others = SignIn.objects.live().filter(user=user)
    if keep is not None:
        others = others.exclude(pk=keep.pk)
    return others.order_by().update(ended_at=now)
