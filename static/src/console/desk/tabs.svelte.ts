/** Which conversations are open in the centre, which one is in front, which one stands beside it. Kept over a reload. */

export type Pane = "inbox" | "conversation" | "customer";

const KEY = "contactcenter.console.tabs";

export class Tabs {
  open = $state.raw<string[]>([]);
  active = $state<string | null>(null);
  beside = $state<string | null>(null);
  /** On narrow screens: the one column that is shown. */
  pane = $state<Pane>("inbox");

  restore(): void {
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Partial<Tabs>;
      this.open = (kept.open ?? []).filter((sid) => typeof sid === "string").slice(0, 30);
      this.active = kept.active && this.open.includes(kept.active) ? kept.active : (this.open[0] ?? null);
      this.beside = kept.beside && this.open.includes(kept.beside) && kept.beside !== this.active ? kept.beside : null;
    } catch {
      this.open = [];
    }
    const linked = /^#(CH[0-9a-f]{32})$/.exec(location.hash)?.[1];
    if (linked) this.show(linked);
  }

  show(sid: string): void {
    if (!this.open.includes(sid)) this.open = [...this.open, sid];
    if (this.beside === sid) this.beside = null;
    this.active = sid;
    this.pane = "conversation";
    this.#keep();
  }

  close(sid: string): void {
    const at = this.open.indexOf(sid);
    if (at < 0) return;
    this.open = this.open.filter((one) => one !== sid);
    if (this.beside === sid) this.beside = null;
    if (this.active === sid) {
      this.active = this.open[Math.min(at, this.open.length - 1)] ?? null;
      if (this.active !== null && this.active === this.beside) this.beside = null;
      if (this.active === null) this.pane = "inbox";
    }
    this.#keep();
  }

  /** Puts a conversation beside the one in front; again: takes it away. */
  toggleBeside(sid: string): void {
    if (this.beside === sid) this.beside = null;
    else if (this.active !== sid) {
      if (!this.open.includes(sid)) this.open = [...this.open, sid];
      this.beside = sid;
    } else {
      this.beside = this.open.find((one) => one !== sid) ?? null;
    }
    this.#keep();
  }

  #keep(): void {
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ open: this.open, active: this.active, beside: this.beside }));
    } catch {
      // no storage: the tabs last as long as the page
    }
    history.replaceState(null, "", this.active ? `#${this.active}` : location.pathname + location.search);
  }
}
