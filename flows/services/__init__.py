"""What happens before, or without, a person. The doors of the app; what they do is in the modules beside.

``executions``  messages and time move flows on        ``acting``     carrying out what the engine decided
``handover``    to people, whatever happens            ``publishing`` drafts and published revisions
``notices``     how many are ahead                     ``demo``       the flow of the demo
"""

from __future__ import annotations

from flows.services.demo import install_demo
from flows.services.executions import on_message, resume_due, stop
from flows.services.publishing import assign, publish, save_draft

__all__ = ["assign", "install_demo", "on_message", "publish", "resume_due", "save_draft", "stop"]
