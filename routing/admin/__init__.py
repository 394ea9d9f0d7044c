"""The supervisors' pages of routing. Every change goes through the services, or leaves the router its news."""

from routing.admin import configuration, event, task, worker, workflow

__all__ = ["configuration", "event", "task", "worker", "workflow"]
