/** The desk as a whole, against a server's end of the socket played by the test. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Message, Reservation } from "../protocol";
import { conversation, event, message, reply, reservation, snapshot, worker } from "../state/fixtures";
import { Desk } from "./desk.svelte";

class Server {
  static last: Server;
  readyState = 1;
  onopen = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  onerror = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  sent: Record<string, unknown>[] = [];

  constructor() {
    Server.last = this;
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {
    this.readyState = 3;
  }
  say(frame: unknown): void {
    this.onmessage?.({ data: JSON.stringify(frame) } as MessageEvent);
  }
  all(type: string): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame["type"] === type);
  }
  async answer(type: string, result: Record<string, unknown> = {}): Promise<void> {
    this.say({ type: "ok", id: this.all(type).at(-1)!["id"], ...result });
    await settle();
  }
}

const settle = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 0));
const CH = "CH01a202c1db2576c29678ac5c99d84b79";
const mine = (sid: string, fields: Partial<Reservation> = {}): Reservation => {
  const made = reservation("WR1", { status: "accepted", ...fields });
  return { ...made, task: { ...made.task, conversation_sid: sid } };
};
let desk: Desk;

async function welcome(reservations: Reservation[], messages: Message[] = [message(1)]): Promise<void> {
  const server = Server.last;
  server.say({ type: "welcome", user: { sid: "US1", name: "Amira" }, worker_sid: "WK1", server_time: "", dispositions: [] });
  server.say(snapshot("worker", 1, { worker: worker(), reservations, activities: [] }));
  await server.answer("subscribe");
  for (const asked of server.all("subscribe")) {
    for (const sid of Object.keys(asked["conversations"] as object)) {
      server.say(snapshot(sid, 1, { conversation: conversation({ sid }), messages, participants: [] }));
    }
  }
  await settle();
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", Server);
  vi.stubGlobal("fetch", () => Promise.resolve(new Response("[]", { status: 200 })));
  sessionStorage.clear();
  location.hash = "";
  desk = new Desk({ user: { sid: "US1", name: "Amira", username: "amira" }, ws_path: "/ws/console/", language: "en", theme: "system" });
  desk.start();
});

afterEach(() => {
  desk.stop();
  vi.unstubAllGlobals();
});

test("what is ours is followed and listed with what is unread", async () => {
  await welcome([mine(CH)]);
  expect(Server.last.all("subscribe").map((frame) => [frame["worker_seq"], frame["conversations"]])).toEqual([
    [null, {}],
    [undefined, { [CH]: null }],
  ]);
  expect(desk.mine.map((one) => [one.sid, desk.reads.unread(one.state)])).toEqual([[CH, 1]]);
  expect(document.title).toMatch(/^\(1\)/);
});

test("accepting an offer opens its conversation", async () => {
  await welcome([]);
  const offer = mine(CH, { status: "pending" });
  Server.last.say(event("worker", 2, { reservation: offer }));
  expect(desk.offers.map((one) => one.sid)).toEqual(["WR1"]);
  const done = desk.work.accept(desk.offers[0]!);
  expect(desk.work.answering.get("WR1")).toBe("accept");
  await Server.last.answer("reservation.accept", { conversation: CH });
  await done;
  expect(desk.tabs.active).toBe(CH);
  expect(location.hash).toBe(`#${CH}`);
  expect(desk.work.answering.size).toBe(0);
});

test("a second press while an answer is on its way asks nothing twice", async () => {
  await welcome([mine(CH, { status: "pending" })]);
  void desk.work.accept(desk.offers[0]!);
  void desk.work.accept(desk.offers[0]!);
  expect(Server.last.all("reservation.accept")).toHaveLength(1);
});

test("reading tells the server once and clears the badge, other tabs' reading too", async () => {
  await welcome([mine(CH)]);
  desk.open(CH);
  desk.markRead(CH);
  desk.markRead(CH);
  expect(Server.last.all("conversation.read").map((frame) => frame["seq"])).toEqual([1]);
  expect(desk.unreadTotal).toBe(0);
  Server.last.say(event(CH, 2, { message: message(2) }));
  expect(desk.unreadTotal).toBe(1);
  Server.last.say({ type: "read", conversation: CH, seq: 2 });
  expect(desk.unreadTotal).toBe(0);
});

test("a message is on the screen at once, goes out with the last seq seen, and leaves when its event comes", async () => {
  await welcome([mine(CH)]);
  desk.open(CH);
  desk.writing.drafts.write(CH, "Hello");
  desk.send(CH, "reply", "Hello");
  expect(desk.writing.outbox.of(CH).map((item) => item.state)).toEqual(["sending"]);
  expect(desk.writing.drafts.of(CH)).toBe("");
  const asked = Server.last.all("message.send")[0]!;
  expect(asked).toMatchObject({ conversation: CH, text: "Hello", seen_seq: 1, force: false, attachments: [] });
  const stored = reply(2, { key: String(asked["key"]), text: "Hello" });
  await Server.last.answer("message.send", { message: stored });
  expect(desk.writing.outbox.of(CH)).toHaveLength(1);
  Server.last.say(event(CH, 2, { message: stored }));
  expect(desk.writing.outbox.of(CH)).toEqual([]);
});

test("a cut line: the message waits, the new line resumes from the numbers held and sends it with the same key", async () => {
  await welcome([mine(CH)]);
  desk.send(CH, "reply", "Hello");
  const key = Server.last.all("message.send")[0]!["key"];
  Server.last.onclose?.({ code: 1006 } as CloseEvent);
  await settle();
  expect(desk.writing.outbox.of(CH).map((item) => item.state)).toEqual(["waiting"]);
  desk.socket.retryNow();
  const server = Server.last;
  server.say({ type: "welcome", user: { sid: "US1", name: "Amira" }, worker_sid: "WK1", server_time: "", dispositions: [] });
  expect(server.all("subscribe")[0]).toMatchObject({ worker_seq: 1, conversations: { [CH]: 1 } });
  expect(server.all("message.send")).toEqual([]);
  await server.answer("subscribe");
  expect(server.all("message.send")[0]!["key"]).toBe(key);
});

test("a note keeps to itself: never in the draft, never sent as a reply", async () => {
  await welcome([mine(CH)]);
  desk.writing.notes.set(CH, "secret");
  desk.send(CH, "note", "secret");
  expect(Server.last.all("note.add")[0]).toMatchObject({ text: "secret" });
  expect(Server.last.all("message.send")).toEqual([]);
  Server.last.say({ type: "refused", id: Server.last.all("note.add")[0]!["id"], code: "x", message: "No." });
  await settle();
  desk.writing.takeBack(desk.writing.outbox.of(CH)[0]!.key);
  expect([desk.writing.notes.get(CH), desk.writing.drafts.of(CH)]).toEqual(["secret", ""]);
});

test("drafts of another tab appear; what a customer writes ends their typing sign", async () => {
  await welcome([mine(CH)]);
  Server.last.say({ type: "draft", conversation: CH, text: "from the other tab" });
  expect(desk.writing.drafts.of(CH)).toBe("from the other tab");
  Server.last.say({ type: "typing", conversation: CH, who: "customer", name: "", user_sid: null, active: true });
  expect(desk.presence.in(CH, "customer")).toHaveLength(1);
  Server.last.say({ ...event(CH, 2, { message: message(2) }), event: "message.added" });
  expect(desk.presence.in(CH, "customer")).toHaveLength(0);
});

test("completing closes the tab and goes to the next one", async () => {
  await welcome([mine(CH)]);
  desk.open("CH9");
  desk.open(CH);
  const done = desk.work.complete(CH, "resolved", " thanks ");
  await Server.last.answer("task.complete");
  expect(await done).toBe(true);
  expect(desk.tabs.open).toEqual(["CH9"]);
  expect(desk.tabs.active).toBe("CH9");
});

test("stepping goes round through mine and whatever else is open", async () => {
  await welcome([mine(CH)]);
  desk.open("CH9");
  desk.step(1);
  expect(desk.tabs.active).toBe(CH);
  desk.step(1);
  expect(desk.tabs.active).toBe("CH9");
  desk.step(-1);
  expect(desk.tabs.active).toBe(CH);
});
