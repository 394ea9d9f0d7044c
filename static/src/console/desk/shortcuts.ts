/**
 * The console's keys. By place on the keyboard (`code`), not by letter: an Arabic layout has the same shortcuts.
 * Ctrl+Shift+T belongs to the browser in ordinary windows, so there is a second pair for switching.
 */

import { gettext } from "../../shared/i18n";

export type ShortcutCommand = "accept" | "reject" | "next" | "previous" | "activity" | "wrapup" | "help";

const WITH_CTRL_SHIFT: Record<string, ShortcutCommand> = {
  KeyA: "accept",
  KeyR: "reject",
  KeyT: "next",
  KeyY: "previous",
  KeyS: "activity",
  Digit1: "wrapup",
};

export function command(event: KeyboardEvent): ShortcutCommand | null {
  const isMain = event.ctrlKey || event.metaKey;
  if (isMain && event.shiftKey && !event.altKey) return WITH_CTRL_SHIFT[event.code] ?? null;
  if (isMain && !event.shiftKey && !event.altKey && event.code === "Slash") return "help";
  if (event.altKey && !isMain && !event.shiftKey) {
    if (event.key === "ArrowDown") return "next";
    if (event.key === "ArrowUp") return "previous";
  }
  return null;
}

export function shortcutList(): { keys: string[][]; does: string }[] {
  return [
    { keys: [["Ctrl", "Shift", "A"]], does: gettext("Accept the oldest offer") },
    { keys: [["Ctrl", "Shift", "R"]], does: gettext("Reject the oldest offer") },
    { keys: [["Ctrl", "Shift", "T"], ["Alt", "↓"]], does: gettext("Next conversation") },
    { keys: [["Ctrl", "Shift", "Y"], ["Alt", "↑"]], does: gettext("Previous conversation") },
    { keys: [["Ctrl", "Shift", "1"]], does: gettext("Wrap up the conversation") },
    { keys: [["Ctrl", "Shift", "S"]], does: gettext("Change activity") },
    { keys: [["Enter"]], does: gettext("Send") },
    { keys: [["Shift", "Enter"]], does: gettext("New line") },
    { keys: [["/"]], does: gettext("Canned replies, at the start of a word") },
    { keys: [["Ctrl", "/"]], does: gettext("This list") },
  ];
}
