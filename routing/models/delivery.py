from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Delivery(models.Model):
    """An event on its way to the workspace's callback URL. Deleted when it arrived; kept, for people, when given up.

    Those of a stream (a task; a worker; the workspace) go one after the other, in the order of their ids.
    """

    class Status(models.TextChoices):
        DUE = "due", _("waiting")
        DEAD = "dead", _("given up")

    #: no constraint: given-up deliveries may outlive their event
    event = models.ForeignKey(
        "routing.Event", on_delete=models.DO_NOTHING, db_constraint=False, related_name="deliveries"
    )
    workspace_id = models.UUIDField()
    stream = models.UUIDField()
    created_at = models.DateTimeField(_("created"))
    is_replay = models.BooleanField(_("sent again"), default=False)
    status = models.CharField(_("status"), max_length=4, choices=Status, default=Status.DUE)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"))
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_epoch = models.PositiveIntegerField(default=0)
    error = models.CharField(_("error"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["stream", "status", "id"], name="delivery_of_stream"),
            models.Index(fields=["workspace_id", "status", "due_at", "id"], name="delivery_next"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} ({self.get_status_display()})"


class Receiving(models.Model):
    """How an address outside has answered lately. After failures in a row it is left alone for a while."""

    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    open_until = models.DateTimeField(_("left alone until"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=200, blank=True, default="")
    answered_at = models.DateTimeField(_("last answered"), null=True, blank=True)

    class Meta:
        abstract = True


class Receiver(Receiving):
    """The workspace's callback URL, which gets its events. It outlives the workspace, whose deletion is one of them."""

    #: no constraint: the workspace may be gone
    workspace = models.OneToOneField(
        "routing.Workspace", on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="+"
    )
    #: of a workspace that is gone: when that was, where its last events go, and which
    gone_at = models.DateTimeField(null=True, blank=True)
    url = models.URLField(blank=True, default="")
    events_filter = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"{self.workspace_id} ({self.failures})"
