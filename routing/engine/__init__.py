"""The router's mind: pure Python, no Django, no clock. Times are float seconds, passed in."""
