import { beforeEach, expect, test } from "vitest";
import type { Commands } from "../protocol";
import { conversation, event, message, reservation, snapshot, worker } from "../state/fixtures";
import { Streams } from "./streams.svelte";

let asked: Commands["subscribe"][];
let left: string[];
let open: string[];
let streams: Streams;

beforeEach(() => {
  asked = [];
  left = [];
  open = [];
  streams = new Streams({
    subscribe: (payload) => {
      asked.push(payload);
      return Promise.resolve();
    },
    unsubscribe: (sid) => left.push(sid),
    openConversations: () => open,
    onWorker: () => {},
    onConversation: () => {},
  });
});

function workerSnapshot(seq: number, ...accepted: string[]): void {
  streams.take(
    snapshot("worker", seq, {
      worker: worker(),
      reservations: accepted.map((sid) => reservation(sid, { status: "accepted" })),
      activities: [],
    }),
  );
}

function conversationSnapshot(sid: string, seq: number): void {
  streams.take(snapshot(sid, seq, { conversation: conversation({ sid }), messages: [message(1)], participants: [] }));
}

test("at first everything is asked for whole; ours are followed once the worker is known", async () => {
  open = ["CH9"];
  const done = streams.resume(true);
  workerSnapshot(4, "A");
  await done;
  expect(asked).toEqual([{ worker_seq: null, conversations: { CH9: null } }, { conversations: { CHA: null } }]);
  expect(streams.loaded).toBe(true);
});

test("after a reconnect the last numbers are sent", async () => {
  await streams.resume(true);
  workerSnapshot(4, "A");
  conversationSnapshot("CHA", 12);
  asked = [];
  await streams.resume(true);
  expect(asked).toEqual([{ worker_seq: 4, conversations: { CHA: 12 } }]);
});

test("a gap asks once from the number held, and what comes meanwhile waits for it", async () => {
  await streams.resume(true);
  workerSnapshot(4, "A");
  conversationSnapshot("CHA", 12);
  asked = [];
  streams.take(event("CHA", 14, { message: message(3) }));
  streams.take(event("CHA", 15, { message: message(4) }));
  expect(asked).toEqual([{ conversations: { CHA: 12 } }]);
  expect(streams.conversations.get("CHA")?.seq).toBe(12);
  for (const seq of [13, 14, 15]) streams.take(event("CHA", seq, { message: message(seq - 11) }));
  expect(streams.conversations.get("CHA")).toMatchObject({ seq: 15 });
  expect(streams.conversations.get("CHA")?.messages.map((one) => one.seq)).toEqual([1, 2, 3, 4]);
});

test("a gap in the worker's stream asks for the worker", async () => {
  await streams.resume(true);
  workerSnapshot(4);
  asked = [];
  streams.take(event("worker", 6, { reservation: reservation("B") }));
  expect(asked).toEqual([{ worker_seq: 4, conversations: {} }]);
});

test("what is neither ours nor open any more is let go of", async () => {
  open = ["CH9"];
  await streams.resume(true);
  workerSnapshot(4, "A");
  conversationSnapshot("CHA", 1);
  conversationSnapshot("CH9", 1);
  open = [];
  streams.take(event("worker", 5, { reservation: reservation("A", { status: "completed" }) }));
  expect(left.sort()).toEqual(["CH9", "CHA"]);
  expect([...streams.conversations.keys()]).toEqual([]);
});

test("a conversation that is gone is remembered as such, and news of others' streams are ignored", async () => {
  open = ["CH9"];
  await streams.resume(false);
  conversationSnapshot("CH9", 1);
  streams.take({ type: "gone", stream: "CH9" });
  conversationSnapshot("CH7", 1);
  expect([...streams.gone]).toEqual(["CH9"]);
  expect([...streams.conversations.keys()]).toEqual([]);
  expect(asked).toEqual([{ conversations: { CH9: null } }]);
});
