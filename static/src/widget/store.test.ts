import { describe, expect, it } from "vitest";
import type { MessageFrame, StateFrame, WelcomeFrame } from "./protocol";
import { items } from "./items";
import type { Action, State } from "./store";
import { IN_FLIGHT, RESEND_MS, due, initial, quickReplies, readCursor, reduce, tick, unread } from "./store";

const NOW = Date.parse("2026-03-02T09:00:00Z");
const A = `CH${"a".repeat(32)}`;
const B = `CH${"b".repeat(32)}`;

function message(seq: number, fields: Partial<MessageFrame> = {}): MessageFrame {
  return {
    t: "message",
    id: `IM-${fields.conversation ?? A}-${seq}`,
    conversation: A,
    seq,
    from: { type: "agent", name: "Sara" },
    kind: "text",
    text: `text ${seq}`,
    attachments: [],
    quick_replies: [],
    at: new Date(NOW + seq * 1000).toISOString(),
    ...fields,
  };
}

function mine(seq: number, cid: string, fields: Partial<MessageFrame> = {}): MessageFrame {
  return message(seq, { cid, from: { type: "visitor", name: "" }, ...fields });
}

function chat(fields: Partial<StateFrame> = {}): StateFrame {
  return {
    t: "state",
    conversation: A,
    open: true,
    owner: "worker",
    agent: null,
    agent_online: true,
    read_seq: 0,
    customer_read_seq: 0,
    queue: null,
    ...fields,
  };
}

function welcome(fields: Partial<WelcomeFrame> = {}): WelcomeFrame {
  return {
    t: "welcome",
    visitor_token: null,
    conversation: A,
    resumed: false,
    known: false,
    state: chat(),
    history: [],
    more: false,
    ...fields,
  };
}

function after(start: State, ...actions: Action[]): State {
  return actions.reduce(reduce, start);
}

const frame = (one: Extract<Action, { type: "frame" }>["frame"], now = NOW): Action => ({ type: "frame", frame: one, now });
const say = (cid: string, text = cid): Action => ({ type: "say", cid, text, files: [], now: NOW });
const online = (...history: MessageFrame[]): State => after(initial(), frame(welcome({ history })));

describe("messages", () => {
  it("stand in order, whatever order they come in", () => {
    const state = after(online(), frame(message(3)), frame(message(1)), frame(message(2)), frame(message(2)));
    expect(state.messages.map((one) => one.seq)).toEqual([1, 2, 3]);
  });

  it("of a later conversation come after those of an earlier one", () => {
    const state = after(online(), frame(message(1, { conversation: B })), frame(message(9)));
    expect(state.messages.map((one) => one.conversation)).toEqual([A, B]);
  });

  it("stay over a reconnect that only brings what was missed", () => {
    const state = after(
      online(message(1)),
      { type: "connection", connection: "offline" },
      frame(welcome({ resumed: true })),
      frame(message(2)),
    );
    expect(state.messages.map((one) => one.seq)).toEqual([1, 2]);
  });

  it("are replaced when the server starts over, for another visitor perhaps", () => {
    const state = after(online(message(1)), frame(welcome({ history: [message(1, { conversation: B })] })));
    expect(state.messages.map((one) => one.conversation)).toEqual([B]);
  });

  it("end the typing of who wrote", () => {
    const typing = after(online(), frame({ t: "typing", on: true, name: "Sara" }));
    expect(typing.typing).toEqual({ name: "Sara", until: NOW + 6000 });
    expect(after(typing, frame(message(1))).typing).toBeNull();
    expect(after(typing, { type: "tick", now: NOW + 6000 }).typing).toBeNull();
    expect(after(typing, { type: "tick", now: NOW + 5999 }).typing).not.toBeNull();
  });
});

describe("a send", () => {
  it("is shown at once, acked, and takes its number's place under the same key", () => {
    const sending = after(online(message(1)), say("c1", "Hello"));
    const acked = after(sending, frame({ t: "ack", cid: "c1", at: "" }));
    const back = after(acked, frame(mine(2, "c1")));
    const shown = (state: State) => items(state).flatMap((one) => (one.kind === "bubble" ? [[one.key, one.tick]] : []));
    expect(shown(sending)).toEqual([["IM-" + A + "-1", null], ["c1", "sending"]]);
    expect(shown(acked)).toEqual([["IM-" + A + "-1", null], ["c1", "sent"]]);
    expect(shown(back)).toEqual([["IM-" + A + "-1", null], ["c1", "delivered"]]);
    expect(back.pending).toEqual([]);
  });

  it("is put on the wire once, and again only on a new connection or after a while", () => {
    const wired = after(online(), say("c1"), { type: "wired", cid: "c1", now: NOW });
    expect(due(wired, NOW)).toEqual([]);
    expect(due(wired, NOW + RESEND_MS).map((one) => one.cid)).toEqual(["c1"]);
    const lost = after(wired, { type: "connection", connection: "offline" });
    expect(due(lost, NOW)).toEqual([]);
    expect(due(after(lost, frame(welcome({ resumed: true }))), NOW).map((one) => one.cid)).toEqual(["c1"]);
  });

  it("waits its turn: a few on their way at a time, in order", () => {
    let state = online();
    for (let number = 0; number < 8; number++) state = after(state, say(`c${number}`));
    expect(due(state, NOW).map((one) => one.cid)).toEqual(["c0", "c1", "c2", "c3", "c4"]);
    for (const one of due(state, NOW)) state = after(state, { type: "wired", cid: one.cid, now: NOW });
    expect(due(state, NOW)).toEqual([]);
    state = after(state, frame({ t: "ack", cid: "c0", at: "" }));
    expect(due(state, NOW).map((one) => one.cid)).toEqual(["c5"]);
    expect(IN_FLIGHT).toBe(5);
  });

  it("that must slow down holds those behind it", () => {
    const error = { t: "error", code: "rate_limited", message: "", cid: "c1", retry_ms: 2000 } as const;
    const state = after(online(), say("c1"), { type: "wired", cid: "c1", now: NOW }, say("c2"), frame(error));
    expect(due(state, NOW + 1999)).toEqual([]);
    expect(due(state, NOW + 2000).map((one) => one.cid)).toEqual(["c1", "c2"]);
  });

  it("that is refused for good is kept for the visitor to decide", () => {
    const error = { t: "error", code: "blocked", message: "", cid: "c1" } as const;
    const failed = after(online(), say("c1"), frame(error));
    expect(failed.pending.map((one) => [one.status, one.error])).toEqual([["failed", "blocked"]]);
    expect(due(failed, NOW + 60_000)).toEqual([]);
    expect(due(after(failed, { type: "retry", cid: "c1" }), NOW).map((one) => one.cid)).toEqual(["c1"]);
    expect(after(failed, { type: "discard", cid: "c1" }).pending).toEqual([]);
  });

  it("is sent again when the server stumbled without saying over what", () => {
    const error = { t: "error", code: "try_again", message: "", cid: null, retry_ms: 2000 } as const;
    const state = after(online(), say("c1"), { type: "wired", cid: "c1", now: NOW }, frame(error));
    expect(due(state, NOW + 2000).map((one) => one.cid)).toEqual(["c1"]);
  });

  it("found in storage is taken over, unless it is here already", () => {
    const kept = after(initial(), say("c1"), say("c2"), say("c3")).pending;
    const state = after(online(mine(1, "c1")), say("c2"), { type: "adopt", pending: kept });
    expect(state.pending.map((one) => one.cid)).toEqual(["c2", "c3"]);
  });
});

describe("ticks", () => {
  it("grow with what agents have read", () => {
    const state = after(online(mine(1, "a"), mine(2, "b")), frame(chat({ read_seq: 1 })));
    expect(state.messages.map((one) => tick(state, one))).toEqual(["read", "delivered"]);
  });
});

describe("unread", () => {
  it("counts what came from us after the last reading", () => {
    const state = after(online(message(1), mine(2, "a"), message(3)), frame(chat({ customer_read_seq: 1 })));
    expect(unread(state)).toBe(1);
    expect(unread(after(state, { type: "read" }))).toBe(0);
  });

  it("is settled by another tab too, and never grows back", () => {
    const state = after(online(message(1), message(2)), { type: "readElsewhere", cursor: { conversation: A, seq: 2 } });
    expect(unread(state)).toBe(0);
    const stale = after(state, { type: "readElsewhere", cursor: { conversation: A, seq: 1 } }, frame(chat()));
    expect(readCursor(stale)).toEqual({ conversation: A, seq: 2 });
  });

  it("marks where the news begins when the panel is opened", () => {
    const state = after(online(message(1)), { type: "read" }, frame(message(2)), frame(message(3)), { type: "opened" });
    expect(items(state).map((one) => one.kind)).toEqual(["day", "bubble", "new", "bubble", "bubble"]);
    expect(items(after(state, say("c1"))).map((one) => one.kind)).not.toContain("new");
    expect(items(after(state, { type: "closed" })).map((one) => one.kind)).not.toContain("new");
  });

  it("marks nothing when there is no news", () => {
    const state = after(online(message(1)), { type: "read" }, { type: "opened" });
    expect(state.separator).toBeNull();
  });
});

describe("the list", () => {
  it("groups what one person says in a row", () => {
    const bot = { from: { type: "bot", name: "" } } as const;
    const state = online(message(1, bot), message(2, bot), message(3), mine(4, "a"), mine(5, "b"));
    const groups = items(state).flatMap((one) => (one.kind === "bubble" ? [[one.first, one.last]] : []));
    expect(groups).toEqual([[true, false], [false, true], [true, true], [true, false], [false, true]]);
  });

  it("begins a group anew after five minutes, and a day anew with its date", () => {
    const late = new Date(NOW + 6 * 60_000).toISOString();
    const next = new Date(NOW + 26 * 3600_000).toISOString();
    const state = online(message(1), message(2, { at: late }), message(3, { at: next }));
    expect(items(state).map((one) => one.kind)).toEqual(["day", "bubble", "bubble", "day", "bubble"]);
    expect(items(state).flatMap((one) => (one.kind === "bubble" ? [one.first] : []))).toEqual([true, true, true]);
  });

  it("shows where one conversation ended and the next began", () => {
    const state = online(message(1), message(1, { conversation: B }));
    expect(items(state).map((one) => one.kind)).toEqual(["day", "bubble", "earlier", "bubble"]);
  });

  it("has every key once", () => {
    const state = after(online(message(1), mine(2, "a"), message(3)), say("b"), { type: "opened" });
    const keys = items(state).map((one) => one.key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("spells out only the newest tick", () => {
    const state = after(online(mine(1, "a")), say("b"));
    expect(items(state).flatMap((one) => (one.kind === "bubble" ? [one.latest] : []))).toEqual([false, true]);
  });
});

describe("quick replies", () => {
  it("are offered until something is said", () => {
    const state = online(message(1, { quick_replies: ["Yes", "No"] }));
    expect(quickReplies(state)).toEqual(["Yes", "No"]);
    expect(quickReplies(after(state, say("c1", "Yes")))).toEqual([]);
    expect(quickReplies(after(state, frame(mine(2, "x"))))).toEqual([]);
    expect(quickReplies(after(state, frame(chat({ open: false }))))).toEqual([]);
  });
});

describe("a page of earlier messages", () => {
  it("is put before the others", () => {
    const state = after(online(message(5)), { type: "loadingOlder" }, frame({ t: "history", messages: [message(3), message(4)], more: true }));
    expect(state.messages.map((one) => one.seq)).toEqual([3, 4, 5]);
    expect([state.more, state.loadingOlder]).toEqual([true, false]);
  });
});

describe("signing out", () => {
  it("leaves nothing but the open panel", () => {
    const state = after(online(message(1)), say("c1"), { type: "opened" }, { type: "forget" });
    expect(state).toEqual({ ...initial(), open: true });
  });
});

it("a frame nobody knows changes nothing", () => {
  const state = online(message(1));
  expect(reduce(state, frame({ t: "csat" } as never))).toBe(state);
});
