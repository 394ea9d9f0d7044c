/**
 * The console's one socket: connects, notices when it is dead, reconnects with backoff, and matches answers to
 * requests. It knows nothing of conversations; what to subscribe to is asked of `onReady` after every welcome.
 */

import { gettext } from "../shared/i18n";
import { backoff } from "../shared/line";
import { parseFrame, type Command, type Commands, type Result, type ServerFrame, type Welcome } from "./protocol";

export type Connection =
  | { state: "connecting" }
  | { state: "online" }
  | { state: "waiting"; retryAt: number }
  | { state: "offline" }
  | { state: "closed"; reason: string };

/** A rule said no; the message is meant for the agent. */
export class Refused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** No answer: the command may or may not have been carried out. Safe to repeat only with an idempotency key. */
export class NoAnswer extends Error {
  constructor() {
    super(gettext("No connection to the server. Try again when the connection is back."));
  }
}

export interface Wire {
  readyState: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onerror: ((event: Event) => void) | null;
  send(data: string): void;
  close(code?: number): void;
}

export interface SocketOptions {
  open: () => Wire;
  onConnection: (connection: Connection) => void;
  onWelcome: (welcome: Welcome) => void;
  /** Sends the subscription; called after every welcome. */
  onReady: () => void;
  onFrame: (frame: ServerFrame) => void;
  /** Called when attempts keep failing before a welcome: is the session still good? False stops the attempts. */
  stillSignedIn?: () => Promise<boolean>;
  random?: () => number;
}

export const PING_EVERY = 20_000;
export const PONG_WITHIN = 10_000;
export const WELCOME_WITHIN = 10_000;
export const ANSWER_WITHIN = 12_000;
/** Close codes of the server's. */
const NOT_SIGNED_IN = 4401;
const WRONG_ORIGIN = 4403;

interface Waiting {
  resolve: (value: never) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

type Timer = ReturnType<typeof setTimeout> | undefined;

export class ConsoleSocket {
  connection: Connection = { state: "connecting" };

  #options: SocketOptions;
  #wire: Wire | null = null;
  #requests = new Map<string, Waiting>();
  #lastId = 0;
  #attempts = 0;
  #heardAt = 0;
  #retry: Timer;
  #beat: Timer;
  #deadline: Timer;
  #stopped = false;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopped = false;
    if (typeof window !== "undefined") {
      window.addEventListener("online", this.#onOnline);
      window.addEventListener("offline", this.#onOffline);
      document.addEventListener("visibilitychange", this.#onVisible);
    }
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    if (typeof window !== "undefined") {
      window.removeEventListener("online", this.#onOnline);
      window.removeEventListener("offline", this.#onOffline);
      document.removeEventListener("visibilitychange", this.#onVisible);
    }
    clearTimeout(this.#retry);
    this.#drop();
  }

  /** The agent pressed "try now". */
  retryNow(): void {
    if (this.connection.state === "online" || this.#stopped) return;
    this.#attempts = 0;
    this.#connect();
  }

  /** Sends a command. Rejects with `Refused`, or `NoAnswer` when the line is or goes down. */
  request<C extends Command>(type: C, payload: Commands[C], within = ANSWER_WITHIN): Promise<Result<C>> {
    if (this.connection.state !== "online" || !this.#wire) return Promise.reject(new NoAnswer());
    const id = String(++this.#lastId);
    return new Promise<Result<C>>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#requests.delete(id);
        reject(new NoAnswer());
        this.#probe(); // silence after a command is a reason to doubt the line
      }, within);
      this.#requests.set(id, { resolve: resolve as (value: never) => void, reject, timer });
      this.#send({ type, id, ...payload });
    });
  }

  /** Sends a command whose answer nobody waits for (typing, read marks): lost when offline. */
  tell<C extends Command>(type: C, payload: Commands[C]): void {
    if (this.connection.state === "online") this.#send({ type, id: String(++this.#lastId), ...payload });
  }

  #send(frame: Record<string, unknown>): void {
    try {
      this.#wire?.send(JSON.stringify(frame));
    } catch {
      this.#lost();
    }
  }

  #set(connection: Connection): void {
    this.connection = connection;
    this.#options.onConnection(connection);
  }

  #connect(): void {
    clearTimeout(this.#retry);
    this.#drop();
    if (this.#stopped) return;
    this.#set({ state: "connecting" });
    let wire: Wire;
    try {
      wire = this.#options.open();
    } catch {
      this.#lost();
      return;
    }
    this.#wire = wire;
    this.#deadline = setTimeout(() => this.#lost(), WELCOME_WITHIN);
    wire.onmessage = (event) => this.#receive(String(event.data));
    wire.onclose = (event) => this.#lost(event.code);
    wire.onerror = null;
  }

  #receive(text: string): void {
    this.#heardAt = Date.now();
    const frame = parseFrame(text);
    if (!frame) return;
    switch (frame.type) {
      case "welcome":
        clearTimeout(this.#deadline);
        this.#attempts = 0;
        this.#options.onWelcome(frame);
        this.#set({ state: "online" });
        this.#beat = setTimeout(() => this.#probe(), PING_EVERY);
        this.#options.onReady();
        return;
      case "ok":
        this.#answer(frame.id)?.resolve(frame as never);
        return;
      case "refused":
        this.#answer(frame.id)?.reject(new Refused(frame.code, frame.message));
        return;
      case "error":
        if (frame.id) this.#answer(frame.id)?.reject(new Refused(frame.code, frame.message));
        return;
      case "pong":
        return;
      case "poke":
        this.#send({ type: "ping" });
        return;
      case "bye":
        this.#bye(frame.reason);
        return;
      default:
        this.#options.onFrame(frame);
    }
  }

  #answer(id: string): Waiting | undefined {
    const waiting = this.#requests.get(id);
    if (waiting) {
      clearTimeout(waiting.timer);
      this.#requests.delete(id);
    }
    return waiting;
  }

  #bye(reason: string): void {
    if (reason === "signed_out" || reason === "wrong_origin") this.#close(reason);
    else this.#lost();
  }

  #close(reason: string): void {
    this.#drop();
    this.#stopped = true;
    this.#set({ state: "closed", reason });
  }

  /** Asks for a sign of life and gives the server a few seconds; a dead line is replaced, not waited for. */
  #probe(within = PONG_WITHIN): void {
    clearTimeout(this.#beat);
    clearTimeout(this.#deadline);
    if (this.connection.state !== "online") return;
    const askedAt = Date.now();
    this.#send({ type: "ping", id: String(++this.#lastId) });
    this.#deadline = setTimeout(() => {
      if (this.#heardAt < askedAt) this.#lost();
    }, within);
    this.#beat = setTimeout(() => this.#probe(), PING_EVERY);
  }

  /** Lets go of the socket without waiting for its close handshake, which a dead network never finishes. */
  #drop(): void {
    clearTimeout(this.#beat);
    clearTimeout(this.#deadline);
    const wire = this.#wire;
    this.#wire = null;
    if (wire) {
      wire.onopen = wire.onmessage = wire.onclose = wire.onerror = null;
      if (wire.readyState <= 1) wire.close();
    }
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    for (const waiting of requests) {
      clearTimeout(waiting.timer);
      waiting.reject(new NoAnswer());
    }
  }

  #lost(code = 0): void {
    const neverWelcomed = this.connection.state === "connecting";
    this.#drop();
    if (this.#stopped) return;
    if (code === NOT_SIGNED_IN || code === WRONG_ORIGIN) {
      this.#close(code === NOT_SIGNED_IN ? "signed_out" : "wrong_origin");
      return;
    }
    if (typeof navigator !== "undefined" && navigator.onLine === false) {
      this.#set({ state: "offline" });
      return;
    }
    const delay = backoff(this.#attempts++, this.#options.random);
    this.#set({ state: "waiting", retryAt: Date.now() + delay });
    this.#retry = setTimeout(() => this.#connect(), delay);
    if (neverWelcomed && this.#attempts > 1) void this.#checkSession();
  }

  async #checkSession(): Promise<void> {
    const good = (await this.#options.stillSignedIn?.()) ?? true;
    if (!good && this.connection.state !== "online" && !this.#stopped) {
      clearTimeout(this.#retry);
      this.#close("signed_out");
    }
  }

  #onOnline = (): void => this.retryNow();

  #onOffline = (): void => {
    clearTimeout(this.#retry);
    this.#drop();
    if (!this.#stopped) this.#set({ state: "offline" });
  };

  /** After sleep the socket often looks open and is dead: ask at once, with little patience. */
  #onVisible = (): void => {
    if (document.visibilityState !== "visible" || this.#stopped) return;
    if (this.connection.state === "online") this.#probe(4_000);
    else this.retryNow();
  };
}
