import { beforeEach, expect, test, vi } from "vitest";
import type { Message } from "../protocol";
import { NoAnswer, Refused } from "../socket";
import { reply } from "../state/fixtures";
import { Outbox, type Outgoing } from "./outbox.svelte";

interface Asked {
  item: Outgoing;
  ok: () => void;
  fail: (error: Error) => void;
}

let asked: Asked[];
let outbox: Outbox;
let kept: string | null;

function make(): Outbox {
  return new Outbox({
    send: (item) =>
      new Promise<Message>((resolve, reject) => {
        asked.push({ item, ok: () => resolve(reply(1, { key: item.key })), fail: reject });
      }),
    load: () => kept,
    save: (text) => (kept = text),
    retryAfter: 1,
  });
}

function add(key: string, conversation = "CH1"): void {
  outbox.add({ key, conversation, mode: "reply", text: key, files: [], replyTo: null, seenSeq: 3, at: "" });
}

const settle = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 5));
const states = (): Record<string, string> => Object.fromEntries(outbox.items.map((item) => [item.key, item.state]));

beforeEach(() => {
  asked = [];
  kept = null;
  outbox = make();
  outbox.setOnline(true);
});

test("one at a time per conversation, in order; conversations do not wait for each other", async () => {
  add("a");
  add("b");
  add("x", "CH2");
  expect(asked.map((one) => one.item.key)).toEqual(["a", "x"]);
  asked[0]!.ok();
  await settle();
  expect(asked.map((one) => one.item.key)).toEqual(["a", "x", "b"]);
  expect(states()).toEqual({ a: "accepted", b: "sending", x: "sending" });
});

test("a message leaves when its event has arrived, not before", async () => {
  add("a");
  asked[0]!.ok();
  await settle();
  expect(states()).toEqual({ a: "accepted" });
  outbox.reconcile("CH1", [reply(4, { key: "a" })]);
  expect(outbox.items).toEqual([]);
});

test("without a line everything waits, and goes out in order with the same keys when it is back", async () => {
  outbox.setOnline(false);
  add("a");
  add("b");
  expect(asked).toEqual([]);
  outbox.setOnline(true);
  asked[0]!.fail(new NoAnswer());
  outbox.setOnline(false);
  await settle();
  expect(states()).toEqual({ a: "waiting", b: "waiting" });
  outbox.setOnline(true);
  asked[1]!.ok();
  await settle();
  asked[2]!.ok();
  await settle();
  expect(asked.map((one) => one.item.key)).toEqual(["a", "a", "b"]);
});

test("silence on a good line is tried again a few times, then told", async () => {
  add("a");
  for (let tries = 0; tries < 4; tries++) {
    asked[tries]!.fail(new NoAnswer());
    await settle();
  }
  expect(asked).toHaveLength(4);
  expect(states()).toEqual({ a: "failed" });
  outbox.retry("a");
  expect(asked).toHaveLength(5);
});

test("a refusal is shown, and what was written after it still goes out", async () => {
  add("a");
  add("b");
  asked[0]!.fail(new Refused("channel.window_closed", "The reply window is closed."));
  await settle();
  expect(outbox.items[0]).toMatchObject({ state: "failed", reason: "The reply window is closed." });
  expect(asked.map((one) => one.item.key)).toEqual(["a", "b"]);
});

test("a colleague's answer asks for a second thought; sending anyway forces it with the same key", async () => {
  add("a");
  asked[0]!.fail(new Refused("conversation.answered_meanwhile", "Bob has answered meanwhile. Send it anyway?"));
  await settle();
  expect(states()).toEqual({ a: "confirm" });
  outbox.retry("a", true);
  expect(asked[1]!.item).toMatchObject({ key: "a", force: true });
});

test("a reload keeps what was not confirmed", async () => {
  add("a");
  add("b");
  asked[0]!.ok();
  await settle();
  const before = asked.length;
  outbox = make();
  expect(states()).toEqual({ b: "waiting" });
  outbox.setOnline(true);
  expect(asked.slice(before).map((one) => one.item.key)).toEqual(["b"]);
});

test("storage that holds nonsense is no reason to stop", () => {
  kept = "{nonsense";
  expect(make().items).toEqual([]);
  vi.restoreAllMocks();
});
