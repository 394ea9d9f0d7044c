from __future__ import annotations

from django.db import models

from routing.models.delivery import Receiving


class Callback(models.Model):
    """A workflow's server is to be asked about this offer. Deleted by whoever asked (``services.callbacks``).

    No constraints: it is made after the offer, which may be gone by then.
    """

    reservation = models.OneToOneField(
        "routing.Reservation", on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="+"
    )
    workflow_id = models.UUIDField()
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_epoch = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.pk)


class CallbackReceiver(Receiving):
    """A workflow's assignment callback URL, or its fallback. Of another ``url`` it says nothing."""

    workflow = models.ForeignKey("routing.Workflow", on_delete=models.CASCADE, related_name="callback_receivers")
    is_fallback = models.BooleanField()
    url = models.URLField(max_length=2048)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workflow", "is_fallback"], name="callback_receiver_unique")]

    def __str__(self) -> str:
        return f"{self.workflow_id} {self.url}"
