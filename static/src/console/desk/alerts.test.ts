import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Alerts, type Notice } from "./alerts";

let tones: number;
let shown: { title: string; tag: string; closed: boolean }[];
let tabs: Alerts[];

const notice = (id: string): Notice => ({ id, group: id, title: "Layla", body: "Hello", kind: "message", open: () => {} });
const wait = (ms: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms));

class Note {
  static permission = "granted";
  onclick: (() => void) | null = null;
  #at: number;
  constructor(title: string, options: { tag: string }) {
    this.#at = shown.push({ title, tag: options.tag, closed: false }) - 1;
  }
  close(): void {
    shown[this.#at]!.closed = true;
  }
}

beforeEach(() => {
  tones = 0;
  shown = [];
  const node = { connect: () => node, gain: { setValueAtTime() {}, linearRampToValueAtTime() {}, exponentialRampToValueAtTime() {} } };
  vi.stubGlobal(
    "AudioContext",
    class {
      state = "running";
      currentTime = 0;
      createOscillator = () => ({ frequency: {}, connect: () => node, start: () => tones++, stop() {} });
      createGain = () => node;
    },
  );
  vi.stubGlobal("Notification", Note);
  vi.spyOn(document, "hasFocus").mockReturnValue(false);
  tabs = [new Alerts(), new Alerts(), new Alerts()];
  tabs.forEach((tab) => tab.start());
});

afterEach(() => {
  tabs.forEach((tab) => tab.stop());
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  document.title = "";
});

test("three tabs hear the same news: one sounds, one notification", async () => {
  tabs.forEach((tab, index) => setTimeout(() => tab.notify(notice("m1")), index * 25));
  await wait(400);
  expect(tones).toBe(1);
  expect(shown.map((one) => one.tag)).toEqual(["m1"]);
});

test("the next news sounds again; muted tabs stay silent but still tell", async () => {
  tabs[0]!.sound = false;
  tabs[0]!.notify(notice("m1"));
  await wait(350);
  tabs[1]!.notify(notice("m2"));
  await wait(350);
  expect(tones).toBe(1);
  expect(shown).toHaveLength(2);
});

test("a notification goes with its reason", async () => {
  tabs[0]!.notify(notice("m1"));
  await wait(350);
  tabs[0]!.withdraw("m1");
  expect(shown[0]!.closed).toBe(true);
});

test("the title counts what waits", () => {
  document.title = "Console";
  const alerts = new Alerts();
  alerts.badge(3);
  expect(document.title).toBe("(3) Console");
  alerts.badge(120);
  expect(document.title).toBe("(99+) Console");
  alerts.badge(0);
  expect(document.title).toBe("Console");
});
