"""The console's HTTP side: lists, history, uploads. What changes while one looks at it comes over the socket."""
