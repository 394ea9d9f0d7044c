import { expect, test } from "vitest";
import { attributeLabel, attributeValue, facts, ownerWords, shortAddress } from "./words";

test("facts: later sources win, what is shown elsewhere and ids are left out", () => {
  expect(
    facts(
      { language: "ar", vip: true, intent: "order_status", empty: "" },
      { language: "en", conversation_sid: "CH01a202c1db2576c29678ac5c99d84b79", ref: "WT01a202c1db2576c29678ac5c99d84b79" },
      undefined,
    ),
  ).toEqual([
    { key: "language", value: "en" },
    { key: "intent", value: "Order status" },
  ]);
});

test("codes become words, words of people stay", () => {
  expect(["support", "order_status", "en", "iPhone", "A-20413", "two words"].map(attributeValue)).toEqual([
    "Support",
    "Order status",
    "en",
    "iPhone",
    "A-20413",
    "two words",
  ]);
  expect([true, null, ["a", "blue"], { a: 1 }].map(attributeValue)).toEqual(["Yes", "", "a, Blue", '{"a":1}']);
  expect(attributeLabel("order_id")).toBe("Order id");
});

test("addresses people can read stay whole", () => {
  expect(["01a202c1d5597579abbdd8fc58d5b8f7", "layla@example.com", "+971501234567"].map(shortAddress)).toEqual([
    "01a202…b8f7",
    "layla@example.com",
    "+971501234567",
  ]);
});

test("who has it", () => {
  const owner = (kind: "flow" | "queue" | "worker" | "nobody", name: string) => ownerWords({ kind, name, sid: "" }, false);
  expect([owner("flow", "x"), owner("queue", "Sales"), owner("queue", ""), owner("worker", "Bob"), owner("nobody", "")]).toEqual([
    "With the bot",
    "Waiting in Sales",
    "Waiting in the queue",
    "With Bob",
    "With nobody",
  ]);
  expect(ownerWords({ kind: "worker", name: "Bob", sid: "" }, true)).toBe("With you");
});
