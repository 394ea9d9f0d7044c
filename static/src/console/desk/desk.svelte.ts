/**
 * The agent's desk: everything the screen shows and every command it gives, in one place. Components read its fields
 * and call its methods; what arrives from the server changes it through the pure reducers in `state/`.
 */

import { getContext, setContext } from "svelte";
import { setCsrfToken } from "../../shared/http";
import { socketUrl } from "../../shared/line";
import { api } from "../api";
import type { ConsoleConfig } from "../config";
import type { Disposition, EventFrame, Me, Message, Reservation, ServerFrame, Welcome } from "../protocol";
import { ConsoleSocket, Refused, type Connection } from "../socket";
import { fillPlaceholders } from "../state/canned";
import { reachedStart, type ConversationState } from "../state/conversation";
import { customerName, waitingSince } from "../state/reading";
import { accepted, conversationOf, offers, type WorkerState } from "../state/worker";
import { Alerts } from "./alerts";
import { Announcer, RING_EVERY } from "./announcer";
import { attempt } from "./attempt";
import { Canned } from "./canned.svelte";
import { clock } from "./clock.svelte";
import { prefs } from "./prefs.svelte";
import { Presence } from "./presence.svelte";
import { Reads } from "./reads.svelte";
import { Streams } from "./streams.svelte";
import { Tabs } from "./tabs.svelte";
import { toasts } from "./toasts.svelte";
import { transferWords } from "./words";
import { Work } from "./work.svelte";
import { Writing } from "./writing.svelte";

/** A conversation of the agent's, as the list shows it. The state is missing until its snapshot has come. */
export interface Mine {
  sid: string;
  reservation: Reservation;
  state: ConversationState | undefined;
}

export class Desk {
  config: ConsoleConfig;
  me = $state.raw<Me>({ sid: "", name: "", username: "", language: "en", theme: "system", is_supervisor: false });
  connection = $state.raw<Connection>({ state: "connecting" });
  dispositions = $state.raw<Disposition[]>([]);
  workerSid = $state<string | null>(null);

  readonly tabs = new Tabs();
  readonly presence = new Presence();
  readonly canned = new Canned();
  readonly alerts = new Alerts();
  readonly socket: ConsoleSocket;
  readonly streams: Streams;
  readonly reads: Reads;
  readonly writing: Writing;
  readonly work: Work;
  readonly #announcer: Announcer;

  #loadingOlder = new Set<string>();
  #timers: ReturnType<typeof setInterval>[] = [];

  constructor(config: ConsoleConfig) {
    this.config = config;
    this.me = { ...this.me, ...config.user, language: config.language, theme: config.theme };
    this.socket = new ConsoleSocket({
      open: () => new WebSocket(socketUrl(config.ws_path)),
      onConnection: (connection) => this.#onConnection(connection),
      onWelcome: (welcome) => this.#onWelcome(welcome),
      onReady: () => void this.#onReady(),
      onFrame: (frame) => this.#onFrame(frame),
      stillSignedIn,
    });
    this.streams = new Streams({
      subscribe: (payload) => this.socket.request("subscribe", payload),
      unsubscribe: (conversation) => this.socket.tell("unsubscribe", { conversation }),
      openConversations: () => this.tabs.open,
      onWorker: (before, after, event) => {
        this.#announcer.offersChanged(offers(before), offers(after));
        const words = event && transferWords(event);
        if (words) toasts.show(event.event === "task.transfer-completed" ? "good" : "info", words);
      },
      onConversation: (sid, after, event) => this.#onConversation(sid, after, event),
    });
    this.reads = new Reads({
      userSid: () => this.me.sid,
      tell: (conversation, seq) => this.socket.tell("conversation.read", { conversation, seq }),
    });
    this.writing = new Writing(this.socket, config.user.sid);
    this.work = new Work(this.socket, {
      open: (sid) => this.open(sid),
      close: (sid) => this.close(sid),
      completed: (sid) => this.writing.drafts.drop(sid),
    });
    this.#announcer = new Announcer(this.alerts, {
      offers: () => this.offers,
      unread: () => this.unreadTotal,
      openInbox: () => (this.tabs.pane = "inbox"),
      openConversation: (sid) => this.open(sid),
      isLookedAt: (sid) => this.tabs.active === sid && document.visibilityState === "visible" && document.hasFocus(),
    });
  }

  start(): void {
    clock.start();
    this.alerts.sound = prefs.sound;
    this.alerts.start();
    this.tabs.restore();
    this.#timers = [
      setInterval(() => this.presence.sweep(), 1000),
      setInterval(() => this.connection.state === "online" && this.#announcer.remind(), RING_EVERY),
    ];
    window.addEventListener("beforeunload", this.#onLeaving);
    this.socket.start();
    api.drafts().then(
      (drafts) => drafts.forEach((one) => this.writing.drafts.receive(one.conversation, one.text)),
      () => {}, // drafts of other tabs and days are a comfort, not a condition
    );
  }

  stop(): void {
    this.socket.stop();
    this.alerts.stop();
    clock.stop();
    this.#timers.forEach((timer) => clearInterval(timer));
    window.removeEventListener("beforeunload", this.#onLeaving);
  }

  // ---- what the screen reads ----------------------------------------------------------------------

  get worker(): WorkerState | null {
    return this.streams.worker;
  }

  get offers(): Reservation[] {
    return offers(this.streams.worker);
  }

  get mine(): Mine[] {
    return accepted(this.streams.worker).flatMap((reservation) => {
      const sid = conversationOf(reservation);
      return sid ? [{ sid, reservation, state: this.streams.conversations.get(sid) }] : [];
    });
  }

  get unreadTotal(): number {
    return this.mine.reduce((sum, one) => sum + this.reads.unread(one.state), 0);
  }

  reservationOf(sid: string): Reservation | undefined {
    return accepted(this.streams.worker).find((one) => conversationOf(one) === sid);
  }

  isMine(sid: string): boolean {
    return this.reservationOf(sid) !== undefined;
  }

  waitingSince(sid: string): number | null {
    const state = this.streams.conversations.get(sid);
    return state ? waitingSince(state, this.reservationOf(sid)?.accepted_at ?? null) : null;
  }

  nameOf(sid: string): string {
    const state = this.streams.conversations.get(sid);
    if (state) return customerName(state.conversation);
    return this.reservationOf(sid)?.conversation?.contact.name ?? "";
  }

  /** A canned reply with the names at hand. */
  fill(sid: string, text: string): string {
    return fillPlaceholders(text, { "contact.name": this.nameOf(sid), "agent.name": this.me.name });
  }

  // ---- opening and reading ------------------------------------------------------------------------

  open(sid: string): void {
    if (this.tabs.active !== sid) this.#leave(this.tabs.active);
    this.tabs.show(sid);
    this.#enter(sid);
    this.streams.follow();
  }

  close(sid: string): void {
    this.#leave(sid);
    this.tabs.close(sid);
    if (this.tabs.active) this.#enter(this.tabs.active);
    this.streams.follow();
  }

  toggleBeside(sid: string): void {
    this.tabs.toggleBeside(sid);
    this.streams.follow();
  }

  /** Next or previous: through my conversations and whatever else is open. */
  step(by: 1 | -1): void {
    const all = [...new Set([...this.mine.map((one) => one.sid), ...this.tabs.open])];
    if (!all.length) return;
    const at = this.tabs.active ? all.indexOf(this.tabs.active) : -1;
    this.open(all[(at + by + all.length) % all.length]!);
  }

  markRead(sid: string): void {
    const state = this.streams.conversations.get(sid);
    if (state && this.reads.mark(state)) this.#announcer.read(sid);
  }

  /** One page of history more. False: there is none, or it is on its way. */
  async loadOlder(sid: string): Promise<boolean> {
    const state = this.streams.conversations.get(sid);
    if (!state || reachedStart(state) || this.#loadingOlder.has(sid)) return false;
    this.#loadingOlder.add(sid);
    try {
      this.streams.addOlder(sid, await api.messagesBefore(sid, state.messages[0]!.seq));
      return true;
    } catch (error) {
      toasts.error(error);
      return false;
    } finally {
      this.#loadingOlder.delete(sid);
    }
  }

  // ---- commands -----------------------------------------------------------------------------------

  setActivity(activity: string): Promise<boolean> {
    return attempt(() => this.socket.request("activity.set", { activity }));
  }

  send(sid: string, mode: "reply" | "note", text: string): void {
    const messages = this.streams.conversations.get(sid)?.messages ?? [];
    this.writing.send(sid, mode, text, messages[messages.length - 1]?.seq ?? 0);
    this.reads.leave(sid);
  }

  retryMessage(message: Message): Promise<boolean> {
    return attempt(() => this.socket.request("message.retry", { message: message.sid }));
  }

  // ---- what the server says -----------------------------------------------------------------------

  #onConnection(connection: Connection): void {
    this.connection = connection;
    if (connection.state !== "online") this.writing.outbox.setOnline(false);
  }

  #onWelcome(welcome: Welcome): void {
    this.me = welcome.user;
    this.workerSid = welcome.worker_sid;
    this.dispositions = welcome.dispositions;
    clock.setServerTime(welcome.server_time);
    setCsrfToken(welcome.csrf ?? "");
  }

  async #onReady(): Promise<void> {
    try {
      await this.streams.resume(this.workerSid !== null);
    } catch (error) {
      if (error instanceof Refused) toasts.error(error);
      return; // the line broke again; the next welcome comes back here
    }
    if (this.tabs.active) this.#enter(this.tabs.active);
    this.writing.outbox.setOnline(true);
    this.writing.drafts.flush();
  }

  #onFrame(frame: ServerFrame): void {
    switch (frame.type) {
      case "event":
      case "snapshot":
      case "gone":
        this.streams.take(frame);
        break;
      case "typing":
        this.presence.set(frame.conversation, frame.who, frame.user_sid ?? "", frame.name ?? "", frame.active);
        break;
      case "composing":
        this.presence.set(frame.conversation, "user", frame.user_sid, frame.name, frame.active ?? true);
        break;
      case "draft":
        this.writing.drafts.receive(frame.conversation, frame.text);
        break;
      case "read":
        this.reads.receive(frame.conversation, frame.seq);
        this.#announcer.read(frame.conversation);
        break;
    }
  }

  #onConversation(sid: string, after: ConversationState, event: EventFrame | null): void {
    this.writing.outbox.reconcile(sid, after.messages);
    const message = event?.event === "message.added" ? event.data.message : undefined;
    if (message?.direction === "in") {
      this.presence.stop(sid, "customer");
      if (this.isMine(sid) && message.seq > this.reads.of(after)) this.#announcer.message(after, message);
    }
    if (message?.direction === "out") this.presence.stop(sid, "user");
    if (!event && this.tabs.active === sid) this.#enter(sid);
    this.#announcer.badge();
  }

  #enter(sid: string): void {
    const state = this.streams.conversations.get(sid);
    if (state) this.reads.enter(state);
  }

  #leave(sid: string | null): void {
    if (!sid) return;
    this.reads.leave(sid);
    this.writing.stopTyping(sid);
  }

  /** Closing the window with something unsent in it deserves a question. */
  #onLeaving = (event: BeforeUnloadEvent): void => {
    const unsent = this.writing.outbox.items.some((item) => item.state === "waiting" || item.state === "sending");
    if (unsent && this.connection.state !== "online") event.preventDefault();
  };
}

async function stillSignedIn(): Promise<boolean> {
  try {
    const answer = await fetch("/api/drafts/", { credentials: "same-origin", redirect: "manual" });
    return !(answer.status === 401 || answer.status === 403 || answer.type === "opaqueredirect");
  } catch {
    return true; // no server at all says nothing about the session
  }
}

const DESK = Symbol("desk");

export function provideDesk(desk: Desk): void {
  setContext(DESK, desk);
}

export function getDesk(): Desk {
  return getContext<Desk>(DESK);
}
