// The one script tag's program: <script src=".../static/widget.js" data-site="..." defer></script>

import { Client } from "./client";
import type { Looks } from "./panel";
import { Panel } from "./panel";
import type { User } from "./protocol";
import { Memory, area } from "./storage";
import { Words, pickLanguage } from "./strings";
import { Tabs } from "./tabs";

interface Options {
  site?: string;
  server?: string;
  lang?: string;
  theme?: string;
  position?: string;
  user?: User;
}

type EventName = "open" | "close" | "unread";

class Widget {
  private panel: Panel | null = null;
  private client: Client | null = null;
  private booting = false;
  private wantsOpen = false;
  private user: User | null = null;
  private unread = -1;
  private readonly callbacks: Record<EventName, ((value: number) => void)[]> = { open: [], close: [], unread: [] };

  constructor(private readonly defaults: Options) {}

  /** Show the launcher. Called by the script itself unless data-consent="required". */
  boot(options: Options = {}): void {
    if (this.booting) return;
    const given = { ...this.defaults, ...options };
    const site = given.site ?? "";
    if (!site) {
      console.error('Contact center: the script tag needs data-site="...".');
      return;
    }
    this.booting = true;
    if (given.user) this.user = given.user;
    void this.load(site, given);
  }

  private async load(site: string, given: Options): Promise<void> {
    const language = pickLanguage(given.lang, document.documentElement.lang, navigator.language);
    const memory = new Memory(site, area(() => localStorage), area(() => sessionStorage));
    const words = new Words(language);
    const client = new Client((given.server ?? "").replace(/\/+$/, ""), site, language, memory, () => tabs);
    const tabs = new Tabs(site, (news) => {
      if (news.t === "read") client.dispatch({ type: "readElsewhere", cursor: news.cursor });
      else if (news.t === "muted") this.panel?.showSound();
      else if (news.t === "reset") client.reset(false);
    });
    client.user = this.user;
    try {
      const config = await client.config();
      const looks: Looks = {
        theme: given.theme === "dark" || given.theme === "light" ? given.theme : "auto",
        position: given.position === "start" ? "start" : "end",
      };
      this.panel = new Panel(client, memory, tabs, words, config, looks, (event, value) => this.tell(event, value));
    } catch (error) {
      this.booting = false;
      console.error("Contact center: the chat cannot be loaded.", error);
      return;
    }
    this.client = client;
    this.panel.mount();
    if (this.wantsOpen) this.panel.open();
    else if (memory.hasTalked && memory.token) client.connect(); // answers may have come
  }

  open(): void {
    this.wantsOpen = true;
    if (this.panel) this.panel.open();
    else this.boot();
  }

  close(): void {
    this.wantsOpen = false;
    this.panel?.close();
  }

  /** Who is signed in on the page, vouched for by the page's server (hash or jwt); without, only claims. */
  identify(user: User | null): void {
    this.user = user;
    this.client?.identify(user);
  }

  /** Sign-out: forget this visitor, here and in the other tabs. */
  reset(): void {
    this.user = null;
    this.client?.reset(true);
  }

  on(event: EventName, callback: (value: number) => void): void {
    this.callbacks[event]?.push(callback);
  }

  private tell(event: EventName, value: number): void {
    if (event === "unread") {
      if (value === this.unread) return;
      this.unread = value;
    }
    for (const callback of this.callbacks[event]) callback(value);
  }
}

const script = document.currentScript instanceof HTMLScriptElement ? document.currentScript : null;
const data = script?.dataset ?? {};
const options: Options = { server: data["server"] ?? (script?.src ? new URL(script.src).origin : location.origin) };
for (const name of ["site", "lang", "theme", "position"] as const) {
  const value = data[name];
  if (value) options[name] = value;
}
const widget = new Widget(options);

declare global {
  interface Window {
    ContactCenter?: unknown;
  }
}

if (!window.ContactCenter) {
  window.ContactCenter = {
    boot: (given?: Options) => widget.boot(given),
    open: () => widget.open(),
    close: () => widget.close(),
    identify: (user: User | null) => widget.identify(user),
    reset: () => widget.reset(),
    on: (event: EventName, callback: (value: number) => void) => widget.on(event, callback),
  };
  window.dispatchEvent(new Event("contactcenter:ready"));
  if (data["consent"] !== "required" && data["site"]) widget.boot();
}
