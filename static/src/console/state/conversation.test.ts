import { expect, test } from "vitest";
import type { EventFrame, Message } from "../protocol";
import {
  applyConversationEvent,
  conversationFromSnapshot,
  reachedStart,
  withOlder,
  type ConversationState,
} from "./conversation";
import { chance, conversation, event, message, reply, snapshot } from "./fixtures";

function state(messages: Message[], seq = 10): ConversationState {
  return conversationFromSnapshot(
    snapshot("CH1", seq, { conversation: conversation(), messages, participants: [] }),
  );
}

test("an event replaces whole parts and moves the number on", () => {
  const before = state([message(1)]);
  const closed = conversation({ status: "closed" });

  const { state: after, verdict } = applyConversationEvent(
    before,
    event("CH1", 11, { conversation: closed, message: message(2) }),
  );

  expect(verdict).toBe("applied");
  expect(after).toEqual({ seq: 11, conversation: closed, messages: [message(1), message(2)], participants: [] });
  expect(before.messages).toEqual([message(1)]);
});

test("what is already known changes nothing, not even the object", () => {
  const before = state([message(1)]);
  const { state: after, verdict } = applyConversationEvent(before, event("CH1", 10, { message: message(9) }));
  expect(verdict).toBe("old");
  expect(after).toBe(before);
});

test("a gap changes nothing and is told", () => {
  const before = state([message(1)]);
  const { state: after, verdict } = applyConversationEvent(before, event("CH1", 12, { message: message(9) }));
  expect(verdict).toBe("gap");
  expect(after).toBe(before);
});

test("a changed message takes its own place", () => {
  const read = reply(2, { status: "read" });
  const { state: after } = applyConversationEvent(
    state([message(1), reply(2), message(3)]),
    event("CH1", 11, { message: read }),
  );
  expect(after.messages).toEqual([message(1), read, message(3)]);
});

test("a change of a message older than what is loaded leaves no hole in the list", () => {
  const { state: after } = applyConversationEvent(
    state([message(51), message(52)]),
    event("CH1", 11, { message: message(3, { text: "edited" }) }),
  );
  expect(after.messages).toEqual([message(51), message(52)]);
});

test("history joins in front, and what is held already wins over an older page", () => {
  const held = message(3, { text: "newer" });
  const after = withOlder(state([held, message(4)]), [message(3), message(2), message(1)]);
  expect(after.messages).toEqual([message(1), message(2), held, message(4)]);
  expect(reachedStart(after)).toBe(true);
  expect(reachedStart(state([message(7)]))).toBe(false);
});

/**
 * Whatever the network does (doubles, reorders, cuts), a client that ignores old events and asks again on a gap ends
 * where a client that got everything in order ends.
 */
test("doubled, delayed and lost events end in the same state as a clean line", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = chance(seed);
    const start = state([message(1)], 0);
    const events: EventFrame[] = [];
    for (let seq = 1; seq <= 30; seq++) {
      const kind = random();
      const place = 1 + Math.floor(random() * (seq + 1));
      if (kind < 0.5) events.push(event("CH1", seq, { message: message(seq + 1) }));
      else if (kind < 0.8) events.push(event("CH1", seq, { message: message(place, { text: `edit ${seq}` }) }));
      else events.push(event("CH1", seq, { conversation: conversation({ owner_version: seq }) }));
    }
    const clean = events.reduce((now, one) => applyConversationEvent(now, one).state, start);

    // A bad line: every event may be lost, doubled or swapped with its neighbour.
    const wire: EventFrame[] = [];
    for (const one of events) {
      const fate = random();
      if (fate < 0.15) continue;
      wire.push(one);
      if (fate < 0.3) wire.push(one);
      if (fate > 0.85 && wire.length > 1) wire.splice(-2, 2, wire.at(-1)!, wire.at(-2)!);
    }
    let now = start;
    const replay = (): void => {
      for (const one of events) if (one.seq > now.seq) now = applyConversationEvent(now, one).state;
    };
    for (const one of wire) {
      const applied = applyConversationEvent(now, one);
      now = applied.state;
      if (applied.verdict === "gap") replay();
    }
    replay(); // the reconnect's subscribe

    expect(now).toEqual(clean);
  }
});
