// Launcher, teaser and panel.

import type { Client } from "./client";
import { palette } from "./color";
import { Composer } from "./composer";
import { h, icon, setText, show } from "./dom";
import { MessageList, speaker } from "./list";
import type { MessageFrame, SiteConfig, User } from "./protocol";
import { chime } from "./sound";
import type { Memory } from "./storage";
import type { State } from "./store";
import { hasEnded, items, lastTheirs, quickReplies, unread } from "./store";
import type { Words } from "./strings";
import { css } from "./styles";
import type { Tabs } from "./tabs";
import { initials, plainName } from "./text";

export interface Looks {
  theme: "light" | "dark" | "auto";
  position: "start" | "end";
}

const NEAR = 60;
/** Short interruptions are nobody's business. */
const BANNER_MS = 1500;

export class Panel {
  readonly host = h("div", { id: "contact-center-widget" });
  private readonly root: HTMLElement;
  private readonly launcher: HTMLButtonElement;
  private readonly badge = h("span", { class: "badge", "aria-hidden": "true", hidden: true });
  private readonly teaser: HTMLElement;
  private readonly teaserFace = h("div", { class: "face", "aria-hidden": "true" });
  private readonly teaserName = h("bdi");
  private readonly teaserText = h("span", { class: "teaser-text", dir: "auto" });
  private readonly panel: HTMLElement;
  private readonly avatar = h("div", { class: "avatar", "aria-hidden": "true" });
  private readonly presence = h("span", { class: "presence" });
  private readonly title = h("bdi");
  private readonly status = h("p", { class: "status", role: "status" });
  private readonly mute: HTMLButtonElement;
  private readonly linkBanner = h("button", { class: "banner link", type: "button", role: "status", hidden: true });
  private readonly queue = h("div", { class: "banner queue", role: "status", hidden: true });
  private readonly place = h("span", { class: "place", "aria-hidden": "true" });
  private readonly queueTitle = h("strong");
  private readonly queueText = h("span");
  private readonly scroller: HTMLElement;
  private readonly log: HTMLElement;
  private readonly hello = h("div", { class: "hello" });
  private readonly helloText = h("p");
  private readonly older = h("div", { class: "older", hidden: true });
  private readonly ended = h("div", { class: "ended", hidden: true });
  private readonly away = h("div", { class: "ended", role: "status", hidden: true });
  private readonly typing: HTMLElement;
  private readonly typingFace = h("div", { class: "face", "aria-hidden": "true" });
  private readonly typingText = h("span", { class: "sr" });
  private readonly chips = h("div", { class: "chips", role: "group", hidden: true });
  private readonly jump: HTMLButtonElement;
  private readonly dropZone = h("div", { class: "drop", hidden: true, "aria-hidden": "true" });
  private readonly composer: Composer;
  private readonly form: HTMLFormElement | null;
  private readonly list: MessageList;
  private atEnd = true;
  private wasOnline = false;
  private bannerTimer = 0;
  private bannerText = "";
  private chipsShown = "";
  private dragging = 0;

  constructor(
    private readonly client: Client,
    private readonly memory: Memory,
    private readonly tabs: Tabs,
    private readonly words: Words,
    private readonly config: SiteConfig,
    looks: Looks,
    private readonly onChange: (event: "open" | "close" | "unread", value: number) => void,
  ) {
    const say = words.say.bind(words);
    this.launcher = h(
      "button",
      { class: "launcher", type: "button", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => this.toggle() },
      icon("chat", 28),
      icon("down", 28),
      this.badge,
    );
    const teaserOpen = h(
      "button",
      { class: "teaser-open", type: "button", onclick: () => this.open() },
      this.teaserFace,
      h("span", { class: "teaser-words" }, h("span", { class: "teaser-name" }, this.teaserName), this.teaserText),
    );
    const teaserClose = h(
      "button",
      { class: "teaser-close", type: "button", "aria-label": say("dismiss"), onclick: () => show(this.teaser, false) },
      icon("close", 15),
    );
    this.teaser = h("div", { class: "teaser", hidden: true }, teaserOpen, teaserClose);
    this.mute = h("button", { class: "tool", type: "button", onclick: () => this.toggleSound() });
    const close = h(
      "button",
      { class: "tool", type: "button", "aria-label": say("close"), title: say("close"), onclick: () => this.close() },
      icon("close", 20),
    );
    const head = h("div", { class: "head" }, this.avatar, h("div", { class: "who" }, h("h2", { class: "title", id: "cc-title" }, this.title), this.status), this.mute, close);
    this.queue.append(this.place, h("div", { class: "queue-words" }, this.queueTitle, this.queueText));
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-relevant": "additions", "aria-label": say("chat") });
    this.typing = h(
      "div",
      { class: "typing", hidden: true, role: "status" },
      this.typingFace,
      h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
      this.typingText,
    );
    setText(this.older, say("older"));
    setText(this.ended, say("ended"));
    this.chips.setAttribute("aria-label", say("answers"));
    this.hello.append(h("h3", {}, this.local("greeting") || say("greeting")), this.helloText);
    this.form = config.prechat.length ? this.prechat() : null;
    this.scroller = h(
      "div",
      { class: "scroller", tabindex: "0", "aria-label": say("chat"), role: "group" },
      this.older,
      this.hello,
      this.form ?? false,
      this.log,
      this.ended,
      this.away,
      this.typing,
      this.chips,
    );
    this.jump = h("button", { class: "jump", type: "button", hidden: true, onclick: () => this.toEnd(true) }, icon("down", 16), say("jump"));
    setText(this.dropZone, say("drop"));
    this.composer = new Composer(client, memory, words, config, () => this.toEnd(false));
    this.panel = h(
      "section",
      { class: "panel", role: "dialog", "aria-labelledby": "cc-title", hidden: true },
      head,
      this.linkBanner,
      this.queue,
      h("div", { class: "middle" }, this.scroller, this.jump),
      this.composer.element,
      this.dropZone,
    );
    this.root = h(
      "div",
      { class: "cc", lang: words.language, dir: words.rtl ? "rtl" : "ltr", "data-position": looks.position },
      this.teaser,
      this.panel,
      this.launcher,
    );
    this.list = new MessageList(this.log, client, words, () => this.atEnd && this.toEnd(false));
    this.paint(looks);
    this.listen();
    client.subscribe((state, before) => this.render(state, before));
    this.render(client.state, client.state);
    this.showSound();
  }

  /** Into the page: a shadow root, so neither side's styles reach the other. */
  mount(): void {
    const shadow = this.host.attachShadow({ mode: "open" });
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      shadow.adoptedStyleSheets = [sheet];
    } catch {
      shadow.append(h("style", {}, css)); // browsers of before 2023
    }
    shadow.append(this.root);
    document.body.append(this.host);
    if (this.memory.open) this.open(false);
  }

  unmount(): void {
    this.host.remove();
  }

  // -- open and close -------------------------------------------------------------------------------

  toggle(): void {
    if (this.client.state.open) this.close();
    else this.open();
  }

  open(focus = true): void {
    this.memory.open = true;
    show(this.teaser, false);
    show(this.panel, true);
    this.root.toggleAttribute("data-open", true);
    this.client.dispatch({ type: "opened" });
    this.client.connect();
    this.composer.resize();
    this.toEnd(false);
    // A phone's keyboard would cover what was just opened.
    if (focus) (matchMedia("(hover: none)").matches ? this.scroller : this.entry()).focus();
    this.onChange("open", 0);
  }

  close(): void {
    this.memory.open = false;
    show(this.panel, false);
    this.root.toggleAttribute("data-open", false);
    this.client.dispatch({ type: "closed" });
    this.client.stopTyping(true);
    this.launcher.focus();
    this.onChange("close", 0);
  }

  showSound(): void {
    const label = this.words.say(this.memory.muted ? "muted" : "unmuted");
    this.mute.replaceChildren(icon(this.memory.muted ? "silent" : "sound", 20));
    this.mute.setAttribute("aria-label", label);
    this.mute.title = label;
  }

  private toggleSound(): void {
    this.memory.muted = !this.memory.muted;
    this.tabs.tell({ t: "muted", on: this.memory.muted });
    this.showSound();
    if (!this.memory.muted) chime();
  }

  private entry(): HTMLElement {
    return this.form && !this.form.hidden ? (this.form.querySelector("input") ?? this.form) : this.composer.input;
  }

  private listen(): void {
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        this.close();
      } else if (event.key === "Tab" && this.isFullScreen()) this.keepFocus(event);
    });
    this.scroller.addEventListener(
      "scroll",
      () => {
        this.atEnd = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < NEAR;
        if (this.atEnd) this.markRead();
        show(this.jump, !this.atEnd);
        if (this.scroller.scrollTop < 40) this.client.older();
      },
      { passive: true },
    );
    document.addEventListener("visibilitychange", () => this.markRead());
    addEventListener("focus", () => this.markRead());
    this.linkBanner.addEventListener("click", () => window.dispatchEvent(new Event("focus")));
    const files = (event: DragEvent): boolean => !!event.dataTransfer?.types.includes("Files");
    this.panel.addEventListener("dragenter", (event) => {
      if (!files(event)) return;
      this.dragging++;
      show(this.dropZone, true);
    });
    this.panel.addEventListener("dragleave", (event) => {
      if (files(event) && --this.dragging <= 0) this.endDrag();
    });
    this.panel.addEventListener("dragover", (event) => files(event) && event.preventDefault());
    this.panel.addEventListener("drop", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      this.endDrag();
      this.composer.add(event.dataTransfer?.files ?? null);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paintTheme());
  }

  private endDrag(): void {
    this.dragging = 0;
    show(this.dropZone, false);
  }

  private isFullScreen(): boolean {
    return matchMedia("(max-width: 480px), (max-height: 420px)").matches;
  }

  /** On a phone the panel is all there is: Tab stays in it. */
  private keepFocus(event: KeyboardEvent): void {
    const stops = [...this.panel.querySelectorAll<HTMLElement>("button, a[href], textarea, input, [tabindex='0']")].filter(
      (one) => !one.hidden && !one.hasAttribute("disabled") && one.tabIndex >= 0 && one.offsetParent !== null,
    );
    const active = (this.panel.getRootNode() as ShadowRoot).activeElement;
    const [first, last] = [stops[0], stops[stops.length - 1]];
    if (event.shiftKey && active === first) last?.focus();
    else if (!event.shiftKey && active === last) first?.focus();
    else return;
    event.preventDefault();
  }

  // -- looks ----------------------------------------------------------------------------------------

  private theme: Looks["theme"] = "auto";

  paint(looks: Looks): void {
    this.theme = looks.theme;
    const colors = palette(this.config.color);
    for (const [name, value] of [
      ["--accent", colors.accent],
      ["--deep", colors.deep],
      ["--on", colors.on],
      ["--accent-light", colors.light],
      ["--accent-dark", colors.dark],
    ] as const) {
      this.root.style.setProperty(name, value);
    }
    this.paintTheme();
  }

  private paintTheme(): void {
    const dark = this.theme === "dark" || (this.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
    this.root.setAttribute("data-theme", dark ? "dark" : "light");
  }

  private local(name: "title" | "greeting" | "away"): string {
    return this.config[name][this.words.language] ?? this.config[name].en ?? "";
  }

  // -- what is shown --------------------------------------------------------------------------------

  private render(state: State, before: State): void {
    this.renderHead(state);
    this.renderBanners(state);
    this.renderForm(state);
    if (state.messages !== before.messages || state.pending !== before.pending || state.chat !== before.chat || state.separator !== before.separator || !this.log.childElementCount) {
      this.renderList(state, before);
    }
    show(this.older, state.loadingOlder);
    show(this.ended, hasEnded(state));
    this.renderAway(state);
    this.renderTyping(state);
    this.renderChips(state);
    const news = this.news(state, before);
    if (this.atEnd) this.toEnd(false);
    this.markRead();
    this.renderUnread(this.client.state, news);
    if (news) this.announce(news);
  }

  private renderHead(state: State): void {
    const agent = plainName(state.chat?.agent?.name ?? "");
    const isOnline = state.chat?.agent_online ?? this.config.agent_online;
    const title = agent || this.local("title") || this.words.say("chat");
    setText(this.title, title);
    const owner = state.chat?.open ? state.chat.owner : "";
    setText(
      this.status,
      agent
        ? this.words.say("online")
        : owner === "queue"
          ? this.words.say("waiting")
          : owner === "flow"
            ? this.words.say("assistant")
            : this.words.say(isOnline ? "online" : "away"),
    );
    const letters = agent ? initials(agent) : "";
    if (this.avatar.dataset["of"] !== letters || !this.avatar.childElementCount) {
      this.avatar.dataset["of"] = letters;
      this.avatar.replaceChildren(letters || icon("chat", 22), this.presence);
    }
    this.presence.toggleAttribute("data-on", isOnline || !!agent);
    setText(this.helloText, isOnline ? this.words.say("onlineNow") : this.local("away") || this.words.say("awayLong"));
  }

  private renderBanners(state: State): void {
    const online = state.connection === "online";
    this.wasOnline ||= online;
    const text = {
      idle: "",
      online: "",
      connecting: this.wasOnline ? this.words.say("reconnecting") : "",
      offline: this.words.say("offline"),
      stopped: this.words.say("stopped"),
      replaced: this.words.say("replaced"),
    }[state.connection];
    if (text !== this.bannerText) {
      this.bannerText = text;
      window.clearTimeout(this.bannerTimer);
      if (!text) show(this.linkBanner, false);
      else this.bannerTimer = window.setTimeout(() => {
        this.linkBanner.replaceChildren(icon("offline", 18), h("span", {}, text));
        this.linkBanner.toggleAttribute("data-bad", state.connection !== "connecting");
        show(this.linkBanner, true);
      }, BANNER_MS);
    }
    const queue = state.chat?.queue;
    show(this.queue, !!queue && typeof queue.ahead === "number");
    if (queue && typeof queue.ahead === "number") {
      const minutes = Math.ceil((queue.wait_seconds ?? 0) / 60);
      setText(this.place, new Intl.NumberFormat(this.words.language).format(queue.ahead + 1));
      setText(this.queueTitle, queue.ahead ? this.words.say("queueNumber", { n: queue.ahead + 1 }) : this.words.say("queueNext"));
      setText(
        this.queueText,
        minutes > 1
          ? this.words.say("queueWait", { n: minutes })
          : queue.ahead
            ? this.words.say("queueAhead", { n: queue.ahead })
            : this.words.say("queueSoon"),
      );
    }
  }

  /** Who waits for a person while nobody is there is told so, kindly. */
  private renderAway(state: State): void {
    const waits = !!state.chat?.open && state.chat.owner === "queue" && !state.chat.agent_online;
    setText(this.away, waits ? this.local("away") || this.words.say("awayLong") : "");
    show(this.away, waits);
  }

  private renderForm(state: State): void {
    if (!this.form) return;
    const asks = !state.known && !state.messages.length && !state.pending.length && !this.memory.claims && !this.client.user;
    if (asks === !this.form.hidden) return;
    show(this.form, asks);
    show(this.composer.element, !asks);
  }

  private renderList(state: State, before: State): void {
    const old = this.scroller.scrollHeight - this.scroller.scrollTop;
    const prepended = state.messages[0]?.id !== before.messages[0]?.id && before.messages.length > 0;
    // The past is not read out when it is shown for the first time.
    this.log.setAttribute("aria-busy", String(state.ready !== before.ready || prepended));
    this.list.render(items(state));
    show(this.hello, !state.more);
    if (prepended && !this.atEnd) this.scroller.scrollTop = this.scroller.scrollHeight - old;
    queueMicrotask(() => this.log.setAttribute("aria-busy", "false"));
  }

  private renderTyping(state: State): void {
    const who = state.typing ? plainName(state.typing.name) || state.chat?.agent?.name || "" : "";
    show(this.typing, !!state.typing);
    if (state.typing) {
      if (who) setText(this.typingFace, initials(who));
      else this.typingFace.replaceChildren(icon("chat", 16));
    }
    setText(this.typingText, state.typing ? this.words.say("typing", { name: who || this.words.say("someone") }) : "");
  }

  private renderChips(state: State): void {
    const isFirst = !state.messages.length && !state.pending.length && (this.form === null || this.form.hidden);
    const suggestions = this.config.suggestions[this.words.language] ?? [];
    const texts = isFirst ? suggestions : quickReplies(state);
    const shown = JSON.stringify(texts);
    if (shown === this.chipsShown) return;
    this.chipsShown = shown;
    this.chips.classList.toggle("start", isFirst);
    this.chips.replaceChildren(
      ...texts.map((text) =>
        h("button", { class: "chip", type: "button", dir: "auto", onclick: () => this.choose(text) }, text),
      ),
    );
    show(this.chips, texts.length > 0);
  }

  private choose(text: string): void {
    this.client.say(text);
    this.composer.input.focus();
    this.toEnd(false);
  }

  private renderUnread(state: State, news: MessageFrame | null): void {
    const count = state.open ? 0 : unread(state);
    const shown = count > 9 ? "9+" : String(count);
    setText(this.badge, shown);
    show(this.badge, count > 0);
    const label = state.open
      ? this.words.say("close")
      : count
        ? this.words.say("openUnread", { n: count })
        : this.words.say("open");
    this.launcher.setAttribute("aria-label", label);
    this.launcher.setAttribute("aria-expanded", String(state.open));
    if (news && !state.open) {
      const name = speaker(news.from.type, news.from.name, this.words) || this.local("title");
      if (news.from.type === "bot") this.teaserFace.replaceChildren(icon("bot", 17));
      else setText(this.teaserFace, initials(name));
      setText(this.teaserName, name);
      setText(this.teaserText, news.text || this.words.say(news.attachments[0]?.kind === "image" ? "picture" : "file"));
      show(this.teaser, true);
    } else if (!count) show(this.teaser, false);
    this.onChange("unread", count);
  }

  /** The newest message of ours that was not there before, live (not while a page's history loads). */
  private news(state: State, before: State): MessageFrame | null {
    const last = lastTheirs(state);
    if (!last || state.messages === before.messages || !before.ready) return null;
    return before.messages.some((one) => one.id === last.id) || Date.now() - Date.parse(last.at) > 3600_000 ? null : last;
  }

  private announce(message: MessageFrame): void {
    if (this.isRead() || this.memory.muted) return;
    this.tabs.ring(message.id, chime);
  }

  private isRead(): boolean {
    return this.client.state.open && this.atEnd && document.visibilityState === "visible" && document.hasFocus();
  }

  private markRead(): void {
    if (this.isRead()) this.client.read();
  }

  private toEnd(smooth: boolean): void {
    this.atEnd = true;
    show(this.jump, false);
    this.scroller.scrollTo({
      top: this.scroller.scrollHeight,
      behavior: smooth && !matchMedia("(prefers-reduced-motion: reduce)").matches ? "smooth" : "instant",
    });
  }

  /** Name and e-mail before the chat, where the site asks for them. */
  private prechat(): HTMLFormElement {
    const asked = this.config.prechat;
    const name = h("input", { name: "name", autocomplete: "name", required: true, maxlength: "120", dir: "auto" });
    const email = h("input", { name: "email", type: "email", autocomplete: "email", required: true, maxlength: "254" });
    const form = h(
      "form",
      { class: "form" },
      h("h3", {}, this.words.say("prechat")),
      asked.includes("name") && h("label", {}, this.words.say("yourName"), name),
      asked.includes("email") && h("label", {}, this.words.say("yourEmail"), email),
      h("button", { class: "wide", type: "submit" }, this.words.say("start")),
    );
    form.hidden = true;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const claims: User = {};
      if (asked.includes("name")) claims.name = name.value.trim();
      if (asked.includes("email")) claims.email = email.value.trim();
      this.memory.claims = claims;
      this.client.identify(this.client.user);
      this.renderForm(this.client.state);
      this.renderChips(this.client.state);
      this.composer.input.focus();
    });
    return form;
  }
}
