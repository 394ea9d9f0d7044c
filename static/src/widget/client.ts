// The widget without its looks: state, socket, storage and tabs put together.

import type { FileInfo, ServerFrame, SiteConfig, User } from "./protocol";
import { isRecord } from "./protocol";
import { Link } from "./socket";
import type { Memory } from "./storage";
import type { Action, Cursor, State } from "./store";
import { compare, cursor, due, initial, lastTheirs, oldest, readCursor, reduce, unread } from "./store";
import type { Tabs } from "./tabs";

const TYPING_EVERY_MS = 3000;
const TYPING_STOPS_MS = 5000;
const SEEN_MS = 150;
const FILE_MS = 15_000;
const ONLINE_MS = 60_000;

export class UploadError extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

/** A UUID; pages on plain http have no crypto.randomUUID. */
function newId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
  return hex.join("").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Client {
  state: State = initial();
  user: User | null = null;
  private readonly link: Link;
  private readonly listeners = new Set<(state: State, before: State) => void>();
  private seenSent: Cursor = { conversation: "", seq: 0 };
  private readSent: Cursor = { conversation: "", seq: 0 };
  private receiptTimer = 0;
  private dueTimer = 0;
  private typingAt = 0;
  private typingTimer = 0;
  private readonly files = new Map<string, ((url: string) => void)[]>();

  constructor(
    readonly server: string,
    readonly site: string,
    readonly language: string,
    private readonly memory: Memory,
    private readonly tabs: () => Tabs,
  ) {
    this.link = new Link(`${server.replace(/^http/, "ws")}/channels/webchat/ws?v=1`, {
      hello: () => this.hello(),
      frame: (frame) => this.onFrame(frame),
      connection: (connection) => this.dispatch({ type: "connection", connection }),
      tokenExpired: () => {
        this.memory.token = "";
      },
    });
  }

  subscribe(listener: (state: State, before: State) => void): void {
    this.listeners.add(listener);
  }

  dispatch(action: Action): void {
    const before = this.state;
    const after = reduce(before, action);
    if (after === before) return;
    this.state = after;
    this.keepPending(before, after);
    for (const listener of this.listeners) listener(after, before);
    this.flush();
    this.confirmSoon();
  }

  // -- life ---------------------------------------------------------------------------------------

  connect(): void {
    this.dispatch({ type: "adopt", pending: this.memory.kept(Date.now()) });
    this.link.start();
  }

  identify(user: User | null): void {
    this.user = user;
    this.link.restart();
  }

  reset(tell: boolean): void {
    this.memory.forget();
    this.user = null;
    this.seenSent = this.readSent = { conversation: "", seq: 0 };
    if (tell) this.tabs().tell({ t: "reset" });
    this.link.stop();
    this.dispatch({ type: "forget" });
    if (this.state.open) this.link.start();
  }

  async config(): Promise<SiteConfig> {
    const response = await fetch(`${this.server}/channels/webchat/config/?site=${encodeURIComponent(this.site)}`, {
      credentials: "omit",
    });
    if (!response.ok) throw new Error(`config: ${response.status}`);
    return (await response.json()) as SiteConfig;
  }

  // -- the visitor does -----------------------------------------------------------------------------

  say(text: string, files: FileInfo[] = []): void {
    this.memory.hasTalked = true;
    this.stopTyping(false);
    this.dispatch({ type: "say", cid: newId(), text, files, now: Date.now() });
    this.link.start();
  }

  typing(): void {
    const now = Date.now();
    window.clearTimeout(this.typingTimer);
    this.typingTimer = window.setTimeout(() => this.stopTyping(true), TYPING_STOPS_MS);
    if (now - this.typingAt < TYPING_EVERY_MS) return;
    this.typingAt = now;
    this.link.send({ t: "typing", on: true });
  }

  stopTyping(tell: boolean): void {
    window.clearTimeout(this.typingTimer);
    if (this.typingAt && tell) this.link.send({ t: "typing", on: false });
    this.typingAt = 0;
  }

  /** The visitor is looking at the list's end. */
  read(): void {
    const before = readCursor(this.state);
    this.dispatch({ type: "read" });
    const now = readCursor(this.state);
    if (compare(now, before) > 0) this.tabs().tell({ t: "read", cursor: now });
  }

  older(): void {
    const first = oldest(this.state);
    if (!first || !this.state.more || this.state.loadingOlder) return;
    if (this.link.send({ t: "older", conversation: first.conversation, before: first.seq })) {
      this.dispatch({ type: "loadingOlder" });
    }
  }

  /** A fresh address of a file; rejects when there is none. */
  file(key: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const waiting = this.files.get(key);
      if (waiting) waiting.push(resolve);
      else {
        this.files.set(key, [resolve]);
        if (!this.link.send({ t: "file", key })) {
          this.files.delete(key);
          reject(new UploadError("offline"));
          return;
        }
      }
      window.setTimeout(() => {
        this.files.delete(key);
        reject(new UploadError("timeout"));
      }, FILE_MS);
    });
  }

  /** Send a file up. It waits for the welcome: before it there is no token to show. */
  upload(file: File, onProgress: (share: number) => void): { done: Promise<FileInfo>; cancel: () => void } {
    const request = new XMLHttpRequest();
    let isCanceled = false;
    const done = this.online().then(() => this.post(request, file, onProgress, () => isCanceled));
    return {
      done,
      cancel: () => {
        isCanceled = true;
        request.abort();
      },
    };
  }

  private post(
    request: XMLHttpRequest,
    file: File,
    onProgress: (share: number) => void,
    isCanceled: () => boolean,
  ): Promise<FileInfo> {
    return new Promise<FileInfo>((resolve, reject) => {
      if (isCanceled()) return reject(new UploadError("canceled"));
      request.open("POST", `${this.server}/channels/webchat/files/?site=${encodeURIComponent(this.site)}`);
      request.setRequestHeader("Authorization", `Bearer ${this.memory.token}`);
      request.responseType = "json";
      request.upload.onprogress = (event) => {
        if (event.lengthComputable) onProgress(event.loaded / event.total);
      };
      request.onerror = request.ontimeout = () => reject(new UploadError("network"));
      request.onabort = () => reject(new UploadError("canceled"));
      request.onload = () => {
        const answer: unknown = request.response;
        if (request.status === 201 && isRecord(answer) && typeof answer["key"] === "string") {
          resolve({ ...(answer as unknown as FileInfo), id: answer["key"] });
        } else {
          reject(new UploadError(isRecord(answer) ? String(answer["error"]) : "network"));
        }
      };
      const form = new FormData();
      form.append("file", file, file.name || "file");
      request.send(form);
    });
  }

  /** Resolves once we are welcome; rejects when that takes too long. */
  private online(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.state.connection === "online") return resolve();
      const look = (state: State): void => {
        if (state.connection !== "online") return;
        window.clearTimeout(timer);
        this.listeners.delete(look);
        resolve();
      };
      const timer = window.setTimeout(() => {
        this.listeners.delete(look);
        reject(new UploadError("network"));
      }, ONLINE_MS);
      this.listeners.add(look);
    });
  }

  // -- the wire -------------------------------------------------------------------------------------

  private hello(): unknown {
    const token = this.memory.token;
    const at = this.state.ready ? cursor(this.state) : null;
    return {
      t: "hello",
      v: 1,
      site: this.site,
      resume: token ? { token, conversation: at?.conversation ?? null, last_seq: at?.seq ?? null } : null,
      user: this.user ?? this.memory.claims,
      page: { url: location.origin + location.pathname, title: document.title },
      locale: this.language,
      tz: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "",
    };
  }

  private onFrame(frame: ServerFrame): void {
    if (frame.t === "welcome") {
      if (frame.visitor_token) this.memory.token = frame.visitor_token;
      if (frame.conversation) this.memory.hasTalked = true;
      this.seenSent = this.readSent = { conversation: "", seq: 0 };
    }
    if (frame.t === "file") {
      for (const resolve of this.files.get(frame.key) ?? []) resolve(frame.url);
      this.files.delete(frame.key);
      return;
    }
    this.dispatch({ type: "frame", frame, now: Date.now() });
    if (frame.t === "typing" && frame.on) {
      window.setTimeout(() => this.dispatch({ type: "tick", now: Date.now() }), 6050);
    }
  }

  private keepPending(before: State, after: State): void {
    if (before.pending === after.pending) return;
    const left = new Set(after.pending.map((one) => one.cid));
    for (const one of before.pending) if (!left.has(one.cid)) this.memory.drop(one.cid);
    const was = new Map(before.pending.map((one) => [one.cid, one]));
    for (const one of after.pending) {
      if (one.status === "failed") this.memory.drop(one.cid); // the visitor decides, here and now
      else if (was.get(one.cid)?.status !== one.status) this.memory.keep(one);
    }
  }

  private flush(): void {
    const now = Date.now();
    for (const one of due(this.state, now)) {
      const frame = { t: "send", cid: one.cid, text: one.text, attachments: one.files.map((file) => file.id) };
      if (!this.link.send(frame)) return;
      this.state = reduce(this.state, { type: "wired", cid: one.cid, now });
    }
    window.clearTimeout(this.dueTimer);
    if (this.state.pending.some((one) => one.status === "sending")) {
      this.dueTimer = window.setTimeout(() => this.flush(), 500);
    }
  }

  private confirmSoon(): void {
    if (this.receiptTimer) return;
    this.receiptTimer = window.setTimeout(() => {
      this.receiptTimer = 0;
      this.confirm();
    }, SEEN_MS);
  }

  /** Tell what has arrived, and what was read. The server forgets nothing, so only the highest number counts. */
  private confirm(): void {
    if (this.state.connection !== "online") return;
    const last = lastTheirs(this.state);
    const read = readCursor(this.state);
    const known = { conversation: this.state.chat?.conversation ?? "", seq: this.state.chat?.customer_read_seq ?? 0 };
    const isRead = !!last && compare(last, read) <= 0;
    if (isRead && compare(read, known) > 0 && compare(read, this.readSent) > 0) {
      if (this.link.send({ t: "read", ...read })) this.readSent = read;
    } else if (last && compare(last, known) > 0 && compare(last, this.seenSent) > 0 && compare(last, this.readSent) > 0) {
      const seen = { conversation: last.conversation, seq: last.seq };
      if (this.link.send({ t: "seen", ...seen })) this.seenSent = seen;
    }
  }

  get unread(): number {
    return unread(this.state);
  }
}
