// The panel's top: who answers, how the line is, the place in the queue.

import { h, icon, setText, show } from "./dom";
import type { State } from "./store";
import type { Words } from "./strings";
import { initials, plainName } from "./text";

export class Head {
  readonly element: HTMLElement;
  private readonly avatar = h("div", { class: "avatar", "aria-hidden": "true" });
  private readonly presence = h("span", { class: "presence" });
  private readonly title = h("bdi");
  private readonly status = h("p", { class: "status", role: "status" });
  private readonly sound: HTMLButtonElement;

  constructor(
    private readonly words: Words,
    private readonly siteTitle: string,
    onSound: () => void,
    onClose: () => void,
  ) {
    this.sound = h("button", { class: "tool", type: "button", onclick: onSound });
    const label = words.say("close");
    const close = h("button", { class: "tool", type: "button", "aria-label": label, title: label, onclick: onClose }, icon("close", 20));
    const who = h("div", { class: "who" }, h("h2", { class: "title", id: "cc-title" }, this.title), this.status);
    this.element = h("div", { class: "head" }, this.avatar, who, this.sound, close);
  }

  showSound(isMuted: boolean): void {
    const label = this.words.say(isMuted ? "muted" : "unmuted");
    this.sound.replaceChildren(icon(isMuted ? "silent" : "sound", 20));
    this.sound.setAttribute("aria-label", label);
    this.sound.title = label;
  }

  render(state: State, isOnline: boolean): void {
    const agent = plainName(state.chat?.agent?.name ?? "");
    setText(this.title, agent || this.siteTitle);
    setText(this.status, this.statusOf(state, agent, isOnline));
    const letters = agent ? initials(agent) : "";
    if (this.avatar.dataset["of"] !== letters || !this.avatar.childElementCount) {
      this.avatar.dataset["of"] = letters;
      this.avatar.replaceChildren(letters || icon("chat", 22), this.presence);
    }
    this.presence.toggleAttribute("data-on", isOnline || !!agent);
  }

  private statusOf(state: State, agent: string, isOnline: boolean): string {
    const owner = state.chat?.open ? state.chat.owner : "";
    if (agent) return this.words.say("online");
    if (owner === "queue") return this.words.say("waiting");
    if (owner === "flow") return this.words.say("assistant");
    return this.words.say(isOnline ? "online" : "away");
  }
}

/** Short interruptions are nobody's business. */
const BANNER_MS = 1500;

/** Told when the line is down for longer than a moment. */
export class LinkBanner {
  readonly element = h("button", { class: "banner link", type: "button", role: "status", hidden: true });
  private wasOnline = false;
  private timer = 0;
  private text = "";

  constructor(private readonly words: Words) {
    // As if the page were looked at again: whoever was replaced by newer tabs comes back.
    this.element.addEventListener("click", () => window.dispatchEvent(new Event("focus")));
  }

  render(state: State): void {
    this.wasOnline ||= state.connection === "online";
    const text = {
      idle: "",
      online: "",
      connecting: this.wasOnline ? this.words.say("reconnecting") : "",
      offline: this.words.say("offline"),
      stopped: this.words.say("stopped"),
      replaced: this.words.say("replaced"),
    }[state.connection];
    if (text === this.text) return;
    this.text = text;
    window.clearTimeout(this.timer);
    if (!text) {
      show(this.element, false);
      return;
    }
    this.timer = window.setTimeout(() => {
      this.element.replaceChildren(icon("offline", 18), h("span", {}, text));
      this.element.toggleAttribute("data-bad", state.connection !== "connecting");
      show(this.element, true);
    }, BANNER_MS);
  }
}

/** The place in the queue, live. */
export class QueueBanner {
  readonly element: HTMLElement;
  private readonly place = h("span", { class: "place", "aria-hidden": "true" });
  private readonly title = h("strong");
  private readonly text = h("span");
  private readonly numbers: Intl.NumberFormat;

  constructor(private readonly words: Words) {
    this.numbers = new Intl.NumberFormat(words.language);
    const told = h("div", { class: "queue-words" }, this.title, this.text);
    this.element = h("div", { class: "banner queue", role: "status", hidden: true }, this.place, told);
  }

  render(state: State): void {
    const queue = state.chat?.queue;
    const ahead = queue?.ahead;
    show(this.element, typeof ahead === "number");
    if (typeof ahead !== "number") return;
    const minutes = Math.ceil((queue?.wait_seconds ?? 0) / 60);
    setText(this.place, this.numbers.format(ahead + 1));
    setText(this.title, ahead ? this.words.say("queueNumber", { n: ahead + 1 }) : this.words.say("queueNext"));
    if (minutes > 1) setText(this.text, this.words.say("queueWait", { n: minutes }));
    else setText(this.text, ahead ? this.words.say("queueAhead", { n: ahead }) : this.words.say("queueSoon"));
  }
}
