// The frames of channels_adapters/webchat/README.md, as the widget uses them.

export type Language = "en" | "ar";

export interface FileInfo {
  id: string;
  kind: string;
  name: string;
  type: string;
  size: number;
  url: string;
}

export interface MessageFrame {
  t: "message";
  id: string;
  conversation: string;
  seq: number;
  cid?: string;
  from: { type: "visitor" | "agent" | "bot" | "system"; name: string };
  kind: string;
  text: string;
  attachments: FileInfo[];
  quick_replies: string[];
  at: string;
}

export interface StateFrame {
  t: "state";
  conversation: string;
  open: boolean;
  owner: string;
  agent: { name: string } | null;
  agent_online: boolean;
  read_seq: number;
  customer_read_seq: number;
  queue: { ahead: number | null; wait_seconds: number | null } | null;
}

export interface WelcomeFrame {
  t: "welcome";
  visitor_token: string | null;
  conversation: string | null;
  resumed: boolean;
  known: boolean;
  state: StateFrame;
  history: MessageFrame[];
  more: boolean;
}

export interface AckFrame {
  t: "ack";
  cid: string;
  at: string;
}

export type ServerFrame =
  | WelcomeFrame
  | MessageFrame
  | StateFrame
  | AckFrame
  | { t: "history"; messages: MessageFrame[]; more: boolean }
  | { t: "typing"; on: boolean; name: string }
  | { t: "file"; key: string; url: string }
  | { t: "error"; code: string; message: string; cid: string | null; retry_ms?: number }
  | { t: "pong" };

/** Errors after which a send is not tried again by itself. */
export const FINAL_ERRORS: ReadonlySet<string> = new Set(["too_long", "empty", "blocked", "closed", "bad_file"]);

export const CLOSE = {
  badHello: 4000,
  siteClosed: 4003,
  tokenExpired: 4009,
  replaced: 4010,
} as const;

export interface User {
  id?: string | number;
  name?: string;
  email?: string;
  hash?: string;
  jwt?: string;
}

/** What the server tells before anybody said hello. */
export interface SiteConfig {
  title: Partial<Record<Language, string>>;
  greeting: Partial<Record<Language, string>>;
  away: Partial<Record<Language, string>>;
  suggestions: Partial<Record<Language, string[]>>;
  color: string;
  prechat: string[];
  agent_online: boolean;
  max_text: number;
  max_file: number;
  max_files: number;
}

/** A frame of the server, or null when it is none: a newer server may send what we do not know. */
export function readFrame(text: unknown): ServerFrame | null {
  if (typeof text !== "string") return null;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && typeof value["t"] === "string" ? (value as unknown as ServerFrame) : null;
  } catch {
    return null;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
