/** The HTTP side of the console: lists, history, contacts. What happens live comes over the socket. */

import { request } from "../shared/http";
import type { ChannelRef, Conversation, IdentityRef, Message } from "./protocol";
import type { CannedReply } from "./state/canned";

export interface Contact {
  sid: string;
  name: string;
  language: string;
  is_vip: boolean;
  attributes: Record<string, unknown>;
  notes: string;
  identities: (IdentityRef & { is_verified?: boolean; is_reachable?: boolean })[];
}

export interface TimelineEntry {
  message: Message;
  conversation_sid: string;
  channel: ChannelRef;
}

/** Whom a conversation can be handed to. */
export interface TransferTargets {
  agents: { sid: string; name: string; activity: string; available: boolean; has_room: boolean }[];
  queues: { sid: string; name: string; available: number }[];
}

export interface Page<T> {
  items: T[];
  /** Ask for the next page with this; null = there is none. */
  next: string | null;
}

/** A list under whatever name the endpoint gives it, and the cursor of its next page. */
export function pageOf<T>(answer: unknown): Page<T> {
  if (Array.isArray(answer)) return { items: answer as T[], next: null };
  if (typeof answer !== "object" || answer === null) return { items: [], next: null };
  const fields = answer as Record<string, unknown>;
  const items = Object.values(fields).find((value) => Array.isArray(value)) as T[] | undefined;
  const next = fields["next"] ?? fields["next_cursor"] ?? fields["cursor"] ?? fields["before"] ?? null;
  return { items: items ?? [], next: next === null || next === "" ? null : String(next) };
}

function query(values: Record<string, string | null | undefined>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value) params.set(name, value);
  const text = params.toString();
  return text ? `?${text}` : "";
}

export interface ConversationFilter {
  status?: string;
  q?: string;
  cursor?: string | null;
}

export const api = {
  async conversations(filter: ConversationFilter, signal?: AbortSignal): Promise<Page<Conversation>> {
    return pageOf(await request("GET", `/api/conversations/${query({ ...filter })}`, undefined, signal));
  },
  async messagesBefore(conversation: string, seq: number): Promise<Message[]> {
    return pageOf<Message>(await request("GET", `/api/conversations/${conversation}/messages/?before=${seq}`)).items;
  },
  /** The newest page, for looking at a conversation without following it. */
  async lastMessages(conversation: string, signal?: AbortSignal): Promise<Message[]> {
    return pageOf<Message>(await request("GET", `/api/conversations/${conversation}/messages/`, undefined, signal)).items;
  },
  transferTargets(conversation: string, signal?: AbortSignal): Promise<TransferTargets> {
    return request("GET", `/api/conversations/${conversation}/targets/`, undefined, signal);
  },
  contact(sid: string, signal?: AbortSignal): Promise<Contact> {
    return request("GET", `/api/contacts/${sid}/`, undefined, signal);
  },
  changeContact(sid: string, fields: Partial<Pick<Contact, "name" | "language" | "is_vip" | "notes">>): Promise<Contact> {
    return request("PATCH", `/api/contacts/${sid}/`, fields);
  },
  async timeline(contact: string, before: string | null, signal?: AbortSignal): Promise<Page<TimelineEntry>> {
    return pageOf(await request("GET", `/api/contacts/${contact}/timeline/${query({ before })}`, undefined, signal));
  },
  async cannedReplies(): Promise<CannedReply[]> {
    return pageOf<CannedReply>(await request("GET", "/api/canned-replies/")).items;
  },
  async drafts(): Promise<{ conversation: string; text: string }[]> {
    const drafts = pageOf<Record<string, string>>(await request("GET", "/api/drafts/")).items;
    return drafts.map((one) => ({
      conversation: one["conversation"] ?? one["conversation_sid"] ?? "",
      text: one["text"] ?? "",
    }));
  },
  me(fields: { language?: string; theme?: string }): Promise<unknown> {
    return request("POST", "/api/me/", fields);
  },
};

export function attachmentUrl(key: string): string {
  return `/attachments/${encodeURIComponent(key)}/`;
}
