/** Small choices of this browser, kept in localStorage; without it they last as long as the page. */

interface Kept {
  sound: boolean;
  askedNotifications: boolean;
  detailsTab: "customer" | "history";
}

const KEY = "contactcenter.console.prefs";
const DEFAULTS: Kept = { sound: true, askedNotifications: false, detailsTab: "customer" };

function load(): Kept {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Kept>) };
  } catch {
    return DEFAULTS;
  }
}

class Prefs {
  #kept = $state.raw<Kept>(load());

  get sound(): boolean {
    return this.#kept.sound;
  }
  get askedNotifications(): boolean {
    return this.#kept.askedNotifications;
  }
  get detailsTab(): Kept["detailsTab"] {
    return this.#kept.detailsTab;
  }

  set(fields: Partial<Kept>): void {
    this.#kept = { ...this.#kept, ...fields };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#kept));
    } catch {
      // private windows without storage
    }
  }
}

export const prefs = new Prefs();
