/** One open simulator: its newest state, kept fresh by a socket that says "look" and a slow poll behind it. */

import { HttpError } from "../shared/http";
import { socketUrl } from "../shared/line";
import { act, addPersona, fetchState, type Bubble, type Done, type Persona, type State } from "./wire";

const POLL_MS = 3000;
const RECONNECT_MS = 2000;

export class Session {
  state = $state.raw<State | null>(null);
  chosen = $state("");
  problem = $state("");
  isBusy = $state(false);

  readonly slug: string;
  #socket: WebSocket | null = null;
  #poll = 0;
  #retry = 0;
  #isFetching = false;
  #mustFetch = false;
  #reading = "";

  constructor(slug: string) {
    this.slug = slug;
  }

  get persona(): Persona | undefined {
    return this.state?.personas.find((one) => one.address === this.chosen) ?? this.state?.personas[0];
  }

  get chat(): Bubble[] {
    return (this.persona && this.state?.chats[this.persona.address]) ?? [];
  }

  open(): () => void {
    const look = (): void => void this.look();
    look();
    this.#connect();
    this.#poll = window.setInterval(look, POLL_MS);
    document.addEventListener("visibilitychange", look);
    return () => {
      window.clearInterval(this.#poll);
      window.clearTimeout(this.#retry);
      document.removeEventListener("visibilitychange", look);
      const socket = this.#socket;
      this.#socket = null;
      socket?.close();
    };
  }

  #connect(): void {
    const socket = new WebSocket(socketUrl(`/channels/${this.slug}/simulator/ws`));
    this.#socket = socket;
    socket.onmessage = () => void this.look();
    socket.onopen = () => void this.look();
    socket.onclose = () => {
      if (this.#socket === socket) this.#retry = window.setTimeout(() => this.#connect(), RECONNECT_MS);
    };
  }

  /** Fetch what is new. While one fetch runs, further hints become one more. */
  async look(): Promise<void> {
    this.#mustFetch = true;
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      while (this.#mustFetch) {
        this.#mustFetch = false;
        const fresh = await fetchState(this.slug, this.state?.version ?? null);
        if (fresh) this.state = fresh;
      }
      await this.#read();
    } catch {
      // The server is away: the poll tries again.
    } finally {
      this.#isFetching = false;
    }
  }

  /** The phone shows this chat to somebody: the provider tells the contact center. */
  async #read(): Promise<void> {
    const persona = this.persona;
    if (!persona?.unread || document.visibilityState !== "visible" || this.#reading === persona.address) return;
    this.#reading = persona.address;
    try {
      await act(this.slug, persona.address, "read", {});
    } finally {
      this.#reading = "";
    }
  }

  choose(address: string): void {
    this.chosen = address;
    void this.look();
  }

  /** What the chosen person does. The door's answer, or null after a problem that `problem` tells. */
  async do(action: string, data: object = {}): Promise<Done | null> {
    const persona = this.persona;
    if (!persona) return null;
    this.isBusy = true;
    this.problem = "";
    try {
      return await act(this.slug, persona.address, action, data);
    } catch (error) {
      this.problem = error instanceof HttpError ? error.message : String(error);
      return null;
    } finally {
      this.isBusy = false;
      await this.look();
    }
  }

  async meet(name: string, language: string): Promise<boolean> {
    try {
      const { address } = await addPersona(this.slug, name, language);
      await this.look();
      this.choose(address);
      return true;
    } catch (error) {
      this.problem = error instanceof HttpError ? error.message : String(error);
      return false;
    }
  }
}
