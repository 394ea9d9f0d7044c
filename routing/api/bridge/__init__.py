"""The event bridge: what the field's worker SDK for JavaScript talks to. Commands by HTTP, events by socket."""
