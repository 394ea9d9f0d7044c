// What stands in the list, top to bottom: pure, from the state.

import type { FileInfo } from "./protocol";
import type { State, Tick } from "./store";
import { compare, tick } from "./store";

export interface Bubble {
  kind: "bubble";
  key: string;
  mine: boolean;
  name: string;
  from: "visitor" | "agent" | "bot" | "system";
  text: string;
  unsupported: boolean;
  files: FileInfo[];
  at: number;
  tick: Tick | null;
  error: string;
  cid: string;
  /** Of its group. */
  first: boolean;
  last: boolean;
  /** The visitor's newest: its tick is spelled out. */
  latest: boolean;
}

export type Item = Bubble | { kind: "day"; key: string; at: number } | { kind: "new"; key: string } | { kind: "earlier"; key: string };

const GROUP_MS = 5 * 60_000;

/** Everything in the list, top to bottom. Keys are stable: a sent message keeps its own when its number comes. */
export function items(state: State): Item[] {
  const bubbles: (Bubble & { conversation: string; separated: boolean })[] = [];
  let separated = false;
  for (const message of state.messages) {
    const mine = message.from.type === "visitor";
    const isNew: boolean = !separated && state.separator !== null && !mine && compare(message, state.separator) > 0;
    separated ||= isNew;
    bubbles.push({
      kind: "bubble",
      key: message.cid || message.id,
      mine,
      name: message.from.name,
      from: message.from.type,
      text: message.text,
      unsupported: !message.text && !message.attachments.length,
      files: message.attachments,
      at: Date.parse(message.at),
      tick: mine ? tick(state, message) : null,
      error: "",
      cid: message.cid ?? "",
      first: true,
      last: true,
      latest: false,
      conversation: message.conversation,
      separated: isNew,
    });
  }
  const current = state.chat?.conversation ?? "";
  for (const one of state.pending) {
    bubbles.push({
      kind: "bubble",
      key: one.cid,
      mine: true,
      name: "",
      from: "visitor",
      text: one.text,
      unsupported: false,
      files: one.files,
      at: one.at,
      tick: one.status,
      error: one.error,
      cid: one.cid,
      first: true,
      last: true,
      latest: false,
      conversation: state.chat?.open ? current : "",
      separated: false,
    });
  }
  const latest = bubbles.findLast((one) => one.mine);
  if (latest) latest.latest = true;
  const list: Item[] = [];
  let before: (typeof bubbles)[number] | null = null;
  for (const bubble of bubbles) {
    let apart = !before;
    if (!before || day(before.at) !== day(bubble.at)) {
      list.push({ kind: "day", key: `day:${bubble.key}`, at: bubble.at });
      apart = true;
    } else if (before.conversation && bubble.conversation && before.conversation !== bubble.conversation) {
      list.push({ kind: "earlier", key: `earlier:${before.conversation}` });
      apart = true;
    }
    if (bubble.separated) {
      list.push({ kind: "new", key: "new" });
      apart = true;
    }
    const same =
      !apart &&
      before !== null &&
      before.mine === bubble.mine &&
      before.from === bubble.from &&
      before.name === bubble.name &&
      bubble.at - before.at < GROUP_MS &&
      before.tick !== "failed";
    if (same && before) {
      before.last = false;
      bubble.first = false;
    }
    list.push(bubble);
    before = bubble;
  }
  return list;
}

function day(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}
