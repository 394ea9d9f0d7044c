// Launcher, teaser and panel.

import type { Client } from "./client";
import { palette } from "./color";
import { Composer } from "./composer";
import { h, icon, setText, show } from "./dom";
import { acceptDrops } from "./drop";
import { Head, LinkBanner, QueueBanner } from "./head";
import { items } from "./items";
import { MessageList } from "./list";
import { prechatForm } from "./prechat";
import type { MessageFrame, SiteConfig, User } from "./protocol";
import { chime } from "./sound";
import type { Memory } from "./storage";
import type { State } from "./store";
import { hasEnded, lastTheirs, quickReplies, unread } from "./store";
import type { Words } from "./strings";
import { css } from "./styles";
import type { Tabs } from "./tabs";
import { Teaser } from "./teaser";
import { initials, plainName } from "./text";

export interface Looks {
  theme: "light" | "dark" | "auto";
  position: "start" | "end";
}

const NEAR = 60;

export class Panel {
  readonly host = h("div", { id: "contact-center-widget" });
  private readonly root: HTMLElement;
  private readonly launcher: HTMLButtonElement;
  private readonly badge = h("span", { class: "badge", "aria-hidden": "true", hidden: true });
  private readonly teaser: Teaser;
  private readonly panel: HTMLElement;
  private readonly head: Head;
  private readonly link: LinkBanner;
  private readonly queue: QueueBanner;
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
  private chipsShown = "";

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
    const title = this.local("title") || say("chat");
    this.teaser = new Teaser(words, title, () => this.open());
    this.head = new Head(words, title, () => this.toggleSound(), () => this.close());
    this.link = new LinkBanner(words);
    this.queue = new QueueBanner(words);
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
    this.form = config.prechat.length ? prechatForm(config.prechat, words, (claims) => this.started(claims)) : null;
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
      this.head.element,
      this.link.element,
      this.queue.element,
      h("div", { class: "middle" }, this.scroller, this.jump),
      this.composer.element,
      this.dropZone,
    );
    this.root = h(
      "div",
      { class: "cc", lang: words.language, dir: words.rtl ? "rtl" : "ltr", "data-position": looks.position },
      this.teaser.element,
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

  // -- open and close -------------------------------------------------------------------------------

  toggle(): void {
    if (this.client.state.open) this.close();
    else this.open();
  }

  open(focus = true): void {
    this.memory.open = true;
    this.teaser.hide();
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
    this.head.showSound(this.memory.muted);
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
    acceptDrops(this.panel, this.dropZone, (files) => this.composer.add(files));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paintTheme());
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
    const isOnline = state.chat?.agent_online ?? this.config.agent_online;
    this.head.render(state, isOnline);
    this.link.render(state);
    this.queue.render(state);
    setText(this.helloText, isOnline ? this.words.say("onlineNow") : this.local("away") || this.words.say("awayLong"));
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
    if (news && !state.open) this.teaser.show(news);
    else if (!count) this.teaser.hide();
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

  private started(claims: User): void {
    this.memory.claims = claims;
    this.client.identify(this.client.user);
    this.renderForm(this.client.state);
    this.renderChips(this.client.state);
    this.composer.input.focus();
  }
}
