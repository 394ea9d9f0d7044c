/** What the simulator's server tells, and the calls to it. */

import { request } from "../shared/http";

export interface Persona {
  address: string;
  name: string;
  language: string;
  note: string;
  unread: number;
  typing: boolean;
  last_text: string;
}

export interface ChatFile {
  kind: string;
  url: string;
  name: string;
}

export interface Bubble {
  id: string;
  is_mine: boolean;
  at: string;
  text: string;
  files: ChatFile[];
  quick_replies: { title?: string; payload?: string }[];
  reply_to: string;
  reactions: { mine?: string; theirs?: string };
  edits: number;
  status: string;
}

export interface Exchange {
  kind: "webhook" | "call";
  title: string;
  at: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
  status: number;
  answer: string;
  milliseconds: number;
}

export interface State {
  slug: string;
  label: string;
  title: string;
  version: number;
  actions: string[];
  failures: { code: string; label: string }[];
  armed: string[];
  personas: Persona[];
  chats: Record<string, Bubble[]>;
  log: Exchange[];
}

export interface Done {
  /** HTTP status the contact center's door answered; missing when nothing was sent. */
  status?: number;
  answer?: string;
}

const api = (slug: string, path: string): string => `/channels/${slug}/simulator/api/${path}`;

/** The newest state, or null when it is the one held already. */
export function fetchState(slug: string, version: number | null): Promise<State | null> {
  return request<State | null>("GET", api(slug, `state?version=${version ?? ""}`));
}

export function act(slug: string, persona: string, action: string, data: object): Promise<Done> {
  return request<Done>("POST", api(slug, "act"), { persona, action, data });
}

export function addPersona(slug: string, name: string, language: string): Promise<{ address: string }> {
  return request("POST", api(slug, "personas"), { name, language });
}

/** JSON for people: indented when it is JSON, as it came otherwise. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** A file's bytes as the server takes them. */
export function toBase64(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(reader.error ?? new Error("unreadable file"));
    reader.readAsDataURL(file);
  });
}
