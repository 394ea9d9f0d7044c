/** The live view's state: a board kept by a socket, and a clock that ages are counted by. */

import { parseTime } from "../shared/format";
import { backoff, socketUrl } from "../shared/line";
import { apply, type Board, type Frame } from "./wire";

/** `refused`: the server knows no such workspace for this person. */
export type Line = "connecting" | "live" | "lost" | "closed" | "refused";

const PING_MS = 15_000;
/** The server looks every few seconds but says only what changed; it answers pings. */
const DEAD_MS = 40_000;
const RETRY_MOST_MS = 10_000;

export class Live {
  board = $state.raw<Board | null>(null);
  line = $state<Line>("connecting");
  /** The server's time, as well as this browser knows it. */
  now = $state(Date.now());

  #path: string;
  #socket: WebSocket | null = null;
  #ahead = 0;
  #attempts = 0;
  #heardAt = 0;
  #retry = 0;
  #clock = 0;
  #ping = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Look elsewhere. What was seen so far is dropped at once. */
  turn(path: string): void {
    this.#path = path;
    this.board = null;
    this.line = "connecting";
    this.#attempts = 0;
    this.#connect();
  }

  open(): () => void {
    this.#connect();
    this.#clock = window.setInterval(() => (this.now = Date.now() - this.#ahead), 1000);
    this.#ping = window.setInterval(() => this.#check(), PING_MS);
    const look = (): void => {
      if (document.visibilityState === "visible" && this.line === "lost") this.#connect();
    };
    document.addEventListener("visibilitychange", look);
    window.addEventListener("online", look);
    return () => {
      for (const timer of [this.#clock, this.#ping]) window.clearInterval(timer);
      window.clearTimeout(this.#retry);
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("online", look);
      this.#drop();
    };
  }

  /** Milliseconds since a moment the server told; 0 for none. */
  age(since: string | null): number {
    const at = parseTime(since);
    return at === null ? 0 : Math.max(0, this.now - at);
  }

  receive(text: string): void {
    const frame = JSON.parse(text) as Frame;
    this.#heardAt = Date.now();
    if (frame.type === "bye") {
      this.line = frame.reason === "no_workspace" ? "refused" : "closed";
      this.#drop();
    } else if (frame.type === "state" || frame.type === "changes") {
      this.#ahead = Date.now() - (parseTime(frame.server_time) ?? Date.now());
      this.now = Date.now() - this.#ahead;
      this.board = apply(this.board, frame);
      this.line = "live";
      this.#attempts = 0;
    }
  }

  #connect(): void {
    window.clearTimeout(this.#retry);
    this.#drop();
    const socket = new WebSocket(socketUrl(this.#path));
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.onmessage = (event) => this.receive(String(event.data));
    socket.onclose = () => this.#lost(socket);
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket || this.line === "closed" || this.line === "refused") return;
    this.#drop();
    this.line = "lost";
    this.#retry = window.setTimeout(() => this.#connect(), backoff(this.#attempts++, Math.random, RETRY_MOST_MS));
  }

  #check(): void {
    const socket = this.#socket;
    if (!socket) return;
    if (Date.now() - this.#heardAt > DEAD_MS) this.#lost(socket);
    else if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      if (socket.readyState <= 1) socket.close();
    }
  }
}
