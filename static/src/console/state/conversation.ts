/** A conversation's stream: a mirror of the server's snapshot, moved on by events that replace whole sub-objects. */

import type {
  Conversation,
  ConversationSnapshot,
  EventFrame,
  Message,
  Participant,
  SnapshotFrame,
} from "../protocol";
import { verdictOf, type Applied } from "./stream";

export interface ConversationState {
  seq: number;
  conversation: Conversation;
  /** By seq, without holes from the first one on; the snapshot brings the newest, `withOlder` the rest. */
  messages: Message[];
  participants: Participant[];
}

export function conversationFromSnapshot(frame: SnapshotFrame): ConversationState {
  const state = frame.state as ConversationSnapshot;
  return {
    seq: frame.seq,
    conversation: state.conversation,
    messages: [...state.messages].sort((a, b) => a.seq - b.seq),
    participants: state.participants,
  };
}

export function applyConversationEvent(state: ConversationState, event: EventFrame): Applied<ConversationState> {
  const verdict = verdictOf(state.seq, event.seq);
  if (verdict !== "applied") return { state, verdict };
  const { conversation, message, participants } = event.data;
  return {
    verdict,
    state: {
      seq: event.seq,
      conversation: conversation ?? state.conversation,
      messages: message ? withMessage(state.messages, message) : state.messages,
      participants: participants ?? state.participants,
    },
  };
}

/** Replaces or inserts one message. Changes of messages older than what is loaded are left for `withOlder`. */
export function withMessage(messages: Message[], changed: Message): Message[] {
  const last = messages[messages.length - 1];
  if (!last || changed.seq > last.seq) return [...messages, changed];
  const at = lowerBound(messages, changed.seq);
  if (messages[at]?.seq === changed.seq) return messages.with(at, changed);
  if (at === 0) return messages;
  return messages.toSpliced(at, 0, changed);
}

/** A page of history before the first loaded message; what we already hold is newer and stays. */
export function withOlder(state: ConversationState, page: Message[]): ConversationState {
  const first = state.messages[0]?.seq ?? Infinity;
  const older = page.filter((message) => message.seq < first).sort((a, b) => a.seq - b.seq);
  return older.length ? { ...state, messages: [...older, ...state.messages] } : state;
}

export function reachedStart(state: ConversationState): boolean {
  const first = state.messages[0];
  return !first || first.seq <= 1;
}

function lowerBound(messages: Message[], seq: number): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (messages[middle]!.seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
