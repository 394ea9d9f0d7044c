"""The supervisors' pages of routing. Every change goes through the services, or leaves the router its news."""

from routing.admin import configuration, task, worker, workflow

__all__ = ["configuration", "task", "worker", "workflow"]
