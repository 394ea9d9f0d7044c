/** Small whole objects for tests. */

import type { Conversation, EventFrame, Message, Reservation, SnapshotFrame, Worker } from "../protocol";

export const T0 = Date.parse("2026-03-02T09:00:00Z");

export function at(seconds: number): string {
  return new Date(T0 + seconds * 1000).toISOString();
}

export function message(seq: number, fields: Partial<Message> = {}): Message {
  return {
    sid: `IM${String(seq).padStart(4, "0")}`,
    seq,
    direction: "in",
    author: "contact",
    author_name: "Layla",
    user_sid: null,
    kind: "text",
    text: `message ${seq}`,
    data: {},
    reactions: {},
    status: "received",
    status_reason: "",
    key: "",
    reply_to: null,
    attachments: [],
    at: at(seq * 10),
    edited_at: null,
    deleted_at: null,
    ...fields,
  };
}

export function reply(seq: number, fields: Partial<Message> = {}): Message {
  return message(seq, {
    direction: "out",
    author: "user",
    author_name: "Amira",
    user_sid: "US1",
    status: "sent",
    ...fields,
  });
}

export function conversation(fields: Partial<Conversation> = {}): Conversation {
  return {
    sid: "CH1",
    status: "open",
    channel: { sid: "CL1", type: "messenger", name: "Shop page" },
    contact: { sid: "CO1", name: "Layla", language: "ar", is_vip: false, attributes: {} },
    identity: { sid: "ID1", kind: "messenger", address: "74", display_name: "Layla H" },
    owner: { kind: "worker", sid: "WK1", name: "Amira" },
    owner_version: 1,
    attributes: {},
    opened_at: at(0),
    last_customer_at: null,
    last_message_at: null,
    last_message_text: "",
    message_seq: 0,
    customer_delivered_seq: 0,
    customer_read_seq: 0,
    reply_window: { closes_at: null, human_closes_at: null },
    capabilities: { max_text: 2000, media: { "*/*": 1000 }, typing_out: true, quick_replies: 0, receipts: [] },
    disposition: "",
    closed_at: null,
    ...fields,
  };
}

export function worker(fields: Partial<Worker> = {}): Worker {
  return {
    sid: "WK1",
    name: "Amira",
    user_sid: "US1",
    activity: { sid: "WA1", name: "Available", available: true },
    activity_since: at(0),
    attributes: {},
    channels: [],
    load: 0,
    capacity: 5,
    ...fields,
  };
}

export function reservation(sid: string, fields: Partial<Reservation> = {}): Reservation {
  return {
    sid,
    status: "pending",
    role: "owner",
    transfer: null,
    created_at: at(0),
    expires_at: at(120),
    accepted_at: null,
    wrapping_at: null,
    task: {
      sid: `WT${sid}`,
      status: "reserved",
      priority: 0,
      attributes: {},
      queue: null,
      task_channel: "chat",
      created_at: at(0),
      conversation_sid: `CH${sid}`,
    },
    conversation: null,
    ...fields,
  };
}

export function snapshot(stream: string, seq: number, state: SnapshotFrame["state"]): SnapshotFrame {
  return { type: "snapshot", stream, seq, state };
}

export function event(stream: string, seq: number, data: EventFrame["data"]): EventFrame {
  return { type: "event", stream, seq, event: "test", data, at: at(seq) };
}

/** A small repeatable source of chance (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
