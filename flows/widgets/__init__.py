"""The widgets: one file per type. What is not listed here is kept in documents and refused on publishing."""

from __future__ import annotations

from flows.widgets.answer_from_list import AnswerFromList
from flows.widgets.base import Widget
from flows.widgets.send_and_wait_for_reply import SendAndWaitForReply
from flows.widgets.send_message import SendMessageWidget
from flows.widgets.send_to_flex import SendToFlex
from flows.widgets.set_variables import SetVariables
from flows.widgets.split_based_on import SplitBasedOn
from flows.widgets.trigger import Trigger

WIDGETS: dict[str, Widget] = {
    widget.type: widget
    for widget in (
        Trigger(),
        SendMessageWidget(),
        SendAndWaitForReply(),
        SplitBasedOn(),
        SetVariables(),
        SendToFlex(),
        AnswerFromList(),
    )
}


def find(widget_type: str) -> Widget | None:
    """The widget of that type, or None when this product has none."""
    return WIDGETS.get(widget_type)
