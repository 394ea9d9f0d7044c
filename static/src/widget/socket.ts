// One socket at a time, opened again whenever it is lost and may come back.

import type { ServerFrame } from "./protocol";
import { CLOSE, readFrame } from "./protocol";
import type { Connection } from "./store";

export interface Hooks {
  /** The first frame of every connection. */
  hello(): unknown;
  frame(frame: ServerFrame): void;
  connection(connection: Connection): void;
  tokenExpired(): void;
}

const PING_MS = 25_000;
const PONG_MS = 8_000;
const WELCOME_MS = 15_000;

/** 1 s, 2 s, 4 s ... 30 s, each anywhere in its upper half: a restarted server is not met by everybody at once. */
export function backoff(attempt: number, random: number): number {
  const most = Math.min(30_000, 1000 * 2 ** Math.min(attempt, 10));
  return most / 2 + (most / 2) * random;
}

export class Link {
  private socket: WebSocket | null = null;
  private wanted = false;
  private attempt = 0;
  private retryTimer = 0;
  private pingTimer = 0;
  private pongTimer = 0;
  private welcomed = false;
  private expired = 0;
  private parked: "" | "stopped" | "replaced" = "";

  constructor(
    private readonly url: string,
    private readonly hooks: Hooks,
  ) {
    addEventListener("online", () => this.wake());
    addEventListener("focus", () => this.wake());
    addEventListener("pageshow", () => this.wake());
    addEventListener("offline", () => {
      if (this.socket) this.lost(1006);
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.wake();
    });
  }

  start(): void {
    this.wanted = true;
    if (!this.socket && !this.retryTimer && this.parked !== "stopped") this.connect();
  }

  /** Say hello anew, as somebody else perhaps. */
  restart(): void {
    if (!this.wanted) return;
    this.parked = "";
    this.attempt = 0;
    this.drop();
    this.connect();
  }

  stop(): void {
    this.wanted = false;
    this.drop();
    this.hooks.connection("idle");
  }

  send(frame: unknown): boolean {
    if (!this.welcomed || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** The page is looked at again, or the network is back: an old socket may be long dead without saying so. */
  private wake(): void {
    if (!this.wanted || this.parked === "stopped") return;
    if (this.parked === "replaced") this.parked = "";
    if (this.socket) this.check();
    else {
      this.attempt = 0;
      this.connect();
    }
  }

  private check(): void {
    if (!this.welcomed || this.pongTimer) return;
    this.send({ t: "ping" });
    this.pongTimer = window.setTimeout(() => this.lost(1006), PONG_MS);
  }

  private connect(): void {
    window.clearTimeout(this.retryTimer);
    this.retryTimer = 0;
    if (this.socket) return;
    this.hooks.connection(this.attempt ? "offline" : "connecting");
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.url, ["chat.v1"]);
    } catch {
      this.lost(1006); // the page's policy forbids it
      return;
    }
    this.socket = socket;
    this.welcomed = false;
    this.pongTimer = window.setTimeout(() => this.lost(1006), WELCOME_MS);
    socket.onopen = () => socket.send(JSON.stringify(this.hooks.hello()));
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      const frame = readFrame(event.data);
      if (!frame) return;
      window.clearTimeout(this.pongTimer);
      this.pongTimer = 0;
      if (frame.t === "welcome") {
        this.welcomed = true;
        this.attempt = 0;
        this.expired = 0;
        window.clearInterval(this.pingTimer);
        this.pingTimer = window.setInterval(() => this.check(), PING_MS);
      }
      this.hooks.frame(frame);
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.lost(event.code);
    };
  }

  private drop(): void {
    window.clearTimeout(this.retryTimer);
    window.clearTimeout(this.pongTimer);
    window.clearInterval(this.pingTimer);
    this.retryTimer = this.pongTimer = 0;
    this.welcomed = false;
    const socket = this.socket;
    this.socket = null;
    try {
      socket?.close(1000);
    } catch {
      // it never opened
    }
  }

  private lost(code: number): void {
    this.drop();
    if (!this.wanted) return;
    if (code === CLOSE.siteClosed || code === CLOSE.badHello) {
      this.parked = "stopped";
      this.hooks.connection("stopped");
      return;
    }
    if (code === CLOSE.replaced) {
      this.parked = "replaced";
      this.hooks.connection("replaced");
      return;
    }
    if (code === CLOSE.tokenExpired) {
      this.hooks.tokenExpired();
      if (!this.expired++) {
        this.connect();
        return;
      }
    }
    this.hooks.connection("offline");
    this.retryTimer = window.setTimeout(() => this.connect(), backoff(this.attempt++, Math.random()));
  }
}
