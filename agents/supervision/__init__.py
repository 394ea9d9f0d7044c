"""The supervisors' live view: what is going on now, over a socket, and what they may do about it."""
