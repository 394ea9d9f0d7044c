/**
 * The agent's desk: everything the screen shows and every command it gives, in one place. Components read its fields
 * and call its methods; what arrives from the server changes it through the pure reducers in `state/`.
 */

import { getContext, setContext } from "svelte";
import { SvelteMap } from "svelte/reactivity";
import { parseTime } from "../../shared/format";
import { setCsrfToken } from "../../shared/http";
import { gettext, interpolate, ngettext } from "../../shared/i18n";
import { newKey } from "../../shared/keys";
import { api } from "../api";
import { socketUrl, type ConsoleConfig } from "../config";
import type { Disposition, EventFrame, Me, Message, Reservation, ServerFrame, Welcome } from "../protocol";
import { ConsoleSocket, Refused, type Connection } from "../socket";
import { fillPlaceholders } from "../state/canned";
import { reachedStart, type ConversationState } from "../state/conversation";
import { customerName, readSeq, unreadCount, waitingSince } from "../state/reading";
import { accepted, conversationOf, offers, type WorkerState } from "../state/worker";
import { Alerts } from "./alerts";
import { Canned } from "./canned.svelte";
import { clock } from "./clock.svelte";
import { Drafts } from "./drafts.svelte";
import { Outbox, type Outgoing } from "./outbox.svelte";
import { prefs } from "./prefs.svelte";
import { Presence } from "./presence.svelte";
import { Streams } from "./streams.svelte";
import { Tabs } from "./tabs.svelte";
import { toasts } from "./toasts.svelte";
import { Uploads } from "./uploads.svelte";

/** A conversation of the agent's, as the list shows it. The state is missing until its snapshot has come. */
export interface Mine {
  sid: string;
  reservation: Reservation;
  state: ConversationState | undefined;
}

const TYPING_EVERY = 3_000;
/** An offer nobody has answered rings again. */
const RING_EVERY = 8_000;

export class Desk {
  config: ConsoleConfig;
  me = $state.raw<Me>({ sid: "", name: "", username: "", language: "en", theme: "system", is_supervisor: false });
  connection = $state.raw<Connection>({ state: "connecting" });
  dispositions = $state.raw<Disposition[]>([]);
  workerSid = $state<string | null>(null);
  /** Reservations being answered: their buttons wait. */
  answering = new SvelteMap<string, "accept" | "reject">();
  /** What is written as an internal note: kept apart from the draft, so that it can never go out as a reply. */
  noteTexts = new SvelteMap<string, string>();
  /** Where "new messages" begins in an open conversation, fixed while it is looked at. */
  newAfter = new SvelteMap<string, number>();

  readonly tabs = new Tabs();
  readonly presence = new Presence();
  readonly uploads = new Uploads();
  readonly alerts = new Alerts();
  readonly canned = new Canned();
  readonly streams: Streams;
  readonly drafts: Drafts;
  readonly outbox: Outbox;
  readonly socket: ConsoleSocket;

  #reads = new SvelteMap<string, number>();
  #typing = new Map<string, number>();
  #loadingOlder = new Set<string>();
  #sweeper: ReturnType<typeof setInterval> | undefined;
  #ringer: ReturnType<typeof setInterval> | undefined;

  constructor(config: ConsoleConfig) {
    this.config = config;
    this.me = { ...this.me, ...config.user, language: config.language, theme: config.theme };
    this.socket = new ConsoleSocket({
      open: () => new WebSocket(socketUrl(config.ws_path)),
      onConnection: (connection) => this.#onConnection(connection),
      onWelcome: (welcome) => this.#onWelcome(welcome),
      onReady: () => void this.#onReady(),
      onFrame: (frame) => this.#onFrame(frame),
      stillSignedIn: () => this.#stillSignedIn(),
    });
    this.streams = new Streams({
      subscribe: (payload) => this.socket.request("subscribe", payload),
      unsubscribe: (conversation) => this.socket.tell("unsubscribe", { conversation }),
      openConversations: () => this.tabs.open,
      onWorker: (before, after) => this.#onWorker(before, after),
      onConversation: (sid, after, event) => this.#onConversation(sid, after, event),
    });
    this.drafts = new Drafts({
      save: (conversation, text) => this.socket.request("draft.save", { conversation, text }),
    });
    const storageKey = `contactcenter.console.outbox.${config.user.sid}`;
    this.outbox = new Outbox({
      send: (item) => this.#deliver(item),
      load: () => sessionStorage.getItem(storageKey),
      save: (text) => sessionStorage.setItem(storageKey, text),
    });
  }

  start(): void {
    clock.start();
    this.alerts.sound = prefs.sound;
    this.alerts.start();
    this.tabs.restore();
    this.#sweeper = setInterval(() => this.presence.sweep(), 1000);
    this.#ringer = setInterval(() => this.#remind(), RING_EVERY);
    window.addEventListener("beforeunload", this.#onLeaving);
    this.socket.start();
    api.drafts().then(
      (drafts) => drafts.forEach((one) => this.drafts.receive(one.conversation, one.text)),
      () => {}, // drafts of other tabs and days are a comfort, not a condition
    );
  }

  stop(): void {
    this.socket.stop();
    this.alerts.stop();
    clock.stop();
    clearInterval(this.#sweeper);
    clearInterval(this.#ringer);
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

  reservationOf(sid: string): Reservation | undefined {
    return accepted(this.streams.worker).find((one) => conversationOf(one) === sid);
  }

  isMine(sid: string): boolean {
    return this.reservationOf(sid) !== undefined;
  }

  readSeq(state: ConversationState): number {
    return Math.max(readSeq(state, this.me.sid), this.#reads.get(state.conversation.sid) ?? 0);
  }

  unread(state: ConversationState | undefined): number {
    return state ? unreadCount(state, this.readSeq(state)) : 0;
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

  get unreadTotal(): number {
    return this.mine.reduce((sum, one) => sum + this.unread(one.state), 0);
  }

  // ---- opening and reading ------------------------------------------------------------------------

  open(sid: string): void {
    this.#leave(this.tabs.active);
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

  /** Everything that is loaded has been on the screen of a person who was looking. */
  markRead(sid: string): void {
    const state = this.streams.conversations.get(sid);
    const last = state?.messages[state.messages.length - 1]?.seq ?? 0;
    if (!state || last <= this.readSeq(state)) return;
    this.#reads.set(sid, last);
    this.socket.tell("conversation.read", { conversation: sid, seq: last });
    this.alerts.withdraw(`message-${sid}`);
    this.#badge();
  }

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

  // ---- offers and activity ------------------------------------------------------------------------

  async accept(reservation: Reservation): Promise<void> {
    const done = await this.#answer(reservation, "accept", () =>
      this.socket.request("reservation.accept", { reservation: reservation.sid }),
    );
    const sid = done ? ((done["conversation"] as string | null) ?? conversationOf(reservation)) : null;
    if (sid) this.open(sid);
  }

  async reject(reservation: Reservation): Promise<void> {
    const done = await this.#answer(reservation, "reject", () =>
      this.socket.request("reservation.reject", { reservation: reservation.sid }),
    );
    if (done) toasts.show("info", gettext("Rejected. It goes to the next available agent."));
  }

  async #answer<T>(reservation: Reservation, how: "accept" | "reject", ask: () => Promise<T>): Promise<T | null> {
    if (this.answering.has(reservation.sid)) return null;
    this.answering.set(reservation.sid, how);
    try {
      return await ask();
    } catch (error) {
      toasts.error(error);
      return null;
    } finally {
      this.answering.delete(reservation.sid);
    }
  }

  setActivity(activity: string): Promise<boolean> {
    return this.#do(() => this.socket.request("activity.set", { activity }));
  }

  // ---- writing ------------------------------------------------------------------------------------

  /** Sends what is in the draft with the uploaded files, or keeps it as a note. The bubble is there at once. */
  send(sid: string, mode: Outgoing["mode"], text: string, replyTo: string | null = null): void {
    const state = this.streams.conversations.get(sid);
    const files = mode === "reply" ? this.uploads.take(sid) : [];
    this.outbox.add({
      key: newKey(),
      conversation: sid,
      mode,
      text,
      files,
      replyTo,
      seenSeq: state?.messages[state.messages.length - 1]?.seq ?? 0,
      at: new Date(clock.now).toISOString(),
    });
    if (mode === "note") this.noteTexts.delete(sid);
    else this.drafts.clear(sid);
    this.stopTyping(sid);
    this.newAfter.delete(sid);
  }

  /** Takes back what a colleague's answer made doubtful, for rewriting. */
  takeBack(key: string): void {
    const item = this.outbox.discard(key);
    if (!item) return;
    const { conversation, mode, text } = item;
    const typed = mode === "note" ? (this.noteTexts.get(conversation) ?? "") : this.drafts.of(conversation);
    const both = [text, typed].filter(Boolean).join("\n");
    if (mode === "note") this.noteTexts.set(conversation, both);
    else this.drafts.write(conversation, both);
  }

  retryMessage(message: Message): Promise<boolean> {
    return this.#do(() => this.socket.request("message.retry", { message: message.sid }));
  }

  typing(sid: string): void {
    const now = Date.now();
    if (now - (this.#typing.get(sid) ?? 0) < TYPING_EVERY) return;
    this.#typing.set(sid, now);
    this.socket.tell("typing", { conversation: sid, active: true });
  }

  stopTyping(sid: string): void {
    if (this.#typing.delete(sid)) this.socket.tell("typing", { conversation: sid, active: false });
  }

  fill(sid: string, text: string): string {
    return fillPlaceholders(text, { "contact.name": this.nameOf(sid), "agent.name": this.me.name });
  }

  // ---- ending -------------------------------------------------------------------------------------

  requeue(sid: string, note: string): Promise<boolean> {
    return this.#finish(sid, gettext("Returned to the queue."), () =>
      this.socket.request("conversation.requeue", { conversation: sid, ...(note ? { note } : {}) }),
    );
  }

  wrapUp(sid: string): Promise<boolean> {
    return this.#do(() => this.socket.request("task.wrapup", { conversation: sid }));
  }

  complete(sid: string, disposition: string, note: string): Promise<boolean> {
    return this.#finish(sid, gettext("Completed."), () =>
      this.socket.request("task.complete", { conversation: sid, disposition, ...(note ? { note } : {}) }),
    );
  }

  watch(sid: string): Promise<boolean> {
    return this.#do(() => this.socket.request("conversation.watch", { conversation: sid }));
  }

  unwatch(sid: string): Promise<boolean> {
    return this.#do(() => this.socket.request("conversation.unwatch", { conversation: sid }));
  }

  async #finish(sid: string, words: string, ask: () => Promise<unknown>): Promise<boolean> {
    const done = await this.#do(ask);
    if (done) {
      this.close(sid);
      toasts.show("good", words, { label: gettext("Open again"), run: () => this.open(sid) });
    }
    return done;
  }

  async #do(ask: () => Promise<unknown>): Promise<boolean> {
    try {
      await ask();
      return true;
    } catch (error) {
      toasts.error(error);
      return false;
    }
  }

  async #deliver(item: Outgoing): Promise<Message> {
    const { conversation, key, text } = item;
    if (item.mode === "note") return (await this.socket.request("note.add", { conversation, key, text })).message;
    const answer = await this.socket.request("message.send", {
      conversation,
      key,
      text,
      attachments: item.files.map((file) => file.key),
      reply_to: item.replyTo,
      seen_seq: item.seenSeq,
      force: item.force,
    });
    return answer.message;
  }

  // ---- what the server says -----------------------------------------------------------------------

  #onConnection(connection: Connection): void {
    this.connection = connection;
    if (connection.state !== "online") this.outbox.setOnline(false);
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
    this.outbox.setOnline(true);
    this.drafts.flush();
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
        this.drafts.receive(frame.conversation, frame.text);
        break;
      case "read":
        this.#reads.set(frame.conversation, Math.max(frame.seq, this.#reads.get(frame.conversation) ?? 0));
        this.alerts.withdraw(`message-${frame.conversation}`);
        this.#badge();
        break;
    }
  }

  #onWorker(before: WorkerState | null, after: WorkerState): void {
    const known = new Set(offers(before).map((one) => one.sid));
    const now = offers(after);
    for (const offer of now) if (!known.has(offer.sid)) this.#ring(offer);
    const live = new Set(now.map((one) => one.sid));
    for (const sid of known) if (!live.has(sid)) this.alerts.withdraw(`offer-${sid}`);
    this.#badge();
  }

  #onConversation(sid: string, after: ConversationState, event: EventFrame | null): void {
    this.outbox.reconcile(sid, after.messages);
    const message = event?.event === "message.added" ? event.data.message : undefined;
    if (message?.direction === "in") {
      this.presence.stop(sid, "customer");
      if (this.isMine(sid) && message.seq > this.readSeq(after)) this.#announce(after, message);
    }
    if (message?.direction === "out") this.presence.stop(sid, "user");
    if (!event && this.tabs.active === sid) this.#enter(sid);
    this.#badge();
  }

  #ring(offer: Reservation, times = 0): void {
    const name = offer.conversation?.contact.name || gettext("A customer");
    this.alerts.notify({
      id: `offer-${offer.sid}-${times}`,
      group: `offer-${offer.sid}`,
      kind: "offer",
      isReminder: times > 0,
      title: interpolate(gettext("%(name)s is waiting for you"), { name }),
      body: offer.conversation?.last_message_text || offer.task.queue?.name || "",
      open: () => (this.tabs.pane = "inbox"),
    });
  }

  /** Numbered by the offer's age, so that the tabs of one agent agree on which ring this is. */
  #remind(): void {
    if (this.connection.state !== "online") return;
    for (const offer of this.offers) {
      const age = clock.now - (parseTime(offer.created_at) ?? clock.now);
      if (age > RING_EVERY / 2) this.#ring(offer, Math.round(age / RING_EVERY));
    }
  }

  /** Closing the window with something unsent in it deserves a question. */
  #onLeaving = (event: BeforeUnloadEvent): void => {
    const unsent = this.outbox.items.some((item) => item.state === "waiting" || item.state === "sending");
    if (unsent && this.connection.state !== "online") event.preventDefault();
  };

  #announce(state: ConversationState, message: Message): void {
    const sid = state.conversation.sid;
    const looking = this.tabs.active === sid && document.visibilityState === "visible" && document.hasFocus();
    if (looking) return;
    this.alerts.notify({
      id: `message-${sid}-${message.seq}`,
      group: `message-${sid}`,
      kind: "message",
      title: customerName(state.conversation),
      body: message.text || gettext("sent a file"),
      open: () => this.open(sid),
    });
  }

  #badge(): void {
    this.alerts.badge(this.offers.length + this.unreadTotal);
  }

  #enter(sid: string): void {
    const state = this.streams.conversations.get(sid);
    if (state && !this.newAfter.has(sid)) {
      const read = this.readSeq(state);
      if (unreadCount(state, read) > 0 && read > 0) this.newAfter.set(sid, read);
    }
  }

  #leave(sid: string | null): void {
    if (!sid) return;
    this.newAfter.delete(sid);
    this.stopTyping(sid);
  }

  async #stillSignedIn(): Promise<boolean> {
    try {
      const answer = await fetch("/api/drafts/", { credentials: "same-origin", redirect: "manual" });
      return !(answer.status === 401 || answer.status === 403 || answer.type === "opaqueredirect");
    } catch {
      return true; // no server at all says nothing about the session
    }
  }
}

/** For screen readers: what an offer's card says at a glance. */
export function offerWords(offer: Reservation): string {
  const name = offer.conversation?.contact.name || gettext("a customer");
  const left = Math.max(0, Math.round(((parseTime(offer.expires_at) ?? clock.now) - clock.now) / 1000));
  return interpolate(
    ngettext(
      "New offer: %(name)s on %(channel)s, %(n)s second left",
      "New offer: %(name)s on %(channel)s, %(n)s seconds left",
      left,
    ),
    { name, channel: offer.conversation?.channel.name ?? "", n: left },
  );
}

const DESK = Symbol("desk");

export function provideDesk(desk: Desk): void {
  setContext(DESK, desk);
}

export function getDesk(): Desk {
  return getContext<Desk>(DESK);
}
