// What survives a reload. Browsers may refuse (private windows, blocked site data): then it lives as long as the page.

import type { User } from "./protocol";
import { isRecord } from "./protocol";
import type { Pending } from "./store";

export interface Area {
  get(key: string): string | null;
  set(key: string, value: string): void;
  remove(key: string): void;
  keys(): string[];
}

class MemoryArea implements Area {
  private readonly values = new Map<string, string>();
  get(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  set(key: string, value: string): void {
    this.values.set(key, value);
  }
  remove(key: string): void {
    this.values.delete(key);
  }
  keys(): string[] {
    return [...this.values.keys()];
  }
}

/** A browser's storage, falling back to memory as soon as it refuses. */
export function area(find: () => Storage): Area {
  const memory = new MemoryArea();
  let storage: Storage | null = null;
  try {
    storage = find();
    storage.setItem("contactcenter:probe", "1");
    storage.removeItem("contactcenter:probe");
  } catch {
    storage = null;
  }
  const attempt = <T>(work: (storage: Storage) => T, fallback: () => T): T => {
    if (!storage) return fallback();
    try {
      return work(storage);
    } catch {
      return fallback(); // full, or switched off meanwhile
    }
  };
  return {
    get: (key) => memory.get(key) ?? attempt((s) => s.getItem(key), () => null),
    set: (key, value) =>
      attempt(
        (s) => s.setItem(key, value),
        () => memory.set(key, value),
      ),
    remove: (key) => {
      memory.remove(key);
      attempt(
        (s) => s.removeItem(key),
        () => undefined,
      );
    },
    keys: () => [
      ...memory.keys(),
      ...attempt(
        (s) => Array.from({ length: s.length }, (_, index) => s.key(index) ?? ""),
        () => [],
      ),
    ],
  };
}

/** A day: what was never acked until then is given up silently, the visitor has long seen that nobody got it. */
const KEEP_MS = 24 * 3600_000;

export class Memory {
  private readonly prefix: string;

  constructor(
    site: string,
    private readonly local: Area,
    private readonly tab: Area,
  ) {
    this.prefix = `contactcenter:${site}:`;
  }

  get token(): string {
    return this.local.get(`${this.prefix}token`) ?? "";
  }
  set token(value: string) {
    this.put(this.local, "token", value);
  }

  /** Has this browser ever talked here? Then the socket is opened without waiting for a click. */
  get hasTalked(): boolean {
    return this.local.get(`${this.prefix}talked`) === "1";
  }
  set hasTalked(value: boolean) {
    this.put(this.local, "talked", value ? "1" : "");
  }

  get muted(): boolean {
    return this.local.get(`${this.prefix}muted`) === "1";
  }
  set muted(value: boolean) {
    this.put(this.local, "muted", value ? "1" : "");
  }

  /** Per tab: the panel is open again after a reload. */
  get open(): boolean {
    return this.tab.get(`${this.prefix}open`) === "1";
  }
  set open(value: boolean) {
    this.put(this.tab, "open", value ? "1" : "");
  }

  get draft(): string {
    return this.tab.get(`${this.prefix}draft`) ?? "";
  }
  set draft(value: string) {
    this.put(this.tab, "draft", value);
  }

  /** What the visitor typed into the form before the chat. */
  get claims(): User | null {
    try {
      const value: unknown = JSON.parse(this.local.get(`${this.prefix}claims`) ?? "null");
      return isRecord(value) ? { name: String(value["name"] ?? ""), email: String(value["email"] ?? "") } : null;
    } catch {
      return null;
    }
  }
  set claims(value: User | null) {
    this.put(this.local, "claims", value ? JSON.stringify(value) : "");
  }

  // One key per send, so that two tabs never overwrite each other's.

  keep(one: Pending): void {
    const { cid, text, files, at } = one;
    this.put(this.local, `out:${cid}`, JSON.stringify({ cid, text, files, at }));
  }

  drop(cid: string): void {
    this.local.remove(`${this.prefix}out:${cid}`);
  }

  kept(now: number): Pending[] {
    const found: Pending[] = [];
    for (const key of new Set(this.local.keys())) {
      if (!key.startsWith(`${this.prefix}out:`)) continue;
      const one = readPending(this.local.get(key));
      if (one && now - one.at < KEEP_MS) found.push(one);
      else this.local.remove(key);
    }
    return found.sort((a, b) => a.at - b.at);
  }

  /** Sign-out: nothing of this visitor stays. */
  forget(): void {
    for (const kept of [this.local, this.tab]) {
      for (const key of kept.keys()) {
        if (key.startsWith(this.prefix) && key !== `${this.prefix}muted`) kept.remove(key);
      }
    }
  }

  private put(where: Area, name: string, value: string): void {
    if (value) where.set(this.prefix + name, value);
    else where.remove(this.prefix + name);
  }
}

function readPending(text: string | null): Pending | null {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    if (!isRecord(value)) return null;
    const { cid, text: words, files, at } = value;
    if (typeof cid !== "string" || typeof words !== "string" || typeof at !== "number" || !Array.isArray(files)) {
      return null;
    }
    return { cid, text: words, files, at, status: "sending", error: "", sentAt: 0, notBefore: 0 };
  } catch {
    return null;
  }
}
