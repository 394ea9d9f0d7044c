/** What the screen needs to know of a conversation, computed from its state. Pure. */

import { dayNumber, parseTime } from "../../shared/format";
import type { ContactRef, Conversation, Message, MessageStatus } from "../protocol";
import type { ConversationState } from "./conversation";

/** How far this user has read, by what the server knows. */
export function readSeq(state: ConversationState, userSid: string): number {
  return state.participants.find((one) => one.user_sid === userSid)?.last_read_seq ?? 0;
}

/** Customer messages after `read`. Messages not loaded are not counted: the badge says 9+ long before that. */
export function unreadCount(state: ConversationState, read: number): number {
  let count = 0;
  for (let i = state.messages.length - 1; i >= 0; i--) {
    const message = state.messages[i]!;
    if (message.seq <= read) break;
    if (message.direction === "in") count++;
  }
  return count;
}

function isHumanAnswer(message: Message): boolean {
  return message.direction === "out" && (message.author === "user" || message.author === "external");
}

/**
 * Since when the customer has been waiting for a person, or null when it is their turn.
 * A bot's words do not end the wait once a person has the conversation (`acceptedAt`); then it counts from the accept
 * on, or from the first message they wrote after the last answer, whichever is later.
 */
export function waitingSince(state: ConversationState, acceptedAt: string | null): number | null {
  if (state.conversation.status === "closed") return null;
  let since: number | null = null;
  let answered = false;
  for (let i = state.messages.length - 1; i >= 0; i--) {
    const message = state.messages[i]!;
    if (isHumanAnswer(message)) {
      answered = true;
      break;
    }
    if (message.direction === "in") since = parseTime(message.at);
  }
  if (since === null) return null;
  const from = parseTime(acceptedAt);
  return !answered && from !== null ? Math.max(since, from) : since;
}

export type Urgency = "calm" | "soon" | "late";

export const SOON_AFTER = 120_000;
export const LATE_AFTER = 300_000;

export function urgency(waiting: number): Urgency {
  if (waiting >= LATE_AFTER) return "late";
  return waiting >= SOON_AFTER ? "soon" : "calm";
}

/** When an agent's reply window closes; null = this channel has none. */
export function replyClosesAt(conversation: Conversation): number | null {
  const { closes_at, human_closes_at } = conversation.reply_window ?? {};
  return parseTime(human_closes_at ?? closes_at);
}

export function customerName(conversation: Pick<Conversation, "contact" | "identity">): string {
  return conversation.contact.name || conversation.identity.display_name || conversation.identity.address;
}

/** What to speak in this conversation (ISO 639-1), as far as it is known: heard in it, else what the contact speaks. */
export function spokenLanguage(attributes: Record<string, unknown>, contact?: Pick<ContactRef, "language">): string {
  const heard = attributes["language"];
  return ((typeof heard === "string" && heard) || contact?.language || "").split(/[-_]/)[0]!.toLowerCase();
}

/** The customer's last few words, oldest first: what an offer is about, whatever the bot has said since. */
export function lastWords(messages: Message[], most = 3): string[] {
  return messages
    .filter((message) => message.direction === "in" && !message.deleted_at)
    .map((message) => message.text.trim() || message.attachments.map((one) => one.name).filter(Boolean).join(", "))
    .filter(Boolean)
    .slice(-most);
}

const RANK: Partial<Record<MessageStatus, number>> = { queued: 0, unknown: 1, sent: 2, delivered: 3, read: 4 };

/** A message's own status or what the customer's watermark says of it, whichever is further. */
export function deliveryStatus(message: Message, conversation: Conversation): MessageStatus {
  const own = RANK[message.status];
  if (own === undefined || message.direction !== "out") return message.status;
  if (own < 4 && own >= 2 && message.seq <= conversation.customer_read_seq) return "read";
  if (own === 2 && message.seq <= conversation.customer_delivered_seq) return "delivered";
  return message.status;
}

// ---- the message list -----------------------------------------------------------------------------

export type Row =
  | { type: "day"; id: string; at: number }
  | { type: "new"; id: string }
  | { type: "system"; id: string; message: Message }
  | { type: "message"; id: string; message: Message; first: boolean; last: boolean };

const GROUP_GAP = 5 * 60_000;

function groups(a: Message | undefined, b: Message | undefined): boolean {
  if (!a || !b || a.direction === "system" || b.direction === "system") return false;
  return (
    a.direction === b.direction &&
    a.author === b.author &&
    a.user_sid === b.user_sid &&
    a.author_name === b.author_name &&
    Math.abs(Date.parse(b.at) - Date.parse(a.at)) < GROUP_GAP &&
    dayNumber(Date.parse(a.at)) === dayNumber(Date.parse(b.at))
  );
}

/** Messages with day separators, runs by the same author, and the line above what came while the agent was away. */
export function rows(messages: Message[], newAfter: number | null): Row[] {
  const result: Row[] = [];
  let day: number | null = null;
  let marked = newAfter === null;
  messages.forEach((message, index) => {
    const at = Date.parse(message.at);
    const today = dayNumber(at);
    const newDay = today !== day;
    if (newDay) {
      day = today;
      result.push({ type: "day", id: `day-${today}-${message.seq}`, at });
    }
    let separated = newDay;
    if (!marked && message.seq > newAfter! && message.direction === "in") {
      marked = separated = true;
      result.push({ type: "new", id: "new" });
    }
    if (message.direction === "system") {
      result.push({ type: "system", id: message.sid, message });
      return;
    }
    const before = messages[index - 1];
    const after = messages[index + 1];
    result.push({
      type: "message",
      id: message.sid,
      message,
      first: separated || !groups(before, message),
      last: !groups(message, after),
    });
  });
  return result;
}
