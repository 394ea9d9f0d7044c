"""The demo's contact center: people, rules, lines, words and a little history. Everything here can be repeated: what is
missing is made, what people changed stays."""
