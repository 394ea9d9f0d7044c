/**
 * The console protocol, `/ws/console/`: JSON text frames in both directions, and the JSON shapes of the server's
 * snapshots; the server's side is `agents/protocol/`. A command carries a request `id` and is answered by `ok` or `refused` with the same id; everything else
 * from the server comes unasked.
 */

// ---- shapes ---------------------------------------------------------------------------------------

export interface ChannelRef {
  sid: string;
  type: string;
  name: string;
}

export interface ContactRef {
  sid: string;
  name: string;
  language: string;
  is_vip: boolean;
  attributes?: Record<string, unknown>;
}

export interface IdentityRef {
  sid: string;
  kind: string;
  address: string;
  display_name: string;
}

export interface Capabilities {
  max_text: number;
  /** MIME pattern to largest size in bytes; empty = the channel takes no files. */
  media: Record<string, number>;
  typing_out: boolean;
  quick_replies: number;
  receipts: string[];
}

export interface Conversation {
  sid: string;
  status: "open" | "closed";
  channel: ChannelRef;
  contact: ContactRef;
  identity: IdentityRef;
  owner: { kind: "flow" | "queue" | "worker" | "nobody"; sid: string; name: string };
  owner_version: number;
  attributes: Record<string, unknown>;
  opened_at: string;
  last_customer_at: string | null;
  last_message_at: string | null;
  last_message_text: string;
  message_seq: number;
  customer_delivered_seq: number;
  customer_read_seq: number;
  reply_window: { closes_at: string | null; human_closes_at: string | null };
  capabilities: Capabilities;
  disposition: string;
  closed_at: string | null;
}

export interface Attachment {
  sid: string;
  key: string;
  kind: string;
  name: string;
  content_type: string;
  size: number | null;
  state: "pending" | "stored" | "failed";
  data: Record<string, unknown>;
}

export type Direction = "in" | "out" | "note" | "system";
export type Author = "contact" | "user" | "bot" | "external" | "system";
export type MessageStatus =
  | "received"
  | "queued"
  | "sent"
  | "delivered"
  | "read"
  | "failed"
  | "unknown"
  | "dropped";

export interface Message {
  sid: string;
  seq: number;
  direction: Direction;
  author: Author;
  author_name: string;
  user_sid: string | null;
  kind: string;
  text: string;
  data: Record<string, unknown>;
  reactions: Record<string, string[]>;
  status: MessageStatus;
  status_reason: string;
  key: string;
  reply_to: string | null;
  attachments: Attachment[];
  at: string;
  edited_at: string | null;
  deleted_at: string | null;
}

export interface Participant {
  user_sid: string;
  name: string;
  role: "owner" | "joining" | "watching";
  last_read_seq: number;
}

export interface ConversationSnapshot {
  conversation: Conversation;
  messages: Message[];
  participants: Participant[];
}

export interface Activity {
  sid: string;
  name: string;
  available: boolean;
}

export interface Worker {
  sid: string;
  name: string;
  user_sid: string | null;
  activity: Activity;
  activity_since: string;
  attributes: Record<string, unknown>;
  channels: { task_channel: string; capacity: number; load: number; available: boolean }[];
  load: number;
  capacity: number;
}

export type ReservationStatus =
  | "pending"
  | "accepted"
  | "rejected"
  | "timeout"
  | "rescinded"
  | "canceled"
  | "wrapping"
  | "completed";

export type TransferMode = "WARM" | "COLD";

/** A task on its way to another agent or queue. WARM: both talk to the customer; COLD: the giver is done. */
export interface Transfer {
  sid: string;
  /** Of the reservation that shows it: given away by it, or what brings it. */
  direction?: "outgoing" | "incoming";
  mode: TransferMode;
  status: "initiated" | "completed" | "failed" | "canceled";
  /** Why it failed: rejected, timeout, rescinded ... */
  reason: string;
  note: string;
  from: { sid: string; name: string };
  to: { kind: "worker" | "queue"; sid: string; name: string } | null;
  created_at: string;
}

export interface Reservation {
  sid: string;
  status: ReservationStatus;
  /** joining: beside the agent who has the conversation. */
  role: "owner" | "joining";
  /** Under way right now. */
  transfer: Transfer | null;
  created_at: string;
  expires_at: string | null;
  accepted_at: string | null;
  wrapping_at: string | null;
  task: {
    sid: string;
    status: string;
    priority: number;
    attributes: Record<string, unknown>;
    queue: { sid: string; name: string } | null;
    task_channel: string;
    created_at: string;
    conversation_sid: string | null;
  };
  conversation: null | {
    sid: string;
    channel: ChannelRef;
    contact: { sid: string; name: string; is_vip: boolean; language: string };
    last_message_text: string;
    last_message_at: string | null;
  };
}

export interface WorkerSnapshot {
  worker: Worker;
  reservations: Reservation[];
  activities: Activity[];
}

export interface Disposition {
  code: string;
  label: string;
  label_ar?: string;
}

export interface Me {
  sid: string;
  name: string;
  username: string;
  language: string;
  theme: "system" | "light" | "dark";
  is_supervisor: boolean;
}

// ---- client to server -----------------------------------------------------------------------------

/** Every command's payload; the socket adds `type` and `id`. */
export interface Commands {
  /** The last event held of each stream, null = none. A stream left out stays as it is. */
  subscribe: { worker_seq?: number | null; conversations: Record<string, number | null> };
  unsubscribe: { conversation: string };
  "activity.set": { activity: string };
  "reservation.accept": { reservation: string };
  "reservation.reject": { reservation: string };
  "message.send": {
    conversation: string;
    key: string;
    text: string;
    attachments: string[];
    reply_to: string | null;
    seen_seq: number;
    force: boolean;
  };
  "message.retry": { message: string };
  "note.add": { conversation: string; key: string; text: string };
  typing: { conversation: string; active: boolean };
  "conversation.read": { conversation: string; seq: number };
  "draft.save": { conversation: string; text: string };
  "conversation.requeue": { conversation: string; note?: string };
  "conversation.watch": { conversation: string };
  "conversation.unwatch": { conversation: string };
  "transfer.start": { conversation: string; to: string; mode: TransferMode; note: string };
  "transfer.cancel": { conversation: string };
  "conversation.leave": { conversation: string };
  "task.wrapup": { conversation: string };
  "task.complete": { conversation: string; disposition: string; note?: string };
}

export interface Results {
  "reservation.accept": { conversation: string | null };
  "message.send": { message: Message };
  "note.add": { message: Message };
}

export type Command = keyof Commands;
export type Result<C extends Command> = C extends keyof Results ? Results[C] : Record<string, unknown>;

// ---- server to client -----------------------------------------------------------------------------

export interface Ok {
  type: "ok";
  id: string;
  [field: string]: unknown;
}
export interface RefusedFrame {
  type: "refused";
  id: string;
  code: string;
  message: string;
}
export interface ErrorFrame {
  type: "error";
  id?: string | null;
  code: string;
  message: string;
}
export interface Welcome {
  type: "welcome";
  user: Me;
  worker_sid: string | null;
  server_time: string;
  dispositions: Disposition[];
  csrf?: string;
}
export interface EventFrame {
  type: "event";
  stream: string;
  seq: number;
  event: string;
  data: EventData;
  at: string;
}
/** Whole sub-objects in the snapshot's shape; what is there replaces what was known. */
export interface EventData {
  conversation?: Conversation;
  message?: Message;
  participants?: Participant[];
  reservation?: Reservation;
  worker?: Worker;
  /** With the events of a transfer: how it stands, or ended. */
  transfer?: Transfer;
}
export interface SnapshotFrame {
  type: "snapshot";
  stream: string;
  seq: number;
  state: WorkerSnapshot | ConversationSnapshot;
}
export interface GoneFrame {
  type: "gone";
  stream: string;
}
export interface TypingFrame {
  type: "typing";
  conversation: string;
  who: "customer" | "user";
  name?: string;
  user_sid?: string | null;
  active: boolean;
}
export interface ComposingFrame {
  type: "composing";
  conversation: string;
  user_sid: string;
  name: string;
  active?: boolean;
}
export interface DraftFrame {
  type: "draft";
  conversation: string;
  text: string;
}
export interface ReadFrame {
  type: "read";
  conversation: string;
  seq: number;
}
export interface PongFrame {
  type: "pong";
  id?: string;
}
/** "Are you there?": answered with a ping at once. Timers of hidden tabs are slow, message handling is not. */
export interface PokeFrame {
  type: "poke";
}
/** signed_out and wrong_origin: do not come back; silent, too_slow, too_fast: reconnect. */
export interface ByeFrame {
  type: "bye";
  reason: string;
}

export type ServerFrame =
  | Ok
  | RefusedFrame
  | ErrorFrame
  | Welcome
  | EventFrame
  | SnapshotFrame
  | GoneFrame
  | TypingFrame
  | ComposingFrame
  | DraftFrame
  | ReadFrame
  | PongFrame
  | PokeFrame
  | ByeFrame;

/** The stream name of the worker's own events; every other stream is a conversation's sid. */
export const WORKER_STREAM = "worker";

export function parseFrame(text: string): ServerFrame | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || typeof (value as { type?: unknown }).type !== "string") return null;
  return value as ServerFrame;
}
