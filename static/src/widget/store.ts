// What the widget knows, and how it changes: pure functions, no page and no socket.

import type { FileInfo, MessageFrame, ServerFrame, StateFrame } from "./protocol";
import { FINAL_ERRORS } from "./protocol";

export type Connection = "idle" | "connecting" | "online" | "offline" | "stopped" | "replaced";

/** A message of the visitor that has not come back with its number yet. */
export interface Pending {
  cid: string;
  text: string;
  files: FileInfo[];
  at: number;
  status: "sending" | "sent" | "failed";
  error: string;
  /** When it was last put on the wire; 0 = not on this connection. */
  sentAt: number;
  /** Not before this moment. */
  notBefore: number;
}

export interface Cursor {
  conversation: string;
  seq: number;
}

export interface State {
  open: boolean;
  connection: Connection;
  /** False until the first welcome of this page. */
  ready: boolean;
  messages: MessageFrame[];
  pending: Pending[];
  more: boolean;
  loadingOlder: boolean;
  known: boolean;
  chat: StateFrame | null;
  typing: { name: string; until: number } | null;
  /** Ours alone, ahead of what the server knows already. */
  read: Cursor;
  /** Where "New messages" is drawn: before the first message after it; null = nowhere. */
  separator: Cursor | null;
}

export type Action =
  | { type: "frame"; frame: ServerFrame; now: number }
  | { type: "connection"; connection: Connection }
  | { type: "opened" }
  | { type: "closed" }
  | { type: "read" }
  | { type: "readElsewhere"; cursor: Cursor }
  | { type: "say"; cid: string; text: string; files: FileInfo[]; now: number }
  | { type: "adopt"; pending: Pending[] }
  | { type: "retry"; cid: string }
  | { type: "discard"; cid: string }
  | { type: "wired"; cid: string; now: number }
  | { type: "loadingOlder" }
  | { type: "tick"; now: number }
  | { type: "forget" };

export const TYPING_MS = 6000;
/** Unacked so long on an open socket: sent again (harmless, the cid is the same). */
export const RESEND_MS = 15_000;
/** The server lets 20 frames through in 10 s; whoever has more to say after a long offline time waits its turn. */
export const IN_FLIGHT = 5;

export function initial(): State {
  return {
    open: false,
    connection: "idle",
    ready: false,
    messages: [],
    pending: [],
    more: false,
    loadingOlder: false,
    known: false,
    chat: null,
    typing: null,
    read: { conversation: "", seq: 0 },
    separator: null,
  };
}

export function compare(a: Cursor, b: Cursor): number {
  if (a.conversation !== b.conversation) return a.conversation < b.conversation ? -1 : 1;
  return a.seq - b.seq;
}

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "frame":
      return onFrame(state, action.frame, action.now);
    case "connection":
      return {
        ...state,
        connection: action.connection,
        typing: action.connection === "online" ? state.typing : null,
        // A new connection knows nothing of what the old one carried.
        pending: action.connection === "online" ? state.pending : state.pending.map((one) => ({ ...one, sentAt: 0 })),
      };
    case "opened":
      return state.open ? state : { ...state, open: true, separator: unread(state) ? readCursor(state) : null };
    case "closed":
      return { ...state, open: false, separator: null };
    case "read": {
      const last = lastTheirs(state);
      return last && compare(last, readCursor(state)) > 0 ? { ...state, read: place(last) } : state;
    }
    case "readElsewhere":
      return compare(action.cursor, state.read) > 0 ? { ...state, read: action.cursor } : state;
    case "say":
      return {
        ...state,
        separator: null,
        pending: [
          ...state.pending,
          {
            cid: action.cid,
            text: action.text,
            files: action.files,
            at: action.now,
            status: "sending",
            error: "",
            sentAt: 0,
            notBefore: 0,
          },
        ],
      };
    case "adopt": {
      const here = new Set([...state.pending.map((one) => one.cid), ...state.messages.map((one) => one.cid)]);
      const fresh = action.pending.filter((one) => !here.has(one.cid)).map((one) => ({ ...one, sentAt: 0, notBefore: 0 }));
      return fresh.length ? { ...state, pending: [...state.pending, ...fresh].sort((a, b) => a.at - b.at) } : state;
    }
    case "retry":
      return changePending(state, action.cid, { status: "sending", error: "", sentAt: 0, notBefore: 0 });
    case "discard":
      return { ...state, pending: state.pending.filter((one) => one.cid !== action.cid) };
    case "wired":
      return changePending(state, action.cid, { sentAt: action.now });
    case "loadingOlder":
      return { ...state, loadingOlder: true };
    case "tick":
      return state.typing && state.typing.until <= action.now ? { ...state, typing: null } : state;
    case "forget":
      return { ...initial(), open: state.open };
  }
}

function onFrame(state: State, frame: ServerFrame, now: number): State {
  switch (frame.t) {
    case "welcome": {
      const base = frame.resumed ? state : { ...state, messages: [], more: frame.more, separator: null };
      const next = withMessages(base, frame.history);
      return {
        ...next,
        connection: "online",
        ready: true,
        known: frame.known,
        chat: frame.state,
        loadingOlder: false,
        separator: !frame.resumed && state.open && unread({ ...next, chat: frame.state }) ? readCursor({ ...next, chat: frame.state }) : next.separator,
      };
    }
    case "message": {
      const next = withMessages(state, [frame]);
      return frame.from.type === "visitor" ? next : { ...next, typing: null };
    }
    case "history":
      return { ...withMessages(state, frame.messages), more: frame.more, loadingOlder: false };
    case "state":
      return { ...state, chat: frame };
    case "typing":
      return { ...state, typing: frame.on ? { name: frame.name, until: now + TYPING_MS } : null };
    case "ack":
      return changePending(state, frame.cid, { status: "sent", error: "" });
    case "error": {
      if (!frame.cid) {
        // Something else failed on their side: whatever was on its way is sent again.
        if (frame.code !== "try_again") return state;
        const later = now + (frame.retry_ms ?? 2000);
        return {
          ...state,
          pending: state.pending.map((one) =>
            one.status === "sending" && one.sentAt ? { ...one, sentAt: 0, notBefore: later } : one,
          ),
        };
      }
      return FINAL_ERRORS.has(frame.code)
        ? changePending(state, frame.cid, { status: "failed", error: frame.code })
        : changePending(state, frame.cid, { sentAt: 0, notBefore: now + (frame.retry_ms ?? 2000) });
    }
    default:
      return state;
  }
}

/** Merge by id, in order; a message of the visitor takes the place of its pending twin. */
function withMessages(state: State, incoming: MessageFrame[]): State {
  if (!incoming.length) return state;
  const byId = new Map(state.messages.map((one) => [one.id, one]));
  for (const message of incoming) byId.set(message.id, message);
  const cids = new Set(incoming.map((one) => one.cid).filter(Boolean));
  return {
    ...state,
    messages: [...byId.values()].sort(compare),
    pending: state.pending.filter((one) => !cids.has(one.cid)),
  };
}

function changePending(state: State, cid: string, change: Partial<Pending>): State {
  if (!state.pending.some((one) => one.cid === cid)) return state;
  return { ...state, pending: state.pending.map((one) => (one.cid === cid ? { ...one, ...change } : one)) };
}

// -- questions ------------------------------------------------------------------------------------

function place(message: Cursor): Cursor {
  return { conversation: message.conversation, seq: message.seq };
}

/** The last message of this page: from here a reconnect asks for what it missed. */
export function cursor(state: State): Cursor | null {
  const last = state.messages[state.messages.length - 1];
  return last ? place(last) : null;
}

export function oldest(state: State): Cursor | null {
  const first = state.messages[0];
  return first ? place(first) : null;
}

export function lastTheirs(state: State): MessageFrame | null {
  for (let index = state.messages.length - 1; index >= 0; index--) {
    const message = state.messages[index];
    if (message && message.from.type !== "visitor") return message;
  }
  return null;
}

/** Up to where the visitor has read: what the server knows, or what we know better. */
export function readCursor(state: State): Cursor {
  const known = { conversation: state.chat?.conversation ?? "", seq: state.chat?.customer_read_seq ?? 0 };
  return compare(state.read, known) > 0 ? state.read : known;
}

export function unread(state: State): number {
  const read = readCursor(state);
  return state.messages.filter((one) => one.from.type !== "visitor" && compare(one, read) > 0).length;
}

/** What to put on the wire now, in order. */
export function due(state: State, now: number): Pending[] {
  if (state.connection !== "online") return [];
  const sending = state.pending.filter((one) => one.status === "sending");
  const flying = sending.filter((one) => one.sentAt && now - one.sentAt < RESEND_MS).length;
  const waiting: Pending[] = [];
  for (const one of sending) {
    if (one.sentAt && now - one.sentAt < RESEND_MS) continue;
    if (one.notBefore > now) break; // those behind it wait too: order holds
    waiting.push(one);
  }
  return waiting.slice(0, Math.max(0, IN_FLIGHT - flying));
}

export type Tick = "sending" | "sent" | "delivered" | "read" | "failed";

/** How far a message of the visitor got: taken, in the conversation, seen by an agent. */
export function tick(state: State, message: MessageFrame): Tick {
  const chat = state.chat;
  if (!chat) return "delivered";
  if (message.conversation !== chat.conversation) return "read"; // an earlier conversation: long answered
  return message.seq <= chat.read_seq ? "read" : "delivered";
}

/** Answers offered by the last message, until something is said. */
export function quickReplies(state: State): string[] {
  const last = state.messages[state.messages.length - 1];
  if (!last || last.from.type === "visitor" || state.pending.length || !state.chat?.open) return [];
  return last.quick_replies;
}

/** A text or file that was said here before: is the conversation over? */
export function hasEnded(state: State): boolean {
  return !!state.chat && state.chat.conversation !== "" && !state.chat.open && !state.pending.length;
}
